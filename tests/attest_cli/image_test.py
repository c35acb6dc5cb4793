"""cocoon-attest image: expected measurements of a guest, from its files."""

import hashlib
import pathlib
import struct
import unittest

import attest
from attest import ACCEPTED, REFUSED, VECTORS, run
from guest_files import (ADDED_LATER, CODE, CONFIGURATION, HAND_OFF, MEASURED, PAGE, TEMPORARY,
                         Firmware, authenticode, event_log, kernel, mrtd, replay, sha384)

# Where Debian's package ovmf puts a firmware with TDX metadata.
GENUINE_FIRMWARE = pathlib.Path("/usr/share/ovmf/OVMF.fd")
OVMF_LOG = VECTORS / "eventlog/ovmf-ccel_data.bin"
COS_LOG = VECTORS / "eventlog/cos113-ccel_data.bin"

CALLING = b"Calling EFI Application from Boot Option"
LEAVING = [b"Exit Boot Services Invocation", b"Exit Boot Services Returned with Success"]
SEPARATOR, TAG, ACPI, PROGRAM, ACTION, BLOB, TABLES = (4, 6, 0xA, 0x80000003, 0x80000007, 0x8000000A,
                                                       0x8000000B)
INITRD = b"an initrd"


def load_options(text):
    return sha384((text + "\0").encode("utf-16-le"))


class Image(attest.TestCase):
    def setUp(self):
        super().setUp()
        self.firmware = Firmware()
        self.kernel = kernel()

    def run_image(self, *more, boot=False):
        arguments = ["image", "--firmware", self.file("OVMF.fd", self.firmware.build())]
        if boot:
            arguments += ["--kernel", self.file("vmlinuz", self.kernel)]
        return run(*arguments, *more)

    def image(self, code, *more, boot=False):
        return self.answer(self.run_image(*more, "--json", boot=boot), code)

    def assert_refused(self, *words):
        self.assert_misuse(self.run_image(), "OVMF.fd", *words)

    def good_log(self, boot=None, options="quiet initrd=initrd"):
        """Of a direct boot of the firmware, with another kernel."""
        rtmr0 = [(0, TABLES, b"TdxTable", b"\1" * 48),
                 (0, BLOB, b"Fv(...)", sha384(self.firmware.build()[:0x4000])),
                 (0, SEPARATOR, bytes(4), None), (0, ACPI, b"ACPI DATA", b"\2" * 48)]
        rtmr1 = boot or [(1, PROGRAM, b"old kernel", b"\3" * 48), (1, ACTION, CALLING, None),
                         (1, SEPARATOR, bytes(4), None)]
        rtmr1 += [(1, ACTION, text, None) for text in LEAVING]
        rtmr2 = [(2, TAG, struct.pack("<II", 0x8F3B22EC, 26) + b"LOADED_IMAGE::LoadOptions\0",
                  load_options(options)),
                 (2, TAG, struct.pack("<II", 0x8F3B22ED, 13) + b"Linux initrd\0", b"\4" * 48)]
        return self.file("ccel.bin", event_log(rtmr0 + rtmr1 + rtmr2))


