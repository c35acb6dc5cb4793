import json
import re
import unittest

import attest
from attest import ACCEPTED, MALFORMED, REFUSED, Vector, leading_word, names, run


class Manifest(attest.TestCase):
    def test_every_vector_of_the_manifest_is_here(self):
        text = (attest.VECTORS / "MANIFEST.md").read_text()
        listed = set(re.findall(r"^\| ([a-z][0-9]{2}-[^ |]+) \|", text, re.MULTILINE))
        self.assertEqual({name.split("/")[1] for name in names()}, listed)

    def test_every_vector_gives_its_verdict_acceptance_and_exit_code(self):
        for name in names():
            with self.subTest(name):
                vector = Vector(name)
                expected = leading_word(vector.expected["verdict"])
                accepted = vector.expected["accept_under_default_strict_policy"]
                code = (MALFORMED if expected == "QUOTE_FORMAT" else
                        ACCEPTED if accepted else REFUSED)
                answer = self.answer(vector.verify("--policy", "strict"), code)
                self.assertEqual(leading_word(answer["verdict"]), expected)
                self.assertEqual("+DEBUG" in answer["verdict"],
                                 "+DEBUG" in vector.expected["verdict"])
                self.assertIs(answer["accepted"], accepted)
                self.assertEqual(bool(answer["reasons"]), not accepted)


class Answer(attest.TestCase):
    def test_has_exactly_the_documented_keys(self):
        answer = self.answer(Vector("dcap/r01-tdx4-uptodate").verify(), ACCEPTED)
        self.assertEqual(list(answer), ["verdict", "accepted", "tcb_status", "advisories",
                                        "reasons", "measurements", "expires"])
        self.assertEqual(answer["verdict"], "UpToDate")
        self.assertEqual(answer["tcb_status"], "UpToDate")
        self.assertEqual(answer["expires"], "2025-07-19T10:00:35Z")
        quote = Vector("dcap/r01-tdx4-uptodate").quote.read_bytes()
        self.assertEqual(answer["measurements"]["mrtd"], quote[48 + 136:48 + 184].hex())

    def test_lists_advisories_once_each(self):
        vector = Vector("dcap-synthetic/t24-advisories-of-qe-and-platform")
        answer = self.answer(vector.verify(), REFUSED)
        self.assertEqual(answer["advisories"],
                         ["INTEL-SA-00477", "INTEL-SA-00615", "INTEL-SA-00657"])

    def test_tells_nothing_that_is_not_vouched_for(self):
        answer = self.answer(Vector("dcap-synthetic/s16-quote-bad-signature").verify(), REFUSED)
        self.assertEqual(answer["measurements"], {})
        self.assertIsNone(answer["expires"])
        self.assertIsNone(answer["tcb_status"])

    def test_says_what_would_be_without_revocation_lists(self):
        answer = self.answer(Vector("dcap/r14-tdx4-uptodate-no-crls").verify(), REFUSED)
        self.assertEqual(answer["tcb_status"], "UpToDate")
        self.assertEqual(leading_word(answer["verdict"]), "CRL_MISSING")

    def test_is_printed_for_people_without_json(self):
        result = run(*Vector("dcap/r08-tdx4-debug-td").arguments())
        self.assertEqual(result.returncode, REFUSED)
        self.assertRegex(result.stdout, r"(?m)^verdict +UpToDate\+DEBUG$")
        self.assertRegex(result.stdout, r"(?m)^accepted +no$")


