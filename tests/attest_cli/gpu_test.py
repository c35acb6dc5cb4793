import base64
import hashlib
import json
import unittest

import attest
from attest import ACCEPTED, MALFORMED, REFUSED, VECTORS, leading_word, run

NVIDIA = VECTORS / "nvidia"
EVIDENCE, CHAIN = NVIDIA / "hopper_evidence.json", NVIDIA / "hopper-certchain.pem"
NONCE = "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb"
DRIVER_RIM = NVIDIA / "driver-rim-550.144.03.xml"
VBIOS_RIM = NVIDIA / "vbios-rim-96.00.74.00.1A.xml"
AT = "2025-03-01T00:00:00Z"
REQUEST_BYTES = 37


def hopper_report():
    return bytes.fromhex((NVIDIA / "hopper-report.hex").read_text().strip())


def measurements(report):
    """NVIDIA's index (one less than SPDM's) and digest of every block."""
    blocks = report[REQUEST_BYTES + 4]
    at = REQUEST_BYTES + 8
    for _ in range(blocks):
        size = int.from_bytes(report[at + 2:at + 4], "little")
        yield report[at] - 1, report[at + 7:at + 4 + size].hex()
        at += 4 + size


def set_text(part, version, digests):
    lines = ["cocoon-gpu-measurements-v1", f"{part} GH100 {version}"]
    return "\n".join(lines + [f"{index} {digest}" for index, digest in sorted(digests)]) + "\n"


class TestCase(attest.TestCase):
    def sets(self, report, driver, vbios):
        """Files of sets that the report fits: of what it measured itself. (The vectors have no
        manifests of the reports' versions.)"""
        measured = list(measurements(report))
        return [self.file("driver.set", set_text("driver", driver, measured[0::2])),
                self.file("vbios.set", set_text("vbios", vbios, measured[1::2]))]

    def hopper_sets(self):
        return self.sets(hopper_report(), "550.90.07", "96.00.9F.00.01")

    def judge(self, *more, report=None, chain=CHAIN, nonce=NONCE, sets=()):
        path = report or self.file("report.bin", hopper_report())
        options = ["--measurements", *sets] if sets else []
        return run("gpu", "--report", path, "--chain", chain, "--nonce", nonce, "--at", AT,
                   "--json", *options, *more)

    def verdict(self, code=REFUSED, **parts):
        answer = self.answer(self.judge(**parts), code)
        self.assertFalse(answer["accepted"])
        return answer["gpus"][0]["verdict"]


class Vector(TestCase):
    # The firmware of that report does not say how the GPU is attached.
    MODE = ("--mode", "unstated")

    def test_of_hopper_is_accepted_with_sets_of_its_measurements(self):
        answer = self.answer(self.judge(*self.MODE, sets=self.hopper_sets()), ACCEPTED)
        gpu = answer["gpus"][0]
        self.assertEqual([gpu[key] for key in ("verdict", "chip", "driver", "vbios", "expires")],
                         ["Genuine", "GH100", "550.90.07", "96.00.9F.00.01",
                          "9999-12-31T23:59:59Z"])
        driver = (self.folder / "driver.set").read_bytes()
        self.assertEqual(gpu["driver_set"], hashlib.sha256(driver).hexdigest())
        self.assertIn("OCSP", answer["not_checked"][0])

    def test_of_hopper_has_no_set_of_its_versions(self):
        self.assertEqual(self.verdict(), "GPU_MEASUREMENTS_MISSING:driver GH100 550.90.07")

    def test_with_protected_pcie_is_genuine_and_refused_for_its_mode(self):
        gpu = json.loads(EVIDENCE.read_text())[0]
        sets = self.sets(base64.b64decode(gpu["evidence"]), "590.12", "96.00.A5.00.01")
        judge = ["gpu", "--evidence", EVIDENCE, "--nonce", gpu["nonce"], "--at", AT, "--json",
                 "--measurements", *sets]
        answer = self.answer(run(*judge), REFUSED)
        self.assertEqual(answer["gpus"][0]["verdict"], "Genuine")
        self.assertEqual([reason.split(":")[0] for reason in answer["reasons"]], ["gpu_mode"])
        self.answer(run(*judge, "--mode", "protected-pcie"), ACCEPTED)

    def test_of_bad_chains_is_refused(self):
        for case in (2, 3, 4):
            with self.subTest(case):
                chain = NVIDIA / f"certchain-case{case}.pem"
                self.assertEqual(leading_word(self.verdict(chain=chain)), "GPU_CHAIN_UNTRUSTED")
        root = NVIDIA / "device_root.pem"
        self.assertEqual(leading_word(self.verdict(chain=root)), "GPU_CHAIN_UNTRUSTED")

    def test_under_another_devices_chain_is_refused(self):
        other = base64.b64decode(json.loads(EVIDENCE.read_text())[0]["certificate"])
        self.assertEqual(self.verdict(chain=self.file("chain.pem", other)), "GPU_REPORT_SIGNATURE")

    def test_with_another_nonce_is_refused(self):
        nonce = "0" + NONCE[1:]
        self.assertEqual(self.verdict(nonce=nonce, sets=self.hopper_sets()), "GPU_NONCE_MISMATCH")

    def test_with_a_flipped_byte_is_refused(self):
        for offset in (4, REQUEST_BYTES + 8 + 20, -1):
            with self.subTest(offset):
                report = bytearray(hopper_report())
                report[offset] ^= 1
                verdict = self.verdict(report=self.file("report.bin", bytes(report)))
                self.assertEqual(leading_word(verdict), "GPU_REPORT_SIGNATURE")

    def test_with_a_measurement_that_is_not_allowed_is_refused(self):
        driver, vbios = self.hopper_sets()
        lines = driver.read_text().splitlines()
        index, digest = lines[2].split()
        lines[2] = f"{index} {'f' * len(digest)}"
        driver.write_text("\n".join(lines) + "\n")
        self.assertEqual(self.verdict(sets=[driver, vbios]), f"GPU_MEASUREMENTS_MISMATCH:{index}")

    def test_of_a_device_that_is_not_listed_is_refused(self):
        sets = self.hopper_sets()
        answer = self.answer(self.judge(*self.MODE, sets=sets), ACCEPTED)
        device = answer["gpus"][0]["device"]
        self.answer(self.judge(*self.MODE, "--device", device, sets=sets), ACCEPTED)
        answer = self.answer(self.judge(*self.MODE, "--device", "0" * 64, sets=sets), REFUSED)
        self.assertIn("gpu_device", answer["reasons"][0])