class FirmwareThatIsRefused(Image):
    def test_nothing_and_what_is_no_firmware(self):
        for content in (b"", b"x" * 100, bytes(0x10000)):
            self.assert_misuse(run("image", "--firmware", self.file("x", content)), "refused")

    def test_firmware_for_other_guests(self):
        self.firmware.guid = "00000000-984a-4798-865e-4685a7bf8ec2"
        self.assert_refused("no TDX metadata")

    def test_a_table_that_is_longer_than_the_file(self):
        self.firmware.table_length = 0xFFFF
        self.assert_refused("table of GUIDs")

    def test_entries_of_the_table_that_do_not_fit(self):
        self.firmware.guid = "00000000-984a-4798-865e-4685a7bf8ec2"
        for length in (0, 17, 19, 0xFFFF):
            self.firmware.before = [(b"", length)]
            self.assert_refused("does not fit")

    def test_a_pointer_out_of_the_file(self):
        for pointer in (0, 15, 0x10001, 0xFFFFFFFF):
            self.firmware.pointer = pointer
            self.assert_refused("TDX metadata")

    def test_metadata_of_another_kind(self):
        self.firmware.signature = b"TDVX"
        self.assert_refused("TDVF")

    def test_metadata_of_another_version(self):
        self.firmware.version = 2
        self.assert_refused("version 2")

    def test_numbers_of_sections(self):
        for count, length in ((0, None), (65, None), (0x08000000, 16), (5, 16 + 32 * 4), (4, 200)):
            self.firmware.count, self.firmware.length = count, length
            self.assert_refused("sections")

    def test_sections(self):
        good = self.firmware.sections
        for wrong, word in (
                ((0x4000, 0xC001, 0xFFFF4000, 0xD000, CODE, MEASURED), "the file has 65536"),
                ((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF4000, 0x100000000, CODE, MEASURED), "the file has"),
                ((0, 0, 0xFFFF4000, 0x1000, CODE, MEASURED), "has no data"),
                ((0x4000, 1, 0xFFFF4000, 0x1000, TEMPORARY, 0), "has data and must not"),
                ((0x4000, 0xC000, 0xFFFF4001, 0xC000, CODE, MEASURED), "whole pages"),
                ((0x4000, 0xC000, 0xFFFF4000, 0xC001, CODE, MEASURED), "whole pages"),
                ((0x4000, 0xC000, 0xFFFF4000, 0xB000, CODE, MEASURED), "more data than memory"),
                ((0, 0, 0, 0, TEMPORARY, 0), "more data than memory"),
                ((0, 0, 0, 1 << 40, TEMPORARY, 0), "are allowed"),
                ((0, 0, (1 << 64) - PAGE, 2 * PAGE, TEMPORARY, 0), "beyond the end"),
                ((0, 0, 0, PAGE, 4, 0), "kind 4"),
                ((0, 0, 0, PAGE, TEMPORARY, 4), "unknown attributes"),
                ((0, 0, 0, PAGE, TEMPORARY, MEASURED | ADDED_LATER), "added after"),
                ((0, 0, 0x80F000, 2 * PAGE, TEMPORARY, 0), "overlap in memory"),
                ((0x3000, 0x1001, 0, 2 * PAGE, CONFIGURATION, 0), "overlap in the file")):
            self.firmware.sections = [wrong] + good[1:]
            with self.subTest(word, section=wrong):
                self.assert_refused(word)

    def test_more_memory_than_allowed_in_all(self):
        self.firmware.sections += [(0, 0, (1 + i) << 32, 48 << 20, TEMPORARY, 0) for i in range(2)]
        self.assert_refused("bytes of memory")

    def test_a_file_above_the_limit(self):
        self.firmware.size = (16 << 20) + 1
        self.assert_misuse(self.run_image(), "OVMF.fd")


class Mrtd(Image):
    def test_in_both_orders_agrees_with_a_second_implementation(self):
        for order in ("page", "section"):
            answer = self.image(REFUSED, "--page-order", order)
            self.assertEqual(answer["mrtd"], {
                "status": "exact", "value": mrtd(self.firmware.build(), order).hex(), "missing": []})

    def test_fills_what_a_section_lacks_with_zeros(self):
        self.firmware.sections[0] = (0x4000, 0xBF01, 0xFFFF4000, 0xC000, CODE, MEASURED)
        self.assertEqual(self.image(REFUSED)["mrtd"]["value"], mrtd(self.firmware.build()).hex())

    def test_leaves_out_what_is_added_later(self):
        before = self.image(REFUSED)["mrtd"]["value"]
        self.firmware.sections.append((0, 0, 0x900000, 0x1000, TEMPORARY, ADDED_LATER))
        # The metadata is measured, too, so only the second implementation tells what to expect.
        after = self.image(REFUSED)["mrtd"]["value"]
        self.assertEqual(after, mrtd(self.firmware.build()).hex())
        self.assertNotEqual(before, after)

    @unittest.skipUnless(GENUINE_FIRMWARE.exists(), "the package ovmf is not installed")
    def test_of_genuine_firmware(self):
        for order in ("page", "section"):
            answer = self.answer(run("image", "--firmware", GENUINE_FIRMWARE, "--page-order", order,
                                     "--json"), REFUSED)
            self.assertEqual(answer["mrtd"]["value"],
                             mrtd(GENUINE_FIRMWARE.read_bytes(), order).hex())


