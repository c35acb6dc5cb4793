#!/usr/bin/env python3
"""Compiles each public header alone, twice over, with nothing but include/ to find headers in.

  public_headers.py COMPILER [INCLUDE_FOLDER]
"""

import concurrent.futures
import pathlib
import subprocess
import sys

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]


def compile_alone(compiler, folder, header):
    name = header.relative_to(folder)
    return subprocess.run([compiler, *FLAGS, f"-I{folder}", "-x", "c++", "-"],
                          input=f'#include "{name}"\n#include "{name}"\nint main() {{}}\n',
                          capture_output=True, text=True)


def main():
    compiler = sys.argv[1]
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2
                          else pathlib.Path(__file__).resolve().parents[2] / "include")
    headers = sorted(folder.rglob("*.h"))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for header, done in zip(headers, pool.map(
                lambda h: compile_alone(compiler, folder, h), headers)):
            if done.returncode != 0:
                failed += 1
                print(f"{header}:\n{done.stderr}")
    print(f"{compiler}: {len(headers) - failed} of {len(headers)} headers compile alone")
    return 0 if headers and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
