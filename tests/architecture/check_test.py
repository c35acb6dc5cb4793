#!/usr/bin/env python3
"""Shows that check.py finds each kind of fault: every test puts one into a small sound tree."""

import pathlib
import tempfile
import unittest

import check

TABLE = """cocoon_module(base LINKS fmt::fmt)
cocoon_module(attest USES base)
cocoon_module(wire USES base)
cocoon_module(io USES base
  LINKS PkgConfig::UV)
cocoon_module(store USES base io)
cocoon_module(node USES base wire io store attest)
"""


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("libcocoon/CMakeLists.txt", TABLE)
        self.write("include/cocoon/result.h", "#include <string>\n")
        self.write("include/cocoon/client.h", '#include "cocoon/result.h"\n')
        self.write("include/cocoon/attestation.h", "")
        self.write("libcocoon/base/bytes.h", "#include <fmt/format.h>\n#include <vector>\n")
        self.write("libcocoon/wire/frame.h", '#include "base/bytes.h"\n#include "cocoon/result.h"\n')
        self.write("libcocoon/io/socket.cpp", "#include <sys/socket.h>\n#include <uv.h>\n")
        self.write("libcocoon/node/client.cpp",
                   '#include "cocoon/client.h"\n#include "wire/frame.h"\n#include "cocoon/attestation.h"\n')
        self.write("tests/unit/wire/frame_test.cpp", '#include "wire/frame.h"\n')

    def write(self, path, text):
        full = pathlib.Path(self.folder.name) / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)

    def faults(self):
        return check.Checker(self.folder.name).run()

    def assert_fault(self, where, what):
        faults = self.faults()
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(where, faults[0])
        self.assertIn(what, faults[0])

    def test_sound_tree_has_no_fault(self):
        self.assertEqual(self.faults(), [])

    def test_include_of_a_module_that_is_not_used(self):
        self.write("libcocoon/wire/frame.h", '#include <string>\n#include "io/socket.h"\n')
        self.write("libcocoon/io/socket.h", "")
        self.assert_fault("libcocoon/wire/frame.h:2", "module wire may not include io")

    def test_use_of_use_is_no_edge(self):
        self.write("libcocoon/CMakeLists.txt", TABLE.replace("node USES base wire", "node USES wire"))
        self.write("libcocoon/node/client.cpp", '#include "base/bytes.h"\n')
        self.assert_fault("libcocoon/node/client.cpp:1", "module node may not include base")

    def test_table_that_points_up(self):
        self.write("libcocoon/CMakeLists.txt", TABLE.replace("wire USES base", "wire USES base store"))
        self.assert_fault("libcocoon/CMakeLists.txt:3", "arrows point down only")

    def test_empty_table(self):
        self.write("libcocoon/CMakeLists.txt", "")
        self.assertTrue(any("no cocoon_module" in f for f in self.faults()))

    def test_folder_that_is_no_module(self):
        self.write("libcocoon/misc/things.cpp", "")
        self.assert_fault("libcocoon/misc/things.cpp:1", "not in the table")

    def test_include_without_its_module(self):
        self.write("libcocoon/wire/codec.cpp", '#include "frame.h"\n')
        self.assert_fault("libcocoon/wire/codec.cpp:1", "module/file.h")

    def test_include_of_nothing(self):
        self.write("libcocoon/wire/codec.cpp", '#include "base/gone.h"\n')
        self.assert_fault("libcocoon/wire/codec.cpp:1", "does not exist")

    def test_role_header_below_node(self):
        self.write("libcocoon/wire/codec.cpp", '#include "cocoon/client.h"\n')
        self.assert_fault("libcocoon/wire/codec.cpp:1", "public header of a role")

    def test_attestation_header_below_attest(self):
        self.write("libcocoon/wire/codec.cpp", '#include "cocoon/attestation.h"\n')
        self.assert_fault("libcocoon/wire/codec.cpp:1", "only attest")

    def test_third_party_header_out_of_its_module(self):
        for header in ("uv.h", "curl/curl.h", "sqlite3.h", "openssl/ssl.h", "toml++/toml.h"):
            with self.subTest(header):
                self.write("libcocoon/wire/codec.cpp", f"#include <{header}>\n")
                self.assert_fault("libcocoon/wire/codec.cpp:1", f"<{header}>: only")

    def test_unknown_third_party_header(self):
        self.write("libcocoon/io/codec.cpp", "#include <boost/asio.hpp>\n")
        self.assert_fault("libcocoon/io/codec.cpp:1", "not a standard header")

    def test_thread_in_protocol_logic(self):
        self.write("libcocoon/wire/codec.cpp", "#include <thread>\n")
        self.assert_fault("libcocoon/wire/codec.cpp:1", "protocol logic")

    def test_system_call_in_protocol_logic(self):
        self.write("libcocoon/wire/codec.cpp", "#include <unistd.h>\n")
        self.assert_fault("libcocoon/wire/codec.cpp:1", "protocol logic")

    def test_clock_in_protocol_logic(self):
        self.write("libcocoon/wire/codec.cpp", "\nauto t = std::chrono::system_clock::now();\n")
        self.assert_fault("libcocoon/wire/codec.cpp:2", "protocol logic")

    def test_third_party_in_a_public_header(self):
        self.write("include/cocoon/client.h", "#include <uv.h>\n")
        self.assert_fault("include/cocoon/client.h:1", "nothing third-party")

    def test_internal_include_in_a_public_header(self):
        self.write("include/cocoon/client.h", '#include "base/bytes.h"\n')
        self.assert_fault("include/cocoon/client.h:1", "public headers only")

    def test_citations_of_what_is_there(self):
        self.write("libcocoon/docs/guide.md", "# Guide\n\n## 2.1 Money in: a channel\n\n**Waiting.** x\n")
        self.write("libcocoon/wire/codec.cpp",
                   '// guide.md "Money in", guide.md "Money in: a\n// channel", guide.md, "Waiting"\n'
                   "// https://example.com/other.md\n")
        self.assertEqual(self.faults(), [])

    def test_citation_of_a_document_that_is_not_there(self):
        self.write("libcocoon/wire/codec.cpp", "\n/// See defaults.md.\n")
        self.assert_fault("libcocoon/wire/codec.cpp:2", "no document defaults.md")

    def test_citation_of_a_section_that_is_not_there(self):
        self.write("libcocoon/docs/guide.md", "## Keys and wraps\n")
        self.write("libcocoon/wire/codec.cpp", '\n/// what is (docs/guide.md "Sealing\n/// keys").\n')
        self.assert_fault("libcocoon/wire/codec.cpp:2", 'guide.md has no section "Sealing keys"')

    def test_long_file(self):
        self.write("libcocoon/wire/codec.cpp", "\n" * 601)
        self.assert_fault("libcocoon/wire/codec.cpp:601", "601 lines")

    def test_sleeping_tests(self):
        cases = {
            "a_test.cpp": "std::this_thread::sleep_for(1s);\n",
            "b_test.cpp": "usleep(10);\n",
            "c_test.py": "import time\ntime.sleep(1)\n",
            "d_test.mjs": "await new Promise((resolve) => setTimeout(resolve, 100));\n",
            "e_test.sh": "sleep 1\n",
            "f_test": "#!/bin/bash\nwait || sleep 0.5\n",
            "g_test": "#!/usr/bin/env python3\nsleep(1)\n",
        }
        for name, text in cases.items():
            with self.subTest(name):
                path = pathlib.Path(self.folder.name) / "tests" / name
                self.write(f"tests/{name}", text)
                self.assert_fault(f"tests/{name}:{text.count(chr(10))}", "does not sleep")
                path.unlink()


if __name__ == "__main__":
    unittest.main()