class WithoutALog(Image):
    def test_rtmr0_is_not_determined_and_every_event_is_named(self):
        answer = self.image(REFUSED, boot=True)
        self.assertIsNone(answer["image"])
        self.assertFalse(answer["determined"])
        missing = " ".join(answer["rtmr0"]["missing"])
        self.assertEqual(answer["rtmr0"]["status"], "not determined")
        for name in ("TD hand-off block", "SecureBoot", "dbx", "ACPI tables", "BootOrder"):
            self.assertIn(name, missing)
        self.assertNotIn("configuration volume", missing)

    def test_a_firmware_file_without_variables_is_told(self):
        del self.firmware.sections[1]
        self.assertIn("configuration volume", " ".join(self.image(REFUSED)["rtmr0"]["missing"]))

    def test_without_a_kernel_nothing_is_said_of_it(self):
        answer = self.image(REFUSED)
        for register in ("rtmr1", "rtmr2"):
            self.assertIn("--kernel", answer[register]["missing"][0])

    def test_rtmr1_and_rtmr2_are_exact(self):
        answer = self.image(REFUSED, "--initrd", self.file("initrd", INITRD), "--cmdline",
                            "console=ttyS0 ro", boot=True)
        rtmr1 = [authenticode(self.kernel), sha384(CALLING), sha384(bytes(4)), *map(sha384, LEAVING)]
        rtmr2 = [load_options("console=ttyS0 ro initrd=initrd"), sha384(INITRD)]
        for name, digests in (("rtmr1", rtmr1), ("rtmr2", rtmr2)):
            self.assertEqual(answer[name], {"status": "exact", "value": replay(digests).hex(),
                                            "missing": []})

    def test_without_an_initrd_only_the_command_line_is_measured(self):
        answer = self.image(REFUSED, "--cmdline", "ro", boot=True)
        self.assertEqual(answer["rtmr2"]["value"], replay([load_options("ro")]).hex())

    def test_without_both_rtmr2_is_not_determined(self):
        self.assertEqual(self.image(REFUSED, boot=True)["rtmr2"]["status"], "not determined")

    def test_a_unified_kernel_is_not_determined(self):
        self.kernel = kernel(sections=((b".linux", 0x1000, 0x3000), (b".cmdline", 0x4000, 0x1000)))
        answer = self.image(REFUSED, "--cmdline", "ro", boot=True)
        for register in ("rtmr1", "rtmr2"):
            self.assertIn("unified", answer[register]["missing"][0])


class WithALog(Image):
    def boot(self, code, *more, log=None):
        return self.image(code, "--event-log", log or self.good_log(), "--initrd",
                          self.file("initrd", INITRD), "--cmdline", "quiet", *more, boot=True)

    def test_a_log_that_cannot_be_read(self):
        self.assert_misuse(self.run_image("--event-log", self.file("ccel", b"x")), "event log")

    def test_determines_the_image_with_a_new_kernel(self):
        answer = self.boot(ACCEPTED)
        rtmr0 = replay([b"\1" * 48, sha384(self.firmware.build()[:0x4000]), sha384(bytes(4)),
                        b"\2" * 48])
        rtmr1 = replay([authenticode(self.kernel), sha384(CALLING), sha384(bytes(4)),
                        *map(sha384, LEAVING)])
        rtmr2 = replay([load_options("quiet initrd=initrd"), sha384(INITRD)])
        self.assertEqual([answer[f"rtmr{i}"]["status"] for i in range(3)],
                         ["from the log", "exact", "exact"])
        self.assertEqual([answer[f"rtmr{i}"]["value"] for i in range(3)],
                         [rtmr0.hex(), rtmr1.hex(), rtmr2.hex()])
        image = hashlib.sha256(b"cocoon-image-tdx-v1\0" + mrtd(self.firmware.build()) + rtmr0 + rtmr1 +
                               rtmr2 + bytes(48)).hexdigest()
        self.assertEqual(answer["image"], image)
        self.assertEqual(answer["policy"], f'images = ["{image}"]')
        self.assertIn(image, answer["registry"])

    def test_mrconfigid_is_part_of_the_image(self):
        answer = self.boot(ACCEPTED, "--mrconfigid", "AB" * 48)
        self.assertEqual(answer["mrconfigid"], "ab" * 48)
        self.assertNotEqual(answer["image"], self.boot(ACCEPTED)["image"])

    def test_without_a_kernel_the_log_says_all(self):
        answer = self.image(ACCEPTED, "--event-log", self.good_log())
        self.assertEqual([answer[f"rtmr{i}"]["status"] for i in range(3)], ["from the log"] * 3)

    def test_where_a_separator_went_elsewhere_it_stays_there(self):
        log = self.good_log(boot=[(1, PROGRAM, b"", b"\3" * 48), (1, ACTION, CALLING, None),
                                  (0, SEPARATOR, bytes(4), None)])
        self.assertEqual(self.boot(ACCEPTED, log=log)["rtmr1"]["value"],
                         replay([authenticode(self.kernel), sha384(CALLING),
                                 *map(sha384, LEAVING)]).hex())

    def test_of_other_firmware_does_not_determine_rtmr0(self):
        log = self.good_log()
        self.firmware.content = b"other"
        answer = self.boot(REFUSED, log=log)
        self.assertIn("other firmware", answer["rtmr0"]["missing"][0])
        self.assertIsNone(answer["image"])

    def test_of_other_memory_does_not_determine_rtmr0(self):
        answer = self.boot(REFUSED, "--memory", "4G")
        self.assertIn("other memory", answer["rtmr0"]["missing"][0])

    def test_of_a_boot_with_a_boot_loader_does_not_fit_a_kernel(self):
        for extra in ((1, 0x80000006, b"EFI PART", None), (1, PROGRAM, b"shim", None)):
            log = self.good_log(boot=[(1, PROGRAM, b"kernel", None), extra])
            self.assertIn("booted directly", self.boot(REFUSED, log=log)["rtmr1"]["missing"][0])

    def test_whose_constant_events_lie_does_not_fit_a_kernel(self):
        log = self.good_log(boot=[(1, PROGRAM, b"", None), (1, ACTION, CALLING, b"\5" * 48)])
        self.assertEqual(self.boot(REFUSED, log=log)["rtmr1"]["status"], "not determined")

    def test_of_a_boot_with_an_initrd_does_not_fit_one_without(self):
        answer = self.image(REFUSED, "--event-log", self.good_log(), "--cmdline", "quiet", boot=True)
        self.assertIn("initrd", answer["rtmr2"]["missing"][0])

    def test_genuine_logs_give_the_registers_of_their_boots(self):
        for log, rtmr1 in ((OVMF_LOG, "775b9f6bfe99f8a3"), (COS_LOG, None)):
            replayed = self.answer(run("eventlog", log, "--json"), ACCEPTED)["replayed"]
            answer = self.image(REFUSED, "--event-log", log)  # of other firmware
            self.assertIn("other firmware", answer["rtmr0"]["missing"][0])
            for register in ("rtmr1", "rtmr2"):
                self.assertEqual(answer[register]["value"], replayed[register])
            self.assertTrue(answer["rtmr1"]["value"].startswith(rtmr1 or ""))

    @unittest.skipUnless(GENUINE_FIRMWARE.exists(), "the package ovmf is not installed")
    def test_the_hand_off_block_of_a_real_guest_is_computed(self):
        answer = self.answer(run("image", "--firmware", GENUINE_FIRMWARE, "--event-log", OVMF_LOG,
                                 "--memory", "2G", "--json"), REFUSED)
        first = answer["events"][0]
        self.assertEqual((first["event"], first["source"]), ("TD hand-off block", "computed"))
        # That guest's firmware had larger variables.
        self.assertEqual(len(answer["rtmr0"]["missing"]), 1)
        self.assertIn("configuration volume", answer["rtmr0"]["missing"][0])