class Root(attest.TestCase):
    def test_is_intels_unless_another_is_named(self):
        vector = Vector("dcap-synthetic/s01-tdx4-uptodate")
        arguments = vector.arguments()
        arguments = arguments[:arguments.index("--root")]
        answer = self.answer(run(*arguments, "--json"), REFUSED)
        self.assertEqual(leading_word(answer["verdict"]), "PCK_CHAIN_UNTRUSTED")

    def test_that_is_named_replaces_intels(self):
        root = attest.VECTORS / "dcap-synthetic/test_root.pem"
        answer = self.answer(Vector("dcap/r01-tdx4-uptodate").verify("--root", root), REFUSED)
        self.assertEqual(leading_word(answer["verdict"]), "PCK_CHAIN_UNTRUSTED")

    def test_may_be_der(self):
        vector = Vector("dcap-synthetic/s01-tdx4-uptodate")
        arguments = vector.arguments()
        pem = arguments[arguments.index("--root") + 1].read_text()
        arguments[-1] = self.file("root.der", attest.pem_to_der(pem))
        self.answer(run(*arguments, "--json"), ACCEPTED)

    def test_of_a_simulation_does_not_make_real_platforms_simulated(self):
        vector = Vector("dcap-synthetic/s01-tdx4-uptodate")
        answer = self.answer(vector.verify("--simulated"), REFUSED)
        self.assertEqual(answer["verdict"], "FMSPC_RESERVED+SIMULATED")

    def test_that_is_no_certificate_is_misuse(self):
        vector = Vector("dcap/r01-tdx4-uptodate")
        self.assert_misuse(vector.verify("--root", vector.quote), "quote.bin")
        self.assert_misuse(vector.verify("--simulated"), "--root")


class Time(attest.TestCase):
    def test_is_utc_in_either_form(self):
        vector = Vector("dcap/r01-tdx4-uptodate")
        arguments = vector.arguments()
        at = arguments.index("--at") + 1
        for text in ("2025-06-30T00:00:00Z", "2025-06-30T00:00:00", "1751241600"):
            with self.subTest(text):
                arguments[at] = text
                self.answer(run(*arguments, "--json"), ACCEPTED)

    def test_is_now_unless_another_is_named(self):
        vector = Vector("dcap/r01-tdx4-uptodate")
        arguments = vector.arguments()
        at = arguments.index("--at")
        answer = self.answer(run(*arguments[:at], "--json"), REFUSED)
        self.assertEqual(leading_word(answer["verdict"]), "EXPIRED")

    def test_that_cannot_be_read_is_misuse(self):
        vector = Vector("dcap/r01-tdx4-uptodate")
        arguments = vector.arguments()
        at = arguments.index("--at") + 1
        for text in ("yesterday", "2025-02-30T00:00:00Z", "-1", "99999999999999999999", "2025-06-30"):
            with self.subTest(text):
                arguments[at] = text
                self.assert_misuse(run(*arguments), "time")


class Misuse(attest.TestCase):
    def setUp(self):
        super().setUp()
        self.vector = Vector("dcap/r01-tdx4-uptodate")

    def verify(self, quote, collateral):
        return run("verify", "--quote", quote, "--collateral", collateral, "--json")

    def test_of_the_command_line(self):
        self.assert_misuse(run())
        self.assert_misuse(run("verify"), "--quote")
        self.assert_misuse(run("verify", "--quote", self.vector.quote), "--collateral")
        self.assert_misuse(run("verify", "--collateral", self.vector.collateral), "--quote")
        self.assert_misuse(run("verify", "--bundle", "x", "--quote", self.vector.quote,
                               "--collateral", self.vector.collateral))
        self.assert_misuse(self.vector.verify("--nothing"))
        self.assert_misuse(run("unheard"))

    def test_help_is_none(self):
        self.assertEqual(run("--help").returncode, 0)
        self.assertEqual(run("verify", "--help").returncode, 0)
        self.assertEqual(run("--version").returncode, 0)

    def test_files_that_cannot_be_read(self):
        for bad in (self.folder / "none", self.folder, "/proc/self/mem"):
            with self.subTest(bad):
                self.assert_misuse(self.verify(bad, self.vector.collateral), str(bad))
                self.assert_misuse(self.verify(self.vector.quote, bad), str(bad))

    def test_files_that_never_end_are_read_to_the_limit_only(self):
        self.assert_misuse(self.verify("/dev/zero", self.vector.collateral), "bytes")
        self.assert_misuse(self.verify(self.vector.quote, "/dev/zero"), "bytes")
        self.assert_misuse(run("inspect", "/dev/zero"), "bytes")
        self.assert_misuse(run("eventlog", "/dev/zero"), "bytes")
        self.assert_misuse(run("certificate", "/dev/zero"), "bytes")

    def test_collateral_that_is_no_json_object(self):
        for text in ("", "[]", "{", '{"tcb_info": 1}', '{"tcb_info": "a", "tcb_info": "b"}',
                     "[" * 100_000):
            with self.subTest(text[:20]):
                bad = self.file("collateral.json", text)
                self.assert_misuse(self.verify(self.vector.quote, bad), "collateral.json")

    def test_is_not_what_empty_collateral_is(self):
        answer = self.answer(self.verify(self.vector.quote, self.file("c.json", "{}")), REFUSED)
        self.assertEqual(leading_word(answer["verdict"]), "TCB_INFO_MISSING")

    def test_a_quote_in_hexadecimal_is_no_quote(self):
        text = self.file("quote.hex", self.vector.quote.read_bytes().hex())
        answer = self.answer(self.verify(text, self.vector.collateral), MALFORMED)
        self.assertEqual(answer["verdict"], "QUOTE_FORMAT")
        # Of what cannot be read, nothing else is said.
        self.assertEqual(len(answer["reasons"]), 1)


