"""fetch-collateral against a server that answers as Intel's service or a PCCS does."""

import http.server
import json
import threading
import unittest
import urllib.parse

import attest
from attest import ACCEPTED, MALFORMED, Vector, run

NAME = "dcap/r01-tdx4-uptodate"


class Pcs(http.server.ThreadingHTTPServer):
    """Serves the collateral of a vector. `answers` overrides: path prefix -> (status, body)."""

    def __init__(self, collateral):
        super().__init__(("127.0.0.1", 0), Handler)
        self.collateral = collateral
        self.answers = {}
        self.asked = []
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def document(self, key, header, name):
        collateral = self.server.collateral
        body = '{"%s":%s,"signature":"%s"}' % (name, collateral[key],
                                               collateral[key + "_signature"])
        chain = urllib.parse.quote(collateral[key + "_issuer_chain"])
        return body.encode(), {header: chain}

    def do_GET(self):
        path = self.path
        self.server.asked.append(path)
        for prefix, (status, body) in self.server.answers.items():
            if path.startswith(prefix):
                return self.answer(status, body, {})
        if path == "/tdx/certification/v4/tcb?fmspc=b0c06f000000&update=early":
            return self.answer(200, *self.document("tcb_info", "TCB-Info-Issuer-Chain", "tcbInfo"))
        if path == "/tdx/certification/v4/qe/identity?update=early":
            return self.answer(200, *self.document(
                "qe_identity", "SGX-Enclave-Identity-Issuer-Chain", "enclaveIdentity"))
        if path.startswith("/sgx/certification/v4/pckcrl?ca="):
            return self.answer(200, bytes.fromhex(self.server.collateral["pck_crl"]), {})
        if path == "/sgx/certification/v4/rootcacrl":
            return self.answer(200, self.server.collateral["root_ca_crl"].encode(), {})
        return self.answer(404, b"", {})

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass  # another answer was refused, and this one is no longer wanted


class FetchCollateral(attest.TestCase):
    def setUp(self):
        super().setUp()
        self.vector = Vector(NAME)
        self.pcs = Pcs(json.loads(self.vector.collateral.read_text()))
        self.addCleanup(self.pcs.stop)
        self.out = self.folder / "collateral.json"

    def fetch(self, *more):
        return run("fetch-collateral", "--url", self.pcs.url, *more)

    def assert_fails(self, result, *words):
        self.assertEqual(result.returncode, MALFORMED, result)
        self.assertEqual(result.stdout, "")
        for word in words:
            self.assertIn(word, result.stderr)

    def test_nobody_there(self):
        dead = Pcs({})
        dead.stop()
        self.assert_fails(run("fetch-collateral", "--url", dead.url, "--quote", self.vector.quote),
                          dead.url.removeprefix("http://"))

    def test_a_refusal_is_explained_and_the_old_file_stays(self):
        self.out.write_text("old")
        self.pcs.answers["/tdx/certification/v4/tcb"] = (404, b"")
        self.assert_fails(self.fetch("--quote", self.vector.quote, "--out", self.out),
                          "answers 404 for the TCB info", "PCCS may have to be filled")
        self.assertEqual(self.out.read_text(), "old")

    def test_an_answer_that_is_no_collateral(self):
        self.pcs.answers["/sgx/certification/v4/pckcrl"] = (200, b"<html>")
        self.assert_fails(self.fetch("--quote", self.vector.quote), "revocation list")

    def test_an_answer_without_end(self):
        self.pcs.answers["/sgx/certification/v4/pckcrl"] = (200, b"0" * (3 << 20))
        self.assert_fails(self.fetch("--quote", self.vector.quote))

    def test_a_service_that_the_named_authorities_do_not_vouch_for(self):
        result = run("fetch-collateral", "--url", self.pcs.url.replace("http:", "https:"),
                     "--ca-file", self.folder / "none.pem", "--quote", self.vector.quote)
        self.assert_fails(result, "no trusted TLS connection")

    def test_misuse(self):
        self.assert_fails(self.fetch("--fmspc", "b0c06f"), "12 hexadecimal digits")
        self.assertEqual(self.fetch().returncode, MALFORMED)
        self.assert_fails(run("fetch-collateral", "--url", "pccs", "--quote", self.vector.quote))
        self.assert_fails(self.fetch("--quote", self.vector.quote, "--out",
                                     self.folder / "none/x"), "cannot be written")

    def test_what_was_fetched_for_a_quote_verifies_it(self):
        result = self.fetch("--quote", self.vector.quote, "--out", self.out)
        self.assertEqual(result.returncode, ACCEPTED, result)
        self.assertIn("issued 2025-06-19T10:16:03Z", result.stdout)
        verified = run("verify", "--quote", self.vector.quote, "--collateral", self.out, "--at",
                       self.vector.expected["verification_time"], "--json")
        self.assertEqual(json.loads(verified.stdout)["verdict"], self.vector.expected["verdict"])

    def test_into_a_folder_it_goes_under_the_name_that_nodes_look_for(self):
        result = self.fetch("--quote", self.vector.quote, "--out", self.folder)
        self.assertEqual(result.returncode, ACCEPTED, result)
        written = json.loads((self.folder / "tdx-b0c06f000000-platform.json").read_text())
        self.assertEqual(written["tcb_info"],
                         json.loads(self.vector.collateral.read_text())["tcb_info"])

    def test_a_platform_can_be_named_and_goes_to_standard_output(self):
        result = self.fetch("--fmspc", "B0C06F000000", "--ca", "processor")
        self.assertEqual(result.returncode, ACCEPTED, result)
        self.assertEqual(json.loads(result.stdout)["tcb_info"],
                         json.loads(self.vector.collateral.read_text())["tcb_info"])
        self.assertIn("/sgx/certification/v4/pckcrl?ca=processor&encoding=der", self.pcs.asked)


if __name__ == "__main__":
    unittest.main()
