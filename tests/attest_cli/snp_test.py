import unittest

import attest
from attest import ACCEPTED, MALFORMED, REFUSED, VECTORS, leading_word, run

SNP = VECTORS / "snp"
REPORT, VCEK, ISSUERS = SNP / "milan-report.bin", SNP / "milan-vcek.der", SNP / "milan-ask-ark.pem"
AT = "2022-09-24T01:00:00Z"
FLOOR = "[snp.minimum_tcb.Milan]\nboot_loader = 2\ntee = 0\nsnp = 5\nmicrocode = 68\n"


class TestCase(attest.TestCase):
    def judge(self, *more, report=REPORT, certificate=VCEK, issuers=ISSUERS, at=AT):
        return run("snp", "--report", report, "--certificate", certificate, "--issuers", issuers,
                   "--at", at, "--json", *more)

    def verdict(self, code=REFUSED, **files):
        return self.answer(self.judge(**files), code)["verdict"]

    def flipped(self, path, offset):
        data = bytearray(path.read_bytes())
        data[offset] ^= 1
        return self.file(path.name, bytes(data))


class Vector(TestCase):
    def test_of_milan_is_genuine_and_refused_for_debug(self):
        answer = self.answer(self.judge(), REFUSED)
        self.assertEqual(answer["verdict"], "Genuine+DEBUG")
        self.assertFalse(answer["accepted"])
        self.assertIn("debug: ", answer["reasons"][0])
        report = REPORT.read_bytes()
        self.assertEqual(answer["measurements"]["measurement"], report[0x90:0xC0].hex())
        self.assertEqual(answer["measurements"]["chip_id"], report[0x1A0:0x1E0].hex())
        platform = answer["platform"]
        self.assertEqual([platform[part] for part in ("product", "boot_loader", "tee", "snp",
                                                      "microcode", "revocation_checked")],
                         ["Milan", 2, 0, 5, 68, False])
        self.assertEqual(answer["expires"], "2029-09-24T00:55:28Z")

    def test_of_milan_is_refused_outside_its_dates(self):
        self.assertEqual(self.verdict(at="2022-09-24T00:55:27Z"), "NOT_YET_VALID:endorsement_key")
        self.assertEqual(self.verdict(at="2029-09-24T00:55:29Z"), "EXPIRED:endorsement_key")

    def test_of_milan_is_refused_under_issuers_of_other_products(self):
        for product in ("genoa", "turin"):
            with self.subTest(product):
                issuers = SNP / f"{product}-ask-ark.pem"
                self.assertEqual(leading_word(self.verdict(issuers=issuers)),
                                 "SNP_CHAIN_UNTRUSTED")

    def test_with_a_flipped_byte_is_refused(self):
        for offset, word in ((0x90, "SNP_REPORT_SIGNATURE"), (0x2A0, "SNP_REPORT_SIGNATURE")):
            with self.subTest(offset):
                report = self.flipped(REPORT, offset)
                self.assertEqual(self.verdict(report=report), word)
        # The last byte of the certificate is its signature's.
        certificate = self.flipped(VCEK, -1)
        self.assertEqual(self.verdict(certificate=certificate), "SNP_CHAIN_UNTRUSTED:signature")

    def test_says_nothing_of_a_report_that_is_not_genuine(self):
        answer = self.answer(self.judge(report=self.flipped(REPORT, 0x90)), REFUSED)
        self.assertEqual((answer["measurements"], answer["platform"], answer["expires"]),
                         ({}, {}, None))

    def test_is_printed_for_people_without_json(self):
        result = run("snp", "--report", REPORT, "--certificate", VCEK, "--issuers", ISSUERS,
                     "--at", AT)
        self.assertEqual(result.returncode, REFUSED)
        self.assertRegex(result.stdout, r"(?m)^verdict +Genuine\+DEBUG$")
        self.assertRegex(result.stdout, r"(?m)^ +product +Milan$")


