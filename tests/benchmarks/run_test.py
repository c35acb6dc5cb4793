#!/usr/bin/env python3
"""A small run of benchmarks/run: every figure and every target is there, whatever it says."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.environ["COCOON_SOURCE"], "benchmarks/run")
ROLES = ["cocoon-client", "cocoon-proxy", "cocoon-worker"]
TARGETS = [
    "30 connections: requests per second, x chain",
    "30 connections: CPU per request, x chain",
    "30 connections: CPU per request, µs",
    "1 connection: added latency p50, x chain",
    "1 connection: added latency p50, µs",
    "1 connection: added latency p99, µs",
    "a lone chunk: added p50, x chain",
    "a lone chunk: added p50, µs",
    "a chunk of a burst: added, µs",
    "500 chunks, 1 connection: p99, x p50",
    "start of a network to its first answer, s",
    "scheduler: a decision among 10,000 workers, µs",
    "proxy: private memory of an idle worker, less its evidence, KiB",
    "proxy: new connections in a second of its CPU, verdict cached",
    *(f"private memory of an idle {role}, MiB" for role in ROLES),
    "soak at half load: growth of each role, KiB per hour",
]


def run(*arguments):
    return subprocess.run([sys.executable, RUN, "--build", os.environ["COCOON_BUILD"], *arguments],
                          capture_output=True, text=True)


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "result.json")
            cls.done = run("--requests", "30", "--rounds", "1", "--workers", "30", "--json", path)
            if cls.done.returncode != 0:
                raise AssertionError(cls.done.stdout + cls.done.stderr)
            with open(path) as file:
                cls.result = json.load(file)
        cls.targets = {target["what"]: target for target in cls.result["targets"]}

    def test_every_target_has_a_row(self):
        self.assertEqual(list(self.targets), TARGETS)

    def test_every_target_has_a_verdict_but_the_soak_and_those_of_a_chain_that_is_not_there(self):
        chain = self.result["scenes"][0]["chain"] != []
        for what, target in self.targets.items():
            measured = not what.startswith("soak") and (chain or "x chain" not in what)
            self.assertEqual(target["met"] is not None, measured, what)

    def test_the_size_of_the_evidence_stands_beside_what_depends_on_it(self):
        said = f"{self.result['scale']['set-up']['evidence_bytes'] / 1024:.1f} KiB of evidence"
        for what in TARGETS[12:14]:
            self.assertIn(said, self.targets[what]["note"])

    def test_rss_stands_beside_private_memory(self):
        for role in ROLES:
            rss = self.result["idle_memory_kib"][role][1]
            self.assertEqual(self.targets[f"private memory of an idle {role}, MiB"]["note"],
                             f"RSS {rss / 1024:.1f}")

    def test_the_table_has_every_target(self):
        table = self.done.stdout.partition("\ntargets\n")[2].splitlines()
        self.assertEqual([line.strip().split("  ")[0] for line in table], TARGETS)


class ArgumentsTest(unittest.TestCase):
    def test_a_soak_too_short_to_see_growth_is_refused_at_once(self):
        done = run("--soak", "4.5")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--soak 4.5: 5 minutes at least", done.stderr)


unittest.main()