class Node(TestCase):
    NODE = VECTORS / "ratls/gramine-cert.pem"

    def test_gives_the_nonce_and_has_to_claim_the_evidence(self):
        """Nobody here can make a GPU sign for this node: both bindings have to refuse it."""
        report = self.file("report.bin", hopper_report())
        answer = self.answer(run("gpu", "--report", report, "--chain", CHAIN, "--node", self.NODE,
                                 "--at", AT, "--json", "--measurements", *self.hopper_sets()),
                             REFUSED)
        key = json.loads(run("inspect", self.NODE, "--json").stdout)["public_key"]
        nonce = hashlib.sha256(b"cocoon-gpu-nonce-v1\0" + bytes.fromhex(key)).hexdigest()
        self.assertEqual(answer["nonce"], nonce)
        self.assertEqual(answer["gpus"][0]["verdict"], "GPU_NONCE_MISMATCH")
        self.assertIn("gpu_claims", answer["reasons"][-1])

    def test_without_evidence_is_misuse(self):
        self.assert_misuse(run("gpu", "--evidence", EVIDENCE, "--node", CHAIN), "certificates")
        root = NVIDIA / "device_root.pem"
        self.assert_misuse(run("gpu", "--evidence", EVIDENCE, "--node", root), "device_root.pem")


class Misuse(TestCase):
    def test_a_report_that_is_cut_is_malformed(self):
        report = hopper_report()
        for cut in (b"", report[:REQUEST_BYTES], report[:-1], report + b"\0"):
            with self.subTest(len(cut)):
                path = self.file("report.bin", cut)
                self.assertEqual(self.verdict(MALFORMED, report=path), "GPU_REPORT_FORMAT")

    def test_files_that_cannot_be_read(self):
        for bad in (self.folder / "none", self.folder, "/dev/zero"):
            with self.subTest(bad):
                self.assert_misuse(self.judge(report=bad), str(bad))
                self.assert_misuse(self.judge(chain=bad), str(bad))
                self.assert_misuse(self.judge(sets=[bad]), str(bad))
                self.assert_misuse(run("gpu", "--evidence", bad, "--nonce", NONCE), str(bad))

    def test_evidence_and_sets_of_other_forms(self):
        bad = self.file("evidence.json", "[]")
        self.assert_misuse(run("gpu", "--evidence", bad, "--nonce", NONCE), "evidence.json")
        driver, vbios = self.hopper_sets()
        cut = self.file("cut.set", driver.read_text()[:-2])
        self.assert_misuse(self.judge(sets=[cut, vbios]), "cut.set")

    def test_of_the_command_line(self):
        self.assert_misuse(run("gpu"), "--evidence")
        self.assert_misuse(run("gpu", "--evidence", EVIDENCE), "--nonce")
        self.assert_misuse(run("gpu", "--evidence", EVIDENCE, "--nonce", "12"), "64 hexadecimal")
        self.assert_misuse(run("gpu", "--report", EVIDENCE, "--nonce", NONCE), "--chain")
        self.assert_misuse(self.judge("--node", EVIDENCE))
        self.assert_misuse(self.judge("--mode", "any"), "any")
        self.assert_misuse(self.judge("--device", "12"), "64 hexadecimal")
        self.assertEqual(run("gpu", "--help").returncode, 0)


