import base64
import json
import unittest

import attest
from attest import ACCEPTED, MALFORMED, REFUSED, VECTORS, Vector, run

LOG = VECTORS / "eventlog/cos113-ccel_data.bin"
AT = "2023-11-01T00:00:00Z"


class Inspect(attest.TestCase):
    def test_shows_every_field_of_a_quote(self):
        vector = Vector("dcap/r03-tdx5-outofdate-migratable")
        shown = self.answer(run("inspect", vector.quote, "--json"), ACCEPTED)
        quote = vector.quote.read_bytes()
        self.assertEqual((shown["kind"], shown["version"], shown["body"]), ("quote", 5, "TD 1.5"))
        measured = shown["measurements"]
        self.assertEqual(measured["mr_servicetd"], quote[54 + 600:54 + 648].hex())
        self.assertEqual(measured["td_attributes"], "0x0000000030000000")
        self.assertEqual([c["common_name"] for c in shown["pck_chain"]],
                         ["Intel SGX PCK Certificate", "Intel SGX PCK Platform CA",
                          "Intel SGX Root CA"])
        self.assertEqual(len(shown["pck_chain"][0]["platform"]["ppid"]), 32)

    def test_shows_quotes_that_verification_refuses(self):
        for name in ("dcap-synthetic/s16-quote-bad-signature", "dcap/r10-sgx3-debug-enclave"):
            with self.subTest(name):
                self.answer(run("inspect", Vector(name).quote, "--json"), ACCEPTED)
        self.answer(run("inspect", VECTORS / "raw/quote_v3_ecdsa_p256_eppid.bin", "--json"),
                    ACCEPTED)

    def test_shows_a_tdreport(self):
        shown = self.answer(run("inspect", VECTORS / "tdreport/tdreport_for_test.bin", "--json"),
                            ACCEPTED)
        self.assertEqual(shown["kind"], "tdreport")
        self.assertTrue(shown["hashes_match"])
        self.answer(run("inspect", VECTORS / "tdreport/report.bin", "--json"), ACCEPTED)

    def test_shows_certificates_of_each_kind_and_form(self):
        root = VECTORS / "dcap-synthetic/test_root.pem"
        der = self.file("root.der", attest.pem_to_der(root.read_text()))
        for path in (root, der):
            shown = self.answer(run("inspect", path, "--json"), ACCEPTED)
            self.assertEqual(shown["certificate"]["common_name"], "Intel SGX Root CA")
        shown = self.answer(run("inspect", VECTORS / "ratls/gramine-cert.pem", "--json"), ACCEPTED)
        self.assertEqual(shown["kind"], "ra-tls certificate")
        self.assertTrue(shown["quote"]["measurements"]["debug"])

    def test_is_printed_for_people_without_json(self):
        result = run("inspect", Vector("dcap/r01-tdx4-uptodate").quote)
        self.assertEqual(result.returncode, ACCEPTED)
        self.assertRegex(result.stdout, r"(?m)^ +fmspc +b0c06f000000$")

    def test_refuses_what_is_nothing_that_it_knows(self):
        self.assert_misuse(run("inspect", LOG))
        self.assert_misuse(run("inspect", self.file("empty", b"")))
        self.assert_misuse(run("inspect", self.file("x.pem", "-----BEGIN CERTIFICATE-----\nAA")))
        for name in ("m04-truncated-signature", "u01-v5-truncated-descriptor"):
            self.assert_misuse(run("inspect", Vector("dcap-synthetic/" + name).quote))


