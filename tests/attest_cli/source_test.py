"""source: whether this machine can make evidence. In a stand-in for a TDX guest, and outside."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import attest
from attest import ACCEPTED, PROGRAM, REFUSED, run

IN_TDX_GUEST = os.environ["COCOON_IN_TDX_GUEST"]


class Source(attest.TestCase):
    def setUp(self):
        super().setUp()
        state = tempfile.TemporaryDirectory()
        self.addCleanup(state.cleanup)
        self.state = pathlib.Path(state.name).resolve()
        self.config = self.state / "config"
        self.quote = self.folder / "quote.bin"
        self.nobody = f"unix:{self.folder}/qgs.socket"

    def source(self, *more):
        return run("source", "--configfs", self.config, "--qgs", self.nobody, *more)

    def in_guest(self, *more, provider="tdx_guest"):
        return subprocess.run(
            [IN_TDX_GUEST, self.state, provider, PROGRAM, "source", "--configfs", self.config,
             "--qgs", self.nobody, *map(str, more)],
            capture_output=True, text=True, timeout=120, check=False)

    def test_misuse(self):
        self.assert_misuse(run("source", "--qgs", "localhost:4050"), "vsock:2:4050")
        self.assert_misuse(run("source", "--configfs"))

    def test_a_machine_that_has_nothing(self):
        answer = self.answer(self.source("--json", "--out", self.quote), REFUSED)
        self.assertFalse(answer["works"])
        self.assertEqual([(s["source"], s["works"], s["code"]) for s in answer["sources"]],
                         [("configfs-tsm", False, "tsm_missing"),
                          ("QGS", False, "no_tdx_device")])
        self.assertIn(f"{self.config} does not exist", answer["sources"][0]["reason"])
        self.assertIn("modprobe tdx_guest", answer["sources"][1]["reason"])
        self.assertFalse(self.quote.exists())

    def test_people_read_the_reasons(self):
        self.config.mkdir()
        result = self.source()
        self.assertEqual(result.returncode, REFUSED, result)
        self.assertIn("mount -t configfs", result.stdout)

    def test_a_simulated_platform_that_is_not_there(self):
        answer = self.answer(self.source("--json", "--simulated-dir", self.state), REFUSED)
        self.assertEqual(answer["sources"][2]["code"], "simulated_keys_unreadable")

    def test_a_guest_of_another_kind(self):
        answer = self.answer(self.in_guest("--json", provider="sev_guest"), REFUSED)
        self.assertEqual(answer["sources"][0]["code"], "tsm_provider")
        self.assertIn("SEV-SNP", answer["sources"][0]["reason"])

    def test_a_guest_gives_a_quote_that_verifies(self):
        answer = self.answer(self.in_guest("--json", "--out", self.quote), ACCEPTED)
        self.assertTrue(answer["works"])
        self.assertTrue(answer["sources"][0]["works"])
        self.assertFalse(answer["sources"][1]["works"])
        self.assertEqual(answer["sources"][0]["quote_bytes"], self.quote.stat().st_size)
        verified = self.answer(
            run("verify", "--quote", self.quote, "--collateral", self.state / "collateral.json",
                "--root", self.state / "root.pem", "--simulated", "--json"), ACCEPTED)
        self.assertEqual(verified["verdict"], "UpToDate+SIMULATED")
        self.assertEqual(verified["measurements"]["image"],
                         answer["sources"][0]["measurements"]["image"])
        self.assertEqual(list((self.config / "tsm/report").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