class Rim(TestCase):
    def make(self, manifest, part, *more, at=AT):
        return run("rim", manifest, "--part", part, "--at", at, "--json", *more)

    def set_of(self, manifest, part):
        path = self.folder / f"{part}.set"
        self.answer(self.make(manifest, part, "--out", path), ACCEPTED)
        return path

    def test_gives_the_sets_of_both_manifests(self):
        for manifest, part, version, count in ((DRIVER_RIM, "driver", "550.144.03", 21),
                                               (VBIOS_RIM, "vbios", "96.00.74.00.1A", 12)):
            with self.subTest(part):
                path = self.folder / "out.set"
                answer = self.answer(self.make(manifest, part, "--out", path), ACCEPTED)
                made = answer["measurement_set"]
                self.assertEqual([made[key] for key in ("part", "chip", "version",
                                                        "measurements")],
                                 [part, "GH100", version, count])
                self.assertEqual(made["set"], hashlib.sha256(path.read_bytes()).hexdigest())
                lines = path.read_text().splitlines()
                self.assertEqual(lines[1], f"{part} GH100 {version}")
                self.assertEqual(len({line.split()[0] for line in lines[2:]}), count)
                self.assertIn("OCSP", answer["not_checked"][0])

    def test_gives_sets_that_other_firmware_does_not_fit(self):
        sets = []
        for manifest, part, version in ((DRIVER_RIM, "driver", "550.90.07"),
                                        (VBIOS_RIM, "vbios", "96.00.9F.00.01")):
            path = self.set_of(manifest, part)
            lines = path.read_text().splitlines()
            lines[1] = f"{part} GH100 {version}"
            path.write_text("\n".join(lines) + "\n")
            sets.append(path)
        self.assertEqual(leading_word(self.verdict(sets=sets)), "GPU_MEASUREMENTS_MISMATCH")

    def test_is_refused_outside_its_signers_dates(self):
        for at in ("2024-12-30T16:56:49Z", "2026-12-30T16:56:51Z"):
            with self.subTest(at):
                answer = self.answer(self.make(DRIVER_RIM, "driver", at=at), REFUSED)
                self.assertIn("rim_expired", answer["reasons"][0])

    def test_with_a_digest_changed_is_refused_and_writes_nothing(self):
        xml = DRIVER_RIM.read_text()
        at = xml.index('Hash0="', xml.index('active="True"')) + 7
        changed = self.file("x.xml", xml[:at] + ("1" if xml[at] == "0" else "0") + xml[at + 1:])
        path = self.folder / "out.set"
        answer = self.answer(self.make(changed, "driver", "--out", path), REFUSED)
        self.assertIn("rim_signature", answer["reasons"][0])
        self.assertEqual(answer["measurement_set"], {})
        self.assertFalse(path.exists())

    def test_with_other_certificates_is_refused(self):
        xml = DRIVER_RIM.read_text()
        changed = self.file("x.xml", xml.replace("MIICmjCCAiGg", "MIICmjCCAiGh"))
        self.assertNotEqual(changed.read_text(), xml)
        answer = self.answer(self.make(changed, "driver"), REFUSED)
        self.assertIn("rim_chain", answer["reasons"][0])

    def test_that_is_no_manifest_is_malformed(self):
        xml = DRIVER_RIM.read_text()
        for text in ("", "<a/>", xml[:-20], "<!DOCTYPE x>" + xml):
            with self.subTest(text[:20]):
                self.assert_misuse(self.make(self.file("x.xml", text), "driver"), "x.xml")
        for bad in (self.folder / "none", self.folder, "/dev/zero"):
            with self.subTest(bad):
                self.assert_misuse(self.make(bad, "driver"), str(bad))

    def test_that_cannot_be_written_is_misuse(self):
        path = self.folder / "none" / "out.set"
        self.assert_misuse(self.make(DRIVER_RIM, "driver", "--out", path), str(path))

    def test_of_the_command_line(self):
        self.assert_misuse(run("rim", DRIVER_RIM), "--part")
        self.assert_misuse(self.make(DRIVER_RIM, "firmware"), "firmware")
        self.assertEqual(run("rim", "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