class Policy(TestCase):
    def setUp(self):
        super().setUp()
        self.image = self.answer(self.judge(), REFUSED)["measurements"]["image"]

    def policy(self, lines="", snp="allow_smt = true\nallow_missing_revocation_list = true\n",
               floor=FLOOR):
        return self.file("policy.toml", f'images = ["{self.image}"]\ntees = ["snp"]\n'
                         f"allow_debug = true\n{lines}[snp]\n{snp}{floor}")

    def reasons(self, policy):
        return [reason.split(":")[0]
                for reason in self.answer(self.judge("--policy", policy), REFUSED)["reasons"]]

    def test_admits_what_it_describes(self):
        self.answer(self.judge("--policy", self.policy()), ACCEPTED)

    def test_strict_admits_no_guest_because_nobody_says_what_is_current(self):
        answer = self.answer(self.judge("--policy", "strict"), REFUSED)
        self.assertIn("snp_product", [reason.split(":")[0] for reason in answer["reasons"]])

    def test_with_empty_lists_admits_nobody(self):
        images = self.file("policy.toml", self.policy().read_text().replace(self.image, "0" * 64))
        self.assertEqual(self.reasons(images), ["image"])
        self.assertEqual(self.reasons(self.policy("platforms = []\n")), ["platform"])
        self.assertEqual(self.reasons(self.policy(floor="")), ["snp_product"])

    def test_holds_a_floor_of_every_part(self):
        for part, least in (("boot_loader", 2), ("tee", 0), ("snp", 5), ("microcode", 68)):
            with self.subTest(part):
                higher = FLOOR.replace(f"{part} = {least}", f"{part} = {least + 1}")
                self.assertEqual(set(self.reasons(self.policy(floor=higher))), {"snp_tcb"})

    def test_needs_a_revocation_list_unless_it_says_otherwise(self):
        self.assertEqual(self.reasons(self.policy(snp="allow_smt = true\n")),
                         ["snp_no_revocation_list"])

    def test_that_names_other_environments_admits_no_guest(self):
        tdx = self.policy().read_text().replace('"snp"', '"tdx"')
        self.assertEqual(self.reasons(self.file("policy.toml", tdx)), ["tee_kind"])

    def test_with_faults_is_misuse(self):
        for words, text in ((("microcode", "missing"), {"floor": FLOOR.replace("microcode", "#")}),
                            (("fmc",), {"floor": FLOOR + "fmc = 0\n"}),
                            (("snp.minimum_tcb",), {"floor": FLOOR.replace("Milan", "Rome")}),
                            (("allow_sm",), {"snp": "allow_sm = true\n"}),
                            (("96 hexadecimal",), {"snp": 'id_keys = ["00"]\n'})):
            with self.subTest(words):
                self.assert_misuse(self.judge("--policy", self.policy(**text)), "policy.toml",
                                   *words)


class Misuse(TestCase):
    def test_a_report_that_is_cut_is_malformed(self):
        report = REPORT.read_bytes()
        for cut in (b"", report[:1183], report + b"\0"):
            with self.subTest(len(cut)):
                self.assertEqual(self.verdict(MALFORMED, report=self.file("report.bin", cut)),
                                 "SNP_REPORT_FORMAT")

    def test_files_that_cannot_be_read(self):
        for name in ("report", "certificate", "issuers"):
            for bad in (self.folder / "none", self.folder, "/dev/zero"):
                with self.subTest(name, bad=bad):
                    self.assert_misuse(self.judge(**{name: bad}), str(bad))
        self.assert_misuse(self.judge("--crl", self.folder / "none"), "none")

    def test_certificates_that_are_none(self):
        self.assert_misuse(self.judge(certificate=REPORT), "milan-report.bin")
        # One certificate is asked for, and this has two.
        self.assert_misuse(self.judge(certificate=ISSUERS), "milan-ask-ark.pem", "2 certificates")
        self.assertEqual(self.verdict(issuers=REPORT), "SNP_CHAIN_UNTRUSTED:issuers")
        self.assertEqual(leading_word(self.answer(self.judge("--crl", REPORT),
                                                  REFUSED)["verdict"]), "CRL_INVALID")

    def test_of_the_command_line(self):
        self.assert_misuse(run("snp"), "--report")
        self.assert_misuse(run("snp", "--report", REPORT, "--certificate", VCEK), "--issuers")
        self.assert_misuse(self.judge("--root", ISSUERS))
        self.assertEqual(run("snp", "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
