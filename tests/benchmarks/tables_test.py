#!/usr/bin/env python3
"""Verdicts on figures, and the tables that benchmarks put into documents."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import document
import soak
import table
from targets import Target, soak_targets

SOURCE = os.environ["COCOON_SOURCE"]
SLICES = range(720, 3600, 10)  # seconds after which an hour's soak takes its samples, once settled


def result(name):
    with open(os.path.join(SOURCE, "benchmarks/results", name + ".json")) as file:
        return json.load(file)


class TargetTest(unittest.TestCase):
    def test_a_figure_may_be_its_bound_and_not_above(self):
        self.assertTrue(Target("CPU", 1.25, 1.25).met())
        self.assertFalse(Target("CPU", 1.26, 1.25).met())

    def test_a_figure_that_must_be_reached_may_be_its_bound_and_not_below(self):
        self.assertTrue(Target("rate", 1500, 1500, at_least=True).met())
        self.assertFalse(Target("rate", 1499, 1500, at_least=True).met())

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        target = Target("soak", None, 1200, note="not measured")
        self.assertIsNone(target.met())
        self.assertNotIn("MISSED", target.line())

    def test_a_line_has_what_was_seen_the_bound_the_verdict_and_the_note(self):
        self.assertEqual(Target("memory, MiB", 6.5, 6, note="RSS 20").line().split(),
                         ["memory,", "MiB", "6.50", "<=", "6", "MISSED", "RSS", "20"])


class SoakTest(unittest.TestCase):
    def verdict(self, samples):
        roles = {"cocoon-proxy": {"growth_kib_per_hour": soak.growth(samples)}}
        return soak_targets({"minutes": 60, "roles": roles})[0].met()

    def test_memory_that_stays_meets_the_target(self):
        self.assertTrue(self.verdict([(second, 5000) for second in SLICES]))

    def test_a_step_of_the_heap_is_noise(self):
        self.assertTrue(self.verdict([(s, 5000 + (600 if s > 2160 else 0)) for s in SLICES]))

    def test_steps_that_go_on_are_growth(self):
        self.assertFalse(self.verdict([(s, 5000 + 600 * (s // 900)) for s in SLICES]))

    def test_a_byte_for_each_of_a_thousand_requests_a_second_is_growth(self):
        self.assertFalse(self.verdict([(s, 5000 + s * 1000 / 1024) for s in SLICES]))

    def test_a_shorter_soak_tells_less_from_noise(self):
        self.assertAlmostEqual(soak.noise_kib_per_hour(60), 1200)
        self.assertAlmostEqual(soak.noise_kib_per_hour(20), 3600)

    def test_what_a_worker_learns_in_its_first_minutes_is_no_growth(self):
        self.assertEqual(soak.warm_up_s(60), 720)
        self.assertEqual(soak.warm_up_s(10), 180)


class ScaleTableTest(unittest.TestCase):
    def test_the_documents_table_is_that_of_the_results_it_names(self):
        with open(document.DOCUMENT) as file:
            text = file.read()
        shown = re.search("<!-- scale: begin -->\n(.*)\n<!-- scale: end -->", text, re.DOTALL)[1]
        names = re.findall(r"^\* `(.+?)`", shown, re.MULTILINE)
        self.assertEqual(shown, table.markdown({name: result(name) for name in names}))

    def test_a_column_follows_its_result(self):
        kept = result("2026-11-26-scale-quiet")
        kept["figures"]["TLS and a known verdict only"]["cpu_us_each"] = 500
        self.assertIn("| 500 µs: 2,000 a second; ", table.markdown({"other": kept}))


class ScaleRunTest(unittest.TestCase):
    def refused(self, path):
        run = os.path.join(SOURCE, "benchmarks/scale/run")
        done = subprocess.run([sys.executable, run, "--only-print", "--table", path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def test_a_result_that_is_not_there_is_named(self):
        self.assertIn("/nonexistent.json: cannot be read", self.refused("/nonexistent.json"))

    def test_a_result_that_was_cut_off_is_named(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write('{"figures": {')
            file.flush()
            self.assertIn(f"{file.name}: expected a result", self.refused(file.name))


class DocumentTest(unittest.TestCase):
    def setUp(self):
        self.file = tempfile.NamedTemporaryFile("w+")
        self.addCleanup(self.file.close)

    def replaced(self, text):
        self.file.write(text)
        self.file.flush()
        document.replace("scale", "new", self.file.name)
        with open(self.file.name) as file:
            return file.read()

    def test_what_stands_between_the_marks_is_replaced(self):
        self.assertEqual(
            self.replaced("before\n<!-- scale: begin -->\nold\n<!-- scale: end -->\nafter\n"),
            "before\n<!-- scale: begin -->\nnew\n<!-- scale: end -->\nafter\n")

    def test_a_document_without_an_end_is_not_touched(self):
        with self.assertRaisesRegex(SystemExit, "lacks the lines"):
            self.replaced("before\n<!-- scale: begin -->\nold\n")
        with open(self.file.name) as file:
            self.assertIn("old", file.read())


unittest.main()
