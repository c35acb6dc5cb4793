#!/usr/bin/env python3
"""Turns what the gateway says into what a person reads, for packaging/quickstart.

  quickstart_report.py answer     an event stream of chat chunks: prints the text as it comes
  quickstart_report.py evidence   the JSON of /v1/cocoon/evidence: prints a line per node
"""

import datetime
import json
import sys


def print_answer():
    got_text = False
    for line in sys.stdin:
        if not line.startswith("data: ") or line.strip() == "data: [DONE]":
            continue
        chunk = json.loads(line.removeprefix("data: "))
        if "error" in chunk:
            sys.exit(f"the network answered with an error: {chunk['error'].get('message')}")
        for choice in chunk.get("choices", []):
            text = choice.get("delta", {}).get("content") or ""
            got_text = got_text or text != ""
            print(text, end="", flush=True)
    print()
    return 0 if got_text else 1


def print_evidence():
    evidence = json.load(sys.stdin)
    nodes = evidence["proxies"] + evidence["workers"]
    for node in nodes:
        until = datetime.datetime.fromtimestamp(node["expires"], datetime.timezone.utc)
        print(f"{node['role']:8} account {node['account'][:16]}…  image "
              f"{node['measurements']['image'][:16]}…\n"
              f"         {node['tee']} quote: {node['verdict']}, good until {until:%F %T} UTC"
              f"{', SIMULATED: it proves nothing' if node['simulated'] else ''}")
    print("(in full, with the certificates: GET /v1/cocoon/evidence)")
    return 0 if nodes else 1


if __name__ == "__main__":
    sys.exit({"answer": print_answer, "evidence": print_evidence}[sys.argv[1]]())