class Policy(attest.TestCase):
    def setUp(self):
        super().setUp()
        self.vector = Vector("dcap/r01-tdx4-uptodate")
        answer = json.loads(self.vector.verify().stdout)
        self.image = answer["measurements"]["image"]

    def judge(self, text, vector=None):
        return (vector or self.vector).verify("--policy", self.file("policy.toml", text))

    def test_admits_the_images_that_it_lists(self):
        self.answer(self.judge(f'images = ["{self.image}"]'), ACCEPTED)

    def test_with_an_empty_list_admits_nobody(self):
        answer = self.answer(self.judge("images = []"), REFUSED)
        self.assertEqual(answer["verdict"], "UpToDate")
        self.assertIn("image: ", answer["reasons"][0])

    def test_holds_a_floor_of_the_evaluation_number(self):
        policy = f'images = ["{self.image}"]\nmin_tcb_evaluation_number = '
        self.answer(self.judge(policy + "17"), ACCEPTED)
        self.answer(self.judge(policy + "18"), REFUSED)

    def test_tolerates_advisories_by_name_and_date(self):
        vector = Vector("dcap-synthetic/t24-advisories-of-qe-and-platform")
        image = json.loads(vector.verify().stdout)["measurements"]["image"]
        grace = ('images = ["%s"]\ntcb_grace = ["INTEL-SA-00477 until %s", '
                 '"INTEL-SA-00615 until 2027-01-01T00:00:00Z", '
                 '"INTEL-SA-00657 until 2027-01-01T00:00:00Z"]')
        self.answer(self.judge(grace % (image, "2026-01-15T12:00:00Z"), vector), ACCEPTED)
        answer = self.answer(self.judge(grace % (image, "2026-01-15T11:59:59Z"), vector), REFUSED)
        self.assertIn("tcb_status", answer["reasons"][0])

    def test_may_let_debug_pass_where_it_says_so(self):
        vector = Vector("dcap/r08-tdx4-debug-td")
        image = json.loads(vector.verify().stdout)["measurements"]["image"]
        self.answer(self.judge(f'images = ["{image}"]', vector), REFUSED)
        self.answer(self.judge(f'images = ["{image}"]\nallow_debug = true', vector), ACCEPTED)

    def test_with_faults_is_misuse(self):
        self.assert_misuse(self.judge(""), "policy.toml", "images")
        self.assert_misuse(self.judge("images = []\nverify = false"), "verify")
        self.assert_misuse(self.judge("images = ["), "policy.toml")
        self.assert_misuse(self.judge('images = []\nallow_debug = "yes"'), "true or false")
        self.assert_misuse(self.judge('images = []\nroot = "simulated"\nsimulated_dir = "none"'),
                           "none/root.pem")
        self.assert_misuse(self.vector.verify("--policy", self.folder / "absent"), "absent")


if __name__ == "__main__":
    unittest.main()
