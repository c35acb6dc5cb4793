#!/usr/bin/env python3
"""Fails on source files that break the rules of docs/architecture.md which can be read off them:

* who may include whom, from the one table in libcocoon/CMakeLists.txt;
* which third-party and system headers a module may include;
* what the protocol logic (all modules before io) must not reach: clocks, files, threads, environment;
* public headers include nothing third-party;
* no file over 600 lines; no test sleeps;
* a document that a source names is there, and so is the section that it cites (name.md "Section").

  check.py [ROOT]
"""

import bisect
import itertools
import pathlib
import re
import sys

MAX_LINES = 600
SOURCES = {".h", ".cpp", ".c", ".py", ".sh", ".js", ".mjs", ".cmake"}
# Not ours, or not written by hand.
SKIPPED = {"node_modules", "vectors", "corpus", "build", ".git", "__pycache__"}

# Public headers that any module may include: they carry the vocabulary, not the roles.
VOCABULARY = {"result", "export", "callback", "log", "version", "metrics", "model_info", "request",
              "loop"}
# Public headers whose types a module implements.
PUBLIC_OF = {"attestation": "attest", "ledger": "ledger"}
ROLE_MODULES = {"config", "node", "api"}

# Header prefix -> the modules that may include it (None: all).
THIRD_PARTY = {
    "fmt/": None,
    "curl/": {"io"},
    "http_parser.h": {"http"},
    "msgpack": {"codec"},
    "openssl/": {"crypto", "attest", "tls"},
    "prometheus/": {"node"},
    "rapidjson/": {"codec"},
    "sodium": {"crypto"},
    "sqlite3.h": {"store", "ledger"},
    "toml++/": {"config"},
    "uv.h": {"io"},
}
# One file that needs a header of another's, with the reason.
THIRD_PARTY_ALLOWED = {
    # libcurl starts OpenSSL: it must have been told before to read no configuration file.
    ("libcocoon/io/http_client.cpp", "openssl/crypto.h"),
}
SYSTEM = re.compile(r"(arpa|linux|net|netinet|sys)/|"
                    r"(dirent|dlfcn|errno|fcntl|netdb|poll|pthread|signal|spawn|unistd)\.h$")
STANDARD = re.compile(r"[a-z_]+$")

# The logic is given the time and the bytes. (A mutex is no thread: what several verification jobs
# share may hold one.)
FIRST_MODULE_WITH_IO = "io"
IMPURE_HEADERS = {"condition_variable", "filesystem", "fstream", "future", "iostream", "thread"}
IMPURE_CALLS = re.compile(r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|"
                          r"\bgetenv\s*\(|\bstd::time\s*\(|\brandom_device\b|\bfopen\s*\(")
IMPURE_ALLOWED = {
    "libcocoon/base/log.cpp",     # the one sink that writes by itself
    "libcocoon/tls/context.cpp",  # asks the processor whether it computes AES
}

SLEEPS = {
    "c": re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep|sleep)\s*\("),
    ".py": re.compile(r"\bsleep\s*\("),
    ".js": re.compile(r"setTimeout\s*\(\s*(resolve|res|r|done)\b|timers/promises"),
    "": re.compile(r"(^|[;&|(\s])sleep\s+[0-9.$\"]"),
}

# A document, and the section that is cited of it; not in a URL.
CITATION = re.compile(r'https?://\S+|\b([\w-]+\.md)\b(?:,? "([^"`]+)")?')
COMMENT = re.compile(r"^\s*(?:///?<?|#|\*|;|--)?\s*")
# What a document calls a section: a heading, without its number, or words that begin a paragraph.
SECTION = re.compile(r"^#+ (?:[\d.]+ )?(.+)$|^\*\*([^*.]+)\.?\*\*", re.MULTILINE)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


