"""Runs the real program and reads its answers."""

import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["COCOON_ATTEST"]
VECTORS = pathlib.Path(os.environ["COCOON_TEST_VECTORS"])
ACCEPTED, REFUSED, MALFORMED = 0, 1, 2


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)


def leading_word(verdict):
    return re.match(r"[A-Za-z_]*", verdict).group()


class Vector:
    """A folder of dcap/ or dcap-synthetic/."""

    def __init__(self, name):
        self.folder = VECTORS / name
        self.expected = json.loads((self.folder / "expected.json").read_text())
        self.quote = self.folder / "quote.bin"
        self.collateral = self.folder / "collateral.json"

    def arguments(self):
        out = ["verify", "--quote", self.quote, "--collateral", self.collateral,
               "--at", self.expected["verification_time"]]
        root = self.expected["trusted_root"]
        return out if root == "Intel SGX Root CA" else out + ["--root", self.folder / root]

    def verify(self, *more):
        return run(*self.arguments(), "--json", *more)


def names():
    return sorted(f"{group}/{folder.name}" for group in ("dcap", "dcap-synthetic")
                  for folder in (VECTORS / group).iterdir() if folder.is_dir())


class TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def answer(self, result, code):
        """The JSON that a run printed, which ended with `code`."""
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def assert_misuse(self, result, *words):
        self.assertEqual(result.returncode, MALFORMED, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stderr + result.stdout)


def pem_to_der(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
    return base64.b64decode("".join(lines))
