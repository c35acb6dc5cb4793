"""Results of benchmarks/scale/run as a Markdown table, a column each."""


def us(figures, phase, thread=None):
    return f"{figures[phase]['cpu_us_each' + (f' {thread}' if thread else '')]:,.0f}"


def loop_and_verifier(figures, phase):
    return f"{us(figures, phase, 'cocoon-loop')} / {us(figures, phase, 'cocoon-verify')} µs"


def visits(figures):
    phase = figures["TLS and a known verdict only"]
    return (f"{phase['cpu_us_each']:,.0f} µs: {1e6 / phase['cpu_us_each']:,.0f} a second; "
            f"{phase['per_second']:,.0f} were made")


def rates(figures):
    return " / ".join(f"{figures[phase]['per_second']:,.0f}" for phase in
                      ("workers, new evidence", "workers, known evidence", "clients"))


def until_seen(figures):
    ms = figures["workers, new evidence"]["seconds_until_a_client_sees_all"] * 1000
    return "below 1 ms" if ms < 1 else f"{ms:,.0f} ms"


def memory(figures):
    return ", ".join(f"{figures[phase]['proxy_private_bytes'] / (1 << 20):,.0f}" for phase in
                     ("set-up", "workers idle", "all idle")) + " MiB"


def idle_cpu(figures):
    return ", ".join(f"{figures[phase]['cpu_s_per_minute']:.1f} s"
                     for phase in ("workers idle", "all idle"))


def requests(figures):
    phase = figures["requests"]
    return (f"{phase['cpu_us_each']:,.0f} µs; p50 {phase['latency_p50_ms']:.0f} ms, "
            f"p99 {phase['latency_p99_ms']:.0f} ms; {phase['answered']:,.0f} answered")


def cut(figures):
    phase = figures["a third of the workers cut"]
    failed = ", ".join(f"{count:,.0f} `{name.removeprefix('failed ')}`"
                       for name, count in phase.items() if name.startswith("failed "))
    return (f"{phase['answered']:,.0f} answered, {failed or 'none failed'}; ended twice "
            f"{phase['ended_twice']:.0f}, run twice {phase['engines_ran_twice']:.0f}; a client saw "
            f"it after {phase['seconds_until_a_client_sees_it']:.1f} s")


def gone(figures):
    phase = figures["all gone"]
    return (f"{phase['proxy_private_bytes'] / (1 << 20):,.0f} MiB, "
            f"{phase['descriptors']:.0f} descriptors")


def rows(figures):
    """Name, cell of a result, target. The names have the sizes of `figures`, which all share."""
    setup = figures["set-up"]
    asked, lost = figures["requests"], figures["a third of the workers cut"]
    certificate = f"{setup['certificate_bytes'] / 1024:.1f} KiB"
    return [
        (f"a handshake in one process, mutual, the server's side, certificates of {certificate}",
         lambda f: f"{f['set-up']['handshake_openssl_us']:,.0f} µs", ""),
        ("`tls::Endpoint`, which also reads the peer's key, exporter and fingerprint",
         lambda f: f"{f['set-up']['handshake_endpoint_us']:,.0f} µs", ""),
        ("TLS and a known verdict only: sockets, handshake, verdict, end of the connection; so "
         "many in a second of CPU", visits, "1,500 a second"),
        ("a worker, known evidence: with epoch, challenge and record; loop / verifier",
         lambda f: loop_and_verifier(f, "workers, known evidence"), ""),
        ("a worker, new evidence; loop / verifier",
         lambda f: loop_and_verifier(f, "workers, new evidence"), ""),
        ("a client; loop", lambda f: us(f, "clients", "cocoon-loop") + " µs", ""),
        ("connections a second, both sides on this machine: workers new / known, clients", rates,
         ""),
        ("from the last connection to a client that sees all workers", until_seen, ""),
        ("private memory of the proxy: empty, with the workers, with all", memory, ""),
        ("for each idle worker, its evidence and verdict included",
         lambda f: f"{f['workers idle']['bytes_each'] / 1024:.1f} KiB",
         "16 KiB and the evidence"),
        ("of it: heap of OpenSSL's connection alone",
         lambda f: f"{f['set-up']['endpoint_heap_bytes'] / 1024:.1f} KiB", ""),
        ("CPU of the idle network, a minute: workers, all", idle_cpu, ""),
        (f"{asked['submitted']:,.0f} requests, {asked['per_second']:,.0f} a second", requests,
         "all answered"),
        (f"a third of the workers cut off while {lost['submitted']:,.0f} requests run", cut,
         "each ends once"),
        ("private memory after all have left", gone, ""),
    ]


def line(cells):
    return ("| " + " | ".join(cells) + " |").replace("|  |", "| |")


def origin(name, result):
    before, after = (result[f"load_average_{when}"][0] for when in ("before", "after"))
    return (f"* `{name}`: commit {result['commit'][:7]}, {result['machine']}, load average "
            f"{before:.1f} before and {after:.1f} after.")


def markdown(results):
    """@param results by name, in the order of the columns; all of the same sizes"""
    first = next(iter(results.values()))["figures"]
    setup = first["set-up"]
    heading = f"{setup['workers']:,.0f} workers, {setup['clients']:,.0f} clients"
    lines = [*(origin(name, result) for name, result in results.items()), "",
             line([heading, *(f"`{name}`" for name in results), "target"]),
             "|" + "---|" * (len(results) + 2)]
    for name, cell, target in rows(first):
        cells = (cell(result["figures"]) for result in results.values())
        lines.append(line([name, *cells, target]))
    return "\n".join(lines)