class Certificate(attest.TestCase):
    FOREIGN = ("gramine-cert.pem", "rats-tls-cert.pem")

    def judge(self, path, *more):
        return run("certificate", path, "--at", AT, "--json", *more)

    def allow_debug(self):
        return self.file("policy.toml", 'images = []\ntees = ["sgx"]\nallow_debug = true')

    def test_of_others_is_bound_and_refused_for_debug(self):
        for name in self.FOREIGN:
            with self.subTest(name):
                answer = self.answer(self.judge(VECTORS / "ratls" / name), REFUSED)
                self.assertTrue(answer["bound"])
                self.assertEqual(len(answer["reasons"]), 1)
                self.assertIn("debug", answer["reasons"][0])

    def test_of_others_passes_with_debug_allowed(self):
        for name in self.FOREIGN:
            with self.subTest(name):
                path = VECTORS / "ratls" / name
                answer = self.answer(self.judge(path, "--policy", self.allow_debug()), ACCEPTED)
                self.assertIn("not checked", answer["collateral"])

    def test_may_be_der(self):
        pem = (VECTORS / "ratls/gramine-cert.pem").read_text()
        der = self.file("cert.der", attest.pem_to_der(pem))
        self.answer(self.judge(der, "--policy", self.allow_debug()), ACCEPTED)

    def test_is_refused_outside_its_dates(self):
        result = run("certificate", VECTORS / "ratls/rats-tls-cert.pem", "--at",
                     "2024-03-01T00:00:00Z", "--json", "--policy", self.allow_debug())
        self.assertFalse(self.answer(result, REFUSED)["current"])

    def test_with_another_key_is_refused(self):
        der = bytearray(attest.pem_to_der((VECTORS / "ratls/gramine-cert.pem").read_text()))
        # A point of P-384 follows its tag 04; one bit of it is another key.
        key = der.index(bytes.fromhex("03620004")) + 10
        der[key] ^= 1
        answer = self.answer(self.judge(self.file("cert.der", bytes(der)), "--policy",
                                        self.allow_debug()), REFUSED)
        self.assertFalse(answer["bound"])

    def test_with_collateral_of_another_platform_is_refused(self):
        collateral = Vector("dcap/r02-sgx3-config-swhardening").collateral
        answer = self.answer(self.judge(VECTORS / "ratls/gramine-cert.pem", "--collateral",
                                        collateral, "--policy", self.allow_debug()), REFUSED)
        self.assertFalse(answer["quote"]["accepted"])

    def test_without_evidence_is_malformed(self):
        self.assert_misuse(self.judge(VECTORS / "dcap-synthetic/test_root.pem"), "evidence")
        self.assert_misuse(self.judge(LOG))


class EventLog(attest.TestCase):
    QUOTE = Vector("dcap/r07-tdx4-uptodate-8000-padded").quote

    def test_of_a_guest_gives_its_quotes_registers(self):
        answer = self.answer(run("eventlog", LOG, "--quote", self.QUOTE, "--json"), ACCEPTED)
        self.assertTrue(answer["matches"])
        self.assertEqual(len(answer["events"]), 43)
        self.assertEqual(answer["replayed"]["rtmr3"], "00" * 48)

    def test_of_another_guest_does_not(self):
        log = VECTORS / "eventlog/ovmf-ccel_data.bin"
        answer = self.answer(run("eventlog", log, "--quote", self.QUOTE, "--json"), REFUSED)
        self.assertFalse(answer["matches"])
        self.assertEqual(answer["differing"], ["rtmr0", "rtmr1", "rtmr2"])

    def test_without_a_quote_is_shown(self):
        answer = self.answer(run("eventlog", VECTORS / "eventlog/ovmf-ccel_data.bin", "--json"),
                             ACCEPTED)
        self.assertTrue(answer["replayed"]["rtmr0"].startswith("8566f998798db09443b244c62de9a304"))
        self.assertNotIn("matches", answer)

    def test_that_cannot_be_read_is_malformed(self):
        self.assert_misuse(run("eventlog", self.QUOTE), "event log")
        self.assert_misuse(run("eventlog", self.file("cut", LOG.read_bytes()[:1000])))
        self.assert_misuse(run("eventlog", LOG, "--quote", LOG))
        sgx = Vector("dcap/r02-sgx3-config-swhardening").quote
        self.assert_misuse(run("eventlog", LOG, "--quote", sgx), "RTMR")


class Bundle(attest.TestCase):
    """Nodes with the certificates of others, under collateral that is not theirs: a genuine bundle
    comes from a running gateway (tests/e2e)."""

    def bundle(self, **changes):
        pem = (VECTORS / "ratls/gramine-cert.pem").read_text()
        collateral = json.loads(Vector("dcap/r02-sgx3-config-swhardening").collateral.read_text())
        out = {"object": "cocoon.evidence", "proxies": [], "collateral": {"c": collateral},
               "workers": [{"certificate": base64.b64encode(attest.pem_to_der(pem)).decode(),
                            "collateral": "c"}]}
        out.update(changes)
        return self.file("bundle.json", json.dumps(out))

    def verify(self, path):
        return run("verify", "--bundle", path, "--at", "2025-06-30T00:00:00Z", "--json")

    def test_with_a_refused_node_is_refused(self):
        answer = self.answer(self.verify(self.bundle()), REFUSED)
        self.assertEqual(answer["nodes"], 1)
        self.assertFalse(answer["accepted"])
        self.assertTrue(answer["workers"][0]["bound"])

    def test_with_nobody_in_it_is_refused(self):
        answer = self.answer(self.verify(self.bundle(workers=[])), REFUSED)
        self.assertFalse(answer["accepted"])

    def test_with_parts_missing_is_malformed(self):
        self.assert_misuse(self.verify(self.bundle(collateral={})), "collateral")
        self.assert_misuse(self.verify(self.bundle(workers=[{"collateral": "c"}])), "certificate")
        self.assert_misuse(self.verify(self.bundle(object="list")), "bundle")
        self.assert_misuse(self.verify(self.file("x", "[")))


if __name__ == "__main__":
    unittest.main()