class HandOff(Image):
    """The sections are OVMF's, and the digest is that of a real guest with 2 GiB."""

    def test_is_that_of_a_real_guest(self):
        self.firmware.sections[2:] = [
            (0, 0, 0x810000, 0x10000, TEMPORARY, 0), (0, 0, 0x80B000, 0x2000, TEMPORARY, 0),
            (0, 0, 0x809000, 0x2000, HAND_OFF, 0), (0, 0, 0x800000, 0x6000, TEMPORARY, 0)]
        events = self.image(REFUSED, "--memory", "2G")["events"]
        logged = self.answer(run("eventlog", OVMF_LOG, "--json"), ACCEPTED)["events"]
        self.assertEqual(events[0]["digest"], logged[0]["digest"])

    def test_depends_on_memory_also_above_4_gib(self):
        digests = {self.image(REFUSED, "--memory", size)["events"][0]["digest"]
                   for size in ("2G", "2815M", "2816M", "4G", "64G")}
        self.assertEqual(len(digests), 5)

    def test_needs_more_memory_than_the_firmware(self):
        self.assert_misuse(self.run_image("--memory", "8M"), "--memory")


class Kernels(Image):
    def digest(self, *more):
        events = self.image(REFUSED, *more, boot=True)["events"]
        return next(e["digest"] for e in events if e["event"] == "kernel")

    def test_what_is_no_kernel(self):
        for content in (b"", b"MZ", bytes(0x2000), b"MZ" + b"\xff" * 0x2000):
            self.kernel = content
            self.assert_misuse(self.run_image(boot=True), "vmlinuz", "no EFI program")

    def test_headers_and_sections_that_lie(self):
        text = (b".text", 0x1000, 0x3000)
        for sections, word in (([text, (b".data", 0x3FFF, 0x1000)], "overlap"),
                               ([(b".text", 0xFFF, 0x1000)], "overlap"),
                               ([text, (b".data", 0x4000, 0x5001)], "outside"),
                               ([(b".text", 0xFFFFFFF0, 0xFFFFFFFF)], "outside")):
            self.kernel = kernel(sections=sections)
            with self.subTest(sections=sections):
                self.assert_misuse(self.run_image(boot=True), word)
        for at, value, word in ((0x318 + 60, 0x20000, "longer than the file"),
                                (0x318 + 60, 0x310, "headers"), (0x314, 10, "optional header"),
                                (0x306, 0xFFFF, "sections"), (0x318, 0x30B, "optional header")):
            changed = bytearray(kernel())
            struct.pack_into("<I" if at == 0x318 + 60 else "<H", changed, at, value)
            self.kernel = bytes(changed)
            with self.subTest(word, at=at):
                self.assert_misuse(self.run_image(boot=True), word)

    def test_signatures_longer_than_what_lies_behind_the_sections(self):
        changed = bytearray(kernel(trailer=b"t" * 8, signatures=b"s" * 8))
        struct.pack_into("<I", changed, 0x318 + 112 + 36, 0x2000)
        self.kernel = bytes(changed)
        self.assert_misuse(self.run_image(boot=True), "signatures")

    def test_checksum_and_signatures_are_not_measured(self):
        signed = kernel(trailer=b"trailer!", signatures=b"s" * 64)
        for self.kernel in (kernel(), kernel(trailer=b"trailer!"), signed,
                            kernel(magic=0x10B, signatures=b"x" * 8)):
            self.assertEqual(self.digest("--cmdline", "ro"), authenticode(self.kernel).hex())

    def test_a_header_that_qemu_fills_in_depends_on_memory_only_with_an_initrd(self):
        initrd = ("--initrd", self.file("initrd", INITRD))
        filled = bytearray(self.kernel)
        filled[0x210], filled[0x211] = 0xB0, 0x81
        struct.pack_into("<H", filled, 0x224, 0xFE00)
        struct.pack_into("<I", filled, 0x228, 0x20000)
        self.assertEqual(self.digest("--kernel-header", "qemu"), authenticode(bytes(filled)).hex())
        missing = self.image(REFUSED, "--kernel-header", "qemu", *initrd, boot=True)["rtmr1"]["missing"]
        self.assertIn("--memory", missing[0])
        for memory, low in (("2G", 2 << 30), ("16G", 2 << 30), ("1G", 1 << 30)):
            address = (low - 0x28000 - 1 - len(INITRD)) // PAGE * PAGE
            struct.pack_into("<II", filled, 0x218, address, len(INITRD))
            self.assertEqual(self.digest("--kernel-header", "qemu", "--memory", memory, *initrd),
                             authenticode(bytes(filled)).hex(), memory)

    def test_a_kernel_that_takes_no_initrd_in_high_memory(self):
        self.kernel = kernel(flags=1)
        filled = bytearray(self.kernel)
        filled[0x210], filled[0x211] = 0xB0, 0x81
        struct.pack_into("<H", filled, 0x224, 0xFE00)
        struct.pack_into("<I", filled, 0x228, 0x20000)
        struct.pack_into("<II", filled, 0x218, (0x7FFFFFFF - 0x28000 - len(INITRD)) // PAGE * PAGE,
                         len(INITRD))
        self.assertEqual(self.digest("--kernel-header", "qemu", "--memory", "16G", "--initrd",
                                     self.file("initrd", INITRD)), authenticode(bytes(filled)).hex())

    def test_a_header_that_qemu_cannot_fill_in(self):
        self.kernel = kernel(protocol=0x205)
        self.assert_misuse(self.run_image("--kernel-header", "qemu", boot=True), "2.05")


class Misuse(Image):
    def test_options_that_do_not_fit(self):
        for more, word in ((["--mrconfigid", "ab"], "96"), (["--page-order", "x"], "page"),
                           (["--cmdline", "ro"], "--kernel"), (["--initrd", "x"], "--kernel")):
            self.assert_misuse(self.run_image(*more), word)
        for more, word in ((["--cmdline", "caf\xe9"], "ASCII"), (["--cmdline", "x" * 2048], "2047"),
                           (["--initrd", self.file("empty", b"")], "empty"),
                           (["--initrd", self.folder / "none"], "none")):
            self.assert_misuse(self.run_image(*more, boot=True), word)

    def test_for_people_it_says_the_same(self):
        result = self.run_image("--event-log", self.good_log())
        self.assertEqual(result.returncode, ACCEPTED)
        self.assertIn("from the log", result.stdout)
        self.assertIn("cocoon-ledger allow worker-image", result.stdout)


if __name__ == "__main__":
    unittest.main()
