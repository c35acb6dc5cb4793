"""Half the load that a network can carry, for long, and how the memory of each role grows."""
import dataclasses
import statistics
import time

SLICE_S = 10  # of load, by one run of the load program: connections come and go, too
WARM_UP = 0.2  # of the time: caches and heaps fill to what this load needs
LEAST_WARM_UP_S = 180  # a worker remembers the requests of 150 s, and grows while they come to that
LEAST_MINUTES = 5
# The heap of a process that leaks nothing grows in steps of up to so much, where answers that wait
# for their turn take room that glibc then keeps (docs/performance.md, "Half load for long").
HEAP_STEP_KIB = 640
NOISE = f"noise: one step of the heap, {HEAP_STEP_KIB} KiB"


def warm_up_s(minutes):
    return max(WARM_UP * minutes * 60, LEAST_WARM_UP_S)


def noise_kib_per_hour(minutes):
    """What growth() says of one step of the heap at the worst moment, the middle. After an hour at
    1,000 requests a second it is a third of a byte for each: no leak per request is as small."""
    return 1.5 * HEAP_STEP_KIB / (minutes * 60 - warm_up_s(minutes)) * 3600


def growth(samples):
    """KiB per hour: the slope of the line through (second, KiB) with the least squares."""
    seconds = [second for second, _ in samples]
    middle, level = statistics.mean(seconds), statistics.mean(kib for _, kib in samples)
    spread = sum((second - middle) ** 2 for second in seconds)
    if spread == 0:
        return 0.0
    return sum((second - middle) * (kib - level) for second, kib in samples) / spread * 3600


def run(network, scene, minutes):
    """Runs `scene`'s requests at half the rate that it reached. A sample of the private memory of
    each role comes after each slice of load."""
    per_second = scene.median("network", "per_second") / 2
    piece = dataclasses.replace(scene, requests=max(1, round(per_second * SLICE_S)))
    started = time.monotonic()
    samples = {name: [] for name in network.roles}
    reached = []
    while (now := time.monotonic() - started) < minutes * 60:
        reached.append(network.through(piece, per_second)["per_second"])
        for name, (private, _) in network.memory().items():
            samples[name].append((now, private))
    roles = {}
    for name, all_of_it in samples.items():
        settled = [sample for sample in all_of_it if sample[0] >= warm_up_s(minutes)]
        roles[name] = {
            "first_kib": settled[0][1], "last_kib": settled[-1][1],
            "highest_kib": max(kib for _, kib in settled),
            "growth_kib_per_hour": growth(settled), "samples": all_of_it,
        }
    return {"minutes": minutes, "per_second": per_second,
            "reached_per_second": statistics.median(reached), "roles": roles}


def show(soaked):
    print(f"soak: {soaked['minutes']:g} minutes at {soaked['reached_per_second']:.0f} requests per "
          f"second; private memory after the first {warm_up_s(soaked['minutes']):.0f} s")
    for name, role in sorted(soaked["roles"].items()):
        print(f"  {name:16} from {role['first_kib'] / 1024:.2f} to {role['last_kib'] / 1024:.2f} "
              f"MiB, highest {role['highest_kib'] / 1024:.2f}; "
              f"{role['growth_kib_per_hour']:+.0f} KiB per hour")