class Checker:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.faults = []
        self.uses = {}  # module -> set of modules, in the order of the table
        self.documents = {}  # name -> the sections of all documents of that name

    def fault(self, path, line, text):
        self.faults.append(f"{path.relative_to(self.root)}:{line}: {text}")

    def files(self, *folders):
        for folder in folders:
            for path in sorted((self.root / folder).rglob("*")):
                parts = path.relative_to(self.root).parts
                if path.is_file() and not SKIPPED.intersection(parts):
                    yield path

    def run(self):
        self.read_table()
        self.read_documents()
        for path in self.files("libcocoon"):
            if path.suffix in {".h", ".cpp"}:
                self.check_module_file(path)
        for path in self.files("include"):
            self.check_public_header(path)
        for path in self.files("apps", "benchmarks", "examples", "include", "libcocoon",
                               "packaging", "tests"):
            self.check_length(path)
            self.check_citations(path)
        for path in self.files("tests"):
            if path.parent != self.root / "tests/architecture":
                self.check_sleep(path)
        return self.faults

    # --- the table of modules ---

    def read_table(self):
        path = self.root / "libcocoon/CMakeLists.txt"
        text = path.read_text()
        for call in re.finditer(r"^cocoon_module\(([^)]*)\)", text, re.MULTILINE):
            line = text[:call.start()].count("\n") + 1
            words = call.group(1).split()
            name, uses, current = words[0], set(), None
            for word in words[1:]:
                if word in {"USES", "LINKS"}:
                    current = word
                elif current == "USES":
                    uses.add(word)
            for used in sorted(uses - set(self.uses)):
                self.fault(path, line, f"module {name} uses {used}, which is not above it in the "
                                       "table: arrows point down only")
            self.uses[name] = uses
        if not self.uses:
            self.fault(path, 1, "no cocoon_module(...) found")

    def above(self, module):
        """All that `module` uses, directly or not."""
        seen = set()
        waiting = [module]
        while waiting:
            for used in self.uses.get(waiting.pop(), ()):
                if used not in seen:
                    seen.add(used)
                    waiting.append(used)
        return seen

    def is_pure(self, module):
        order = list(self.uses)
        return (FIRST_MODULE_WITH_IO in order and
                order.index(module) < order.index(FIRST_MODULE_WITH_IO))

    # --- documents ---

    def read_documents(self):
        for path in self.root.rglob("*.md"):
            if {"node_modules", "build"}.intersection(path.relative_to(self.root).parts):
                continue
            sections = self.documents.setdefault(path.name, set())
            for found in SECTION.finditer(path.read_text(errors="replace")):
                name = found.group(1) or found.group(2)
                sections.update({name, name.split(":")[0]})

    def check_citations(self, path):
        if path.suffix not in SOURCES or path.parent == self.root / "tests/architecture":
            return
        lines = [COMMENT.sub("", line) for line in path.read_text(errors="replace").splitlines()]
        starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
        for found in CITATION.finditer(" ".join(lines)):  # one may go over the end of a line
            name, section = found.groups()
            line = bisect.bisect_right(starts, found.start())
            if name and name not in self.documents:
                self.fault(path, line, f"there is no document {name}")
            elif section and section not in self.documents[name]:
                self.fault(path, line, f"{name} has no section \"{section}\"")

    # --- includes ---

    def includes(self, path):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1), found.group(2)

    def check_module_file(self, path):
        module = path.relative_to(self.root / "libcocoon").parts[0]
        if module not in self.uses:
            self.fault(path, 1, f"\"{module}\" is not in the table of libcocoon/CMakeLists.txt")
            return
        for line, quoted, angled in self.includes(path):
            if quoted:
                self.check_own_include(path, line, module, quoted)
            else:
                self.check_foreign_include(path, line, module, angled)
        if self.is_pure(module) and str(path.relative_to(self.root)) not in IMPURE_ALLOWED:
            for number, text in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if IMPURE_CALLS.search(text):
                    self.fault(path, number, f"module {module} is protocol logic: time, randomness "
                                             "and bytes are passed in, never fetched")

    def check_own_include(self, path, line, module, name):
        parts = name.split("/")
        if parts[0] == "cocoon":
            self.check_public_include(path, line, module, name)
        elif parts[0] not in self.uses or len(parts) < 2:
            self.fault(path, line, f"\"{name}\": write \"module/file.h\" or \"cocoon/file.h\"")
        elif parts[0] != module and parts[0] not in self.uses[module]:
            self.fault(path, line, f"\"{name}\": module {module} may not include {parts[0]} "
                                   f"(it may: {' '.join(sorted(self.uses[module])) or 'nothing'})")
        elif not (self.root / "libcocoon" / name).exists():
            self.fault(path, line, f"\"{name}\" does not exist")

    def check_public_include(self, path, line, module, name):
        header = name.removeprefix("cocoon/").removesuffix(".h")
        if not (self.root / "include" / name).exists():
            self.fault(path, line, f"\"{name}\" does not exist")
        elif header in VOCABULARY or module in ROLE_MODULES:
            return
        elif header in PUBLIC_OF:
            owner = PUBLIC_OF[header]
            if module != owner and owner not in self.above(module):
                self.fault(path, line, f"\"{name}\": only {owner} and what uses it may include it")
        else:
            self.fault(path, line, f"\"{name}\": only {' '.join(sorted(ROLE_MODULES))} may include "
                                   "a public header of a role")

    def check_foreign_include(self, path, line, module, name):
        pure = (self.is_pure(module) and
                str(path.relative_to(self.root)) not in IMPURE_ALLOWED)
        for prefix, allowed in THIRD_PARTY.items():
            if name.startswith(prefix):
                here = (str(path.relative_to(self.root)), name)
                if allowed is not None and module not in allowed and \
                        here not in THIRD_PARTY_ALLOWED:
                    self.fault(path, line, f"<{name}>: only {' '.join(sorted(allowed))} may "
                                           "include it")
                return
        if STANDARD.match(name):
            if pure and name in IMPURE_HEADERS:
                self.fault(path, line, f"<{name}>: module {module} is protocol logic: no thread, "
                                       "no file, no console")
        elif SYSTEM.match(name):
            if pure:
                self.fault(path, line, f"<{name}>: module {module} is protocol logic: no system "
                                       "call")
        else:
            self.fault(path, line, f"<{name}>: not a standard header, nor in the table of "
                                   "tests/architecture/check.py")

    def check_public_header(self, path):
        for line, quoted, angled in self.includes(path):
            if quoted and not (quoted.startswith("cocoon/") and
                               (self.root / "include" / quoted).exists()):
                self.fault(path, line, f"\"{quoted}\": a public header includes public headers only")
            if angled and not STANDARD.match(angled):
                self.fault(path, line, f"<{angled}>: a public header includes nothing third-party")

    # --- files ---

    def is_code(self, path):
        if path.suffix in SOURCES or path.name == "CMakeLists.txt":
            return True
        with path.open("rb") as file:
            return not path.suffix and file.read(2) == b"#!"

    def check_length(self, path):
        if self.is_code(path):
            lines = path.read_text(errors="replace").count("\n")
            if lines > MAX_LINES:
                self.fault(path, lines, f"{lines} lines: split it, the limit is {MAX_LINES}")

    def check_sleep(self, path):
        if not self.is_code(path):
            return
        kind = {".h": "c", ".cpp": "c", ".c": "c", ".mjs": ".js"}.get(path.suffix, path.suffix)
        if not path.suffix and path.read_text(errors="replace").splitlines()[0].endswith("python3"):
            kind = ".py"
        pattern = SLEEPS.get("" if kind == ".sh" else kind)
        for number, text in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if pattern and pattern.search(text):
                self.fault(path, number, "a test waits for an event, it does not sleep")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    faults = Checker(root).run()
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
