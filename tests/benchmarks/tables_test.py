#!/usr/bin/env python3
"""Verdicts on figures."""
import unittest

import soak
from targets import Target, soak_targets

SLICES = range(720, 3600, 10)  # seconds after which an hour's soak takes its samples, once settled


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


unittest.main()
