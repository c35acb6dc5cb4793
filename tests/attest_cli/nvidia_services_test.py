"""rim --fetch and --ocsp against an HTTPS server that answers as NVIDIA's services do."""

import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
import unittest

import attest
from attest import ACCEPTED, REFUSED, VECTORS, run

ID = "NV_GPU_DRIVER_GH100_550.144.03"
MANIFEST = VECTORS / "nvidia/driver-rim-550.144.03.xml"
AT = ["--at", "2026-01-15T12:00:00Z"]
HOPPER_NONCE = "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb"


class Services(http.server.ThreadingHTTPServer):
    """Answers about one manifest, and OCSP with what is in `ocsp`: (status, body)."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        key, self.ca_file = folder / "key.pem", folder / "ca.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", self.ca_file,
                        "-days", "1", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        xml = MANIFEST.read_bytes()
        self.manifest = {"id": ID, "rim": base64.b64encode(xml).decode(),
                         "sha256": hashlib.sha256(xml).hexdigest(), "rim_format": "TCG",
                         "last_updated": "2025-03-14T15:09:03.011000", "request_id": "x"}
        self.rim = (200, None)  # None: the manifest
        self.ocsp = (200, b"<html>")
        self.asked = []
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        pass  # a client that does not trust the certificate hangs up

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        status, body = self.server.rim
        known = self.path == f"/v1/rim/{ID}"
        self.answer(status if known else 404,
                    json.dumps(self.server.manifest).encode() if body is None else body)

    def do_POST(self):
        question = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Content-Type"], question))
        self.answer(*self.server.ocsp)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it was too long for the client


class NvidiaServices(attest.TestCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.folder)
        self.addCleanup(self.services.stop)
        self.set = self.folder / "driver.set"

    def trusted(self):
        return ["--ca-file", self.services.ca_file]

    def fetch(self, *more, identifier=ID):
        return run("rim", "--fetch", identifier, "--url", self.services.url + "/v1/rim/", "--part",
                   "driver", *AT, *self.trusted(), *more)

    def ocsp(self):
        return ["--ocsp", "--ocsp-url", self.services.url + "/"]


class Fetch(NvidiaServices):
    def test_an_id_that_would_lead_elsewhere_is_not_asked_for(self):
        self.assert_misuse(self.fetch(identifier="../ids"), "letters")
        self.assertEqual(self.services.asked, [])

    def test_a_manifest_that_the_service_has_not(self):
        self.assert_misuse(self.fetch(identifier="NV_GPU_DRIVER_GH100_1"), "404", "look at the id")

    def test_answers_that_are_none(self):
        changed = dict(self.services.manifest, sha256="0" * 64)
        other = dict(self.services.manifest, id="NV_GPU_DRIVER_GH100_1")
        for status, body, word in ((500, b"", "500"), (200, b"<html>", "JSON"), (200, b"{}", "lacks"),
                                   (200, json.dumps(changed).encode(), "SHA-256"),
                                   (200, json.dumps(other).encode(), "another id"),
                                   (200, b" " * (600 << 10), "")):
            self.services.rim = (status, body)
            self.assert_misuse(self.fetch("--out", self.set), word)
        self.assertFalse(self.set.exists())

    def test_a_manifest_that_nvidia_did_not_sign_is_refused(self):
        xml = MANIFEST.read_bytes().replace(b'active="True"', b'active="False"', 1)
        self.services.manifest.update(rim=base64.b64encode(xml).decode(),
                                      sha256=hashlib.sha256(xml).hexdigest())
        answer = self.answer(self.fetch("--json", "--out", self.set), REFUSED)
        self.assertIn("rim_signature", answer["reasons"][0])
        self.assertFalse(self.set.exists())

    def test_a_service_that_nobody_vouches_for(self):
        self.assert_misuse(run("rim", "--fetch", ID, "--url", self.services.url, "--part", "driver"),
                           "TLS", self.services.url)

    def test_nobody_there(self):
        self.services.stop()
        self.services.stop = lambda: None
        self.assert_misuse(self.fetch(), self.services.url)

    def test_gives_the_same_set_as_the_file(self):
        answer = self.answer(self.fetch("--json", "--out", self.set), ACCEPTED)
        other = self.folder / "other.set"
        from_file = self.answer(run("rim", MANIFEST, "--part", "driver", *AT, "--out", other, "--json"),
                                ACCEPTED)
        self.assertEqual(answer, from_file)
        self.assertEqual(self.set.read_bytes(), other.read_bytes())
        self.assertIn("--ocsp", answer["not_checked"][0])

    def test_misuse(self):
        self.assert_misuse(run("rim", "--part", "driver"), "--fetch")
        self.assert_misuse(self.fetch(MANIFEST), "excludes")
        self.assert_misuse(run("rim", MANIFEST, "--part", "driver", "--ocsp-url", "https://x"), "--ocsp")


class Ocsp(NvidiaServices):
    """The service cannot be imitated, NVIDIA's keys being NVIDIA's: tests/rim has its good answers."""

    def rim(self, *more):
        return run("rim", MANIFEST, "--part", "driver", "--out", self.set, *AT, *self.ocsp(),
                   *self.trusted(), *more)

    def test_garbage_is_refused_for_each_certificate_but_the_root(self):
        answer = self.answer(self.rim("--json"), REFUSED)
        self.assertEqual(len(answer["reasons"]), 3)
        self.assertIn("ocsp_answer", answer["reasons"][0])
        self.assertIn("HCC RIM L4 Signer", answer["reasons"][0])
        self.assertFalse(self.set.exists())
        self.assertEqual(len(answer["not_checked"]), 1)

    def test_questions_name_certificates_by_sha_384_and_have_nonces_of_their_own(self):
        self.rim()
        self.assertEqual([a[:2] for a in self.services.asked],
                         [("/", "application/ocsp-request")] * 3)
        nonces = set()
        for _, _, question in self.services.asked:
            shown = subprocess.run(["openssl", "ocsp", "-reqin", "/dev/stdin", "-req_text"], text=False,
                                   input=question, capture_output=True, check=True).stdout.decode()
            self.assertIn("Hash Algorithm: sha384", shown)
            nonces.add(shown.split("OCSP Nonce:")[1].split("\n")[1])
        self.assertEqual(len(nonces), 3)

    def test_a_service_that_fails_or_is_not_there_is_an_error(self):
        self.services.ocsp = (500, b"")
        self.assert_misuse(self.rim(), "500", self.services.url)
        self.services.stop()
        self.services.stop = lambda: None
        self.assert_misuse(self.rim(), self.services.url)
        self.assertFalse(self.set.exists())

    def test_a_manifest_that_is_refused_anyway_is_not_asked_about(self):
        self.answer(run("rim", MANIFEST, "--part", "driver", "--at", "2030-01-01T00:00:00Z", "--json",
                        *self.ocsp(), *self.trusted()), REFUSED)
        self.assertEqual(self.services.asked, [])

    def test_about_a_gpu_all_are_asked_for_but_leaf_and_root(self):
        report = self.file("report.bin",
                           bytes.fromhex((VECTORS / "nvidia/hopper-report.hex").read_text().strip()))
        result = run("gpu", "--report", report, "--chain", VECTORS / "nvidia/hopper-certchain.pem",
                     "--nonce", HOPPER_NONCE, "--json", *AT, *self.ocsp(), *self.trusted())
        reasons = " ".join(self.answer(result, REFUSED)["reasons"])
        for name in ("GH100 A01 GSP BROM", "NVIDIA GH100 Provisioner ICA 1", "NVIDIA GH100 Identity"):
            self.assertIn(f"certificate {name}:", reasons)
        self.assertEqual(len(self.services.asked), 3)


if __name__ == "__main__":
    unittest.main()
