"""Tables that programs make, in libcocoon/docs/performance.md."""
import os
import sys

DOCUMENT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                        "libcocoon/docs/performance.md")


def replace(name, new, path=DOCUMENT):
    """Puts `new` in the place of what stands between the two lines that are called `name`."""
    begin, end = (f"<!-- {name}: {edge} -->" for edge in ("begin", "end"))
    with open(path) as file:
        document = file.read()
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        sys.exit(f"{path} lacks the lines {begin} and {end}: put them where the table belongs")
    with open(path, "w") as file:
        file.write(f"{before}{begin}\n{new}\n{end}{after}")
