"""The targets that the project has set itself (issues 2 and 5), and what one run saw of each."""
from dataclasses import dataclass

import soak


@dataclass
class Target:
    """A bound on a figure. `seen` is None where it was not measured."""
    what: str
    seen: float
    bound: float
    at_least: bool = False
    note: str = ""

    def met(self):
        """None where it was not measured."""
        if self.seen is None:
            return None
        return self.seen >= self.bound if self.at_least else self.seen <= self.bound

    def line(self):
        seen = "-" if self.seen is None else f"{self.seen:.{0 if abs(self.seen) >= 100 else 2}f}"
        bound = f"{self.bound:.4g}" if self.bound < 1000 else f"{self.bound:.0f}"
        wanted = f"{'>=' if self.at_least else '<='} {bound}"
        verdict = {None: "", True: "met", False: "MISSED"}[self.met()]
        return f"  {self.what:66}{seen:>8}   {wanted:11}{verdict:8}{self.note}".rstrip()

    def record(self):
        return {**vars(self), "met": self.met()}


@dataclass
class Measured:
    """Everything that one run has measured."""
    scenes: dict
    idle: dict  # KiB of each role: private, RSS
    busy: dict  # the same, after the load
    seconds_to_first_answer: float
    soaked: dict  # None where not asked for
    scheduler: dict = None  # of cocoon-bench-scheduler; None where that failed
    scale: dict = None  # of cocoon-bench-scale, by phase; likewise


def ratio(above, below):
    return None if above is None or below is None else above / below


def load_targets(scenes):
    """The absolute ones were set on a faster machine, where the chain took 153 µs of CPU and added
    0.3 ms: elsewhere its ratio says more."""
    one, thirty, long, lone = (scenes[name] for name in ("one", "thirty", "long", "lone"))
    latency = one.added("network", "latency_p50_us")
    cpu = thirty.median("network", "cpu_us")
    way = lone.added("network", "way_p50_us")
    return [
        Target("30 connections: requests per second, x chain",
               ratio(thirty.median("network", "per_second"), thirty.median("chain", "per_second")),
               0.9, at_least=True),
        Target("30 connections: CPU per request, x chain",
               ratio(cpu, thirty.median("chain", "cpu_us")), 1.25),
        Target("30 connections: CPU per request, µs", cpu, 450),
        Target("1 connection: added latency p50, x chain",
               ratio(latency, one.added("chain", "latency_p50_us")), 0.35 / 0.3),
        Target("1 connection: added latency p50, µs", latency, 350),
        Target("1 connection: added latency p99, µs", one.added("network", "latency_p99_us"), 1000),
        Target("a lone chunk: added p50, x chain",
               ratio(way, lone.added("chain", "way_p50_us")), 1),
        Target("a lone chunk: added p50, µs", way, 120),
        Target("a chunk of a burst: added, µs", latency / one.chunks, 120),
        Target("500 chunks, 1 connection: p99, x p50",
               ratio(long.median("network", "latency_p99_us"),
                     long.median("network", "latency_p50_us")), 1.5),
    ]


def scheduler_target(scheduler):
    seen = None if scheduler is None else scheduler["decision_ns"] / 1000
    return Target("scheduler: a decision among 10,000 workers, µs", seen, 1)


def scale_targets(scale):
    """Evidence is what the simulated platform makes, which is smaller than the target's."""
    memory = Target("proxy: private memory of an idle worker, less its evidence, KiB", None, 16)
    handshakes = Target("proxy: new connections in a second of its CPU, verdict cached", None, 1500,
                        at_least=True)
    if scale is not None:
        workers, evidence = (scale["set-up"][key] for key in ("workers", "evidence_bytes"))
        visits = scale["TLS and a known verdict only"]
        memory.seen = (scale["workers idle"]["bytes_each"] - evidence) / 1024
        memory.note = f"{workers:,.0f} workers; {evidence / 1024:.1f} KiB of evidence each"
        handshakes.seen = 1e6 / visits["cpu_us_each"]
        handshakes.note = (f"{evidence / 1024:.1f} KiB of evidence, where the target has 6 KB; "
                           f"{visits['per_second']:.0f} a second were made")
    return [memory, handshakes]


def idle_targets(idle):
    return [Target(f"private memory of an idle {role}, MiB", private / 1024, 6,
                   note=f"RSS {rss / 1024:.1f}") for role, (private, rss) in sorted(idle.items())]


def soak_targets(soaked):
    if soaked is None:
        return [Target("soak at half load: growth of each role, KiB per hour", None,
                       soak.noise_kib_per_hour(60), note="not measured: --soak 60")]
    bound = soak.noise_kib_per_hour(soaked["minutes"])
    return [Target(f"soak of {soaked['minutes']:g} minutes: growth of {role}, KiB per hour",
                   of_role["growth_kib_per_hour"], bound, note=soak.NOISE)
            for role, of_role in sorted(soaked["roles"].items())]


def targets(measured):
    return [
        *load_targets(measured.scenes),
        Target("start of a network to its first answer, s", measured.seconds_to_first_answer, 1),
        scheduler_target(measured.scheduler),
        *scale_targets(measured.scale),
        *idle_targets(measured.idle),
        *soak_targets(measured.soaked),
    ]
