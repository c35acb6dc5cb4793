#!/usr/bin/env python3
"""Installs the build into a prefix, moves the prefix, and looks at it as a stranger would: builds
and runs a consumer through find_package and another through pkg-config, runs the programs, and reads
the library's symbols.

  package_test.py BUILD_FOLDER SOURCE_FOLDER COMPILER
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE, COMPILER = sys.argv[1:4]
CONSUMER = pathlib.Path(SOURCE) / "tests/package/consumer"

# Also what the compiler makes of a class: its vtable and the names that dynamic_cast compares.
PUBLIC = re.compile(r"((vtable|typeinfo|typeinfo name) for )?cocoon::v0::")


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "installed")
        # Nothing in it may depend on where it was first put.
        cls.prefix = cls.folder / "moved"
        (cls.folder / "installed").rename(cls.prefix)
        cls.library = next(cls.prefix.rglob("libcocoon.so"))
        cls.environment = {**os.environ,
                           "PKG_CONFIG_PATH": str(cls.library.parent / "pkgconfig")}

    def test_find_package_consumer_builds_and_runs(self):
        build = self.folder / "consumer"
        run("cmake", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", build)
        self.assertEqual(run(build / "consumer"), f"cocoon {self.version()}\n")

    def test_find_package_refuses_another_minor_version(self):
        source = self.folder / "too_new"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES NONE)\n"
            "find_package(cocoon 0.2 REQUIRED)\n")
        with self.assertRaisesRegex(AssertionError, "considered but not accepted"):
            run("cmake", "-S", source, "-B", source / "build",
                f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_pkg_config_consumer_builds_and_runs(self):
        flags = run("pkg-config", "--cflags", "--libs", "cocoon", env=self.environment).split()
        program = self.folder / "pkg_config_consumer"
        run(COMPILER, "-std=c++20", CONSUMER / "main.cpp", "-o", program, *flags,
            f"-Wl,-rpath,{self.library.parent}")
        self.assertEqual(run(program), f"cocoon {self.version()}\n")

    def test_pkg_config_names_no_other_package(self):
        self.assertEqual(run("pkg-config", "--print-requires", "--print-requires-private", "cocoon",
                             env=self.environment).strip(), "")

    def test_soname_is_major_and_minor(self):
        self.assertIn(f"Library soname: [libcocoon.so.{'.'.join(self.version().split('.')[:2])}]",
                      run("readelf", "-d", self.library))

    def test_exports_only_the_public_namespace(self):
        symbols = [line.split(" ", 2)[2] for line in
                   run("nm", "-DC", "--defined-only", self.library).splitlines()]
        self.assertTrue(any(s.startswith("cocoon::v0::version()") for s in symbols), symbols)
        others = [s for s in symbols if not PUBLIC.match(s) and not s.startswith("LIBCOCOON_")]
        self.assertEqual(others, [])

    def test_exports_no_implementation_class(self):
        inner = [line for line in run("nm", "-DC", "--defined-only", self.library).splitlines()
                 if "::Impl::" in line or "::Impl>" in line]
        self.assertEqual(inner, [], "declare the private struct in a class with COCOON_API as "
                                    "__attribute__((visibility(\"hidden\")))")

    def test_every_undefined_symbol_resolves(self):
        self.assertNotIn("undefined symbol", run("ldd", "-r", self.library))

    def test_installs_every_public_header(self):
        here = {p.name for p in (pathlib.Path(SOURCE) / "include/cocoon").glob("*.h")}
        there = {p.name for p in (self.prefix / "include/cocoon").glob("*.h")}
        self.assertEqual(here, there)

    def test_programs_run_from_the_prefix(self):
        programs = sorted((self.prefix / "bin").glob("*"))
        for program in programs:
            with self.subTest(program.name):
                self.assertIn(self.version(), run(program, "--version"))

    def test_links_of_the_installed_readme_lead_somewhere(self):
        readme = next(self.prefix.rglob("README.md"))
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", readme.read_text()):
            self.assertTrue((readme.parent / link).exists(), link)

    def test_installed_text_names_no_build_path(self):
        for path in [*self.prefix.rglob("*.cmake"), *self.prefix.rglob("*.pc")]:
            text = path.read_text()
            for place in (BUILD, SOURCE, str(self.folder / "installed")):
                self.assertNotIn(place, text, path)

    def version(self):
        return re.search(r'COCOON_VERSION_STRING "([^"]+)"',
                         (self.prefix / "include/cocoon/version.h").read_text()).group(1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
