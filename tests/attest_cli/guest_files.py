"""Firmware, kernels and event logs of TDX guests, made for tests; and, written from the formats and
not from the program, what such files measure."""

import hashlib
import struct
import uuid

PAGE = 4096
CODE, CONFIGURATION, HAND_OFF, TEMPORARY = range(4)
MEASURED, ADDED_LATER = 1, 2


def sha384(*parts):
    return hashlib.sha384(b"".join(parts)).digest()


class Firmware:
    """A firmware file: sections are (offset, bytes, address, memory, kind, attributes)."""

    def __init__(self):
        self.size = 0x10000
        self.content = b"firmware"
        self.sections = [
            (0x4000, 0xC000, 0xFFFF4000, 0xC000, CODE, MEASURED),
            (0, 0x4000, 0xFFFF0000, 0x4000, CONFIGURATION, 0),
            (0, 0, 0x810000, 0x10000, TEMPORARY, 0),
            (0, 0, 0x809000, 0x2000, HAND_OFF, 0),
        ]
        self.signature, self.version, self.length, self.count = b"TDVF", 1, None, None
        self.pointer = None          # to the metadata, from the file's end
        self.table_length = None     # of the table of GUIDs
        self.before = []             # entries of the table before the metadata's: (data, length)
        self.guid = "e47a6535-984a-4798-865e-4685a7bf8ec2"
        self.footer = "96b582de-1fb2-45f7-baea-a366c55a082d"

    def build(self):
        out = bytearray(hashlib.shake_128(self.content).digest(self.size))
        count = len(self.sections) if self.count is None else self.count
        length = 16 + 32 * count if self.length is None else self.length
        metadata = struct.pack("<4sIII", self.signature, length, self.version, count)
        metadata += b"".join(struct.pack("<IIQQII", *s) for s in self.sections)
        at = self.size - 0x1000
        out[at:at + len(metadata)] = metadata
        pointer = 0x1000 if self.pointer is None else self.pointer
        table = b"".join(data + struct.pack("<H", length) + uuid.UUID(int=7).bytes_le
                         for data, length in self.before)
        table += struct.pack("<IH", pointer, 22) + uuid.UUID(self.guid).bytes_le
        table_length = len(table) + 18 if self.table_length is None else self.table_length
        table += struct.pack("<H", table_length) + uuid.UUID(self.footer).bytes_le
        out[-32 - len(table):-32] = table
        return bytes(out)


def sections_of(firmware):
    """The sections of any firmware, found by the metadata's own mark."""
    at = firmware.find(bytes.fromhex("f3f9eae98e16d544a8eb7f4d8738f6ae54445646"))  # GUID, "TDVF"
    at = at + 16 if at >= 0 else firmware.find(b"TDVF")
    count = struct.unpack_from("<I", firmware, at + 12)[0]
    return [struct.unpack_from("<IIQQII", firmware, at + 16 + 32 * i) for i in range(count)]


def mrtd(firmware, order="page"):
    """MRTD: a running hash, fed call by call as the TDX module sees them."""
    running = hashlib.sha384()

    def call(name, address, *content):
        running.update(name.ljust(16, b"\0") + struct.pack("<Q", address) + bytes(104))
        for part in content:
            running.update(part)

    for offset, size, address, memory, _, attributes in sections_of(firmware):
        content = firmware[offset:offset + size].ljust(memory, b"\0")
        calls = []
        for page in range(0, memory, PAGE):
            if not attributes & ADDED_LATER:
                calls.append((0, page, page, [b"MEM.PAGE.ADD", address + page]))
            if attributes & MEASURED:
                calls += [(1, page, at, [b"MR.EXTEND", address + at, content[at:at + 256]])
                          for at in range(page, page + PAGE, 256)]
        key = (lambda c: (c[1], c[0], c[2])) if order == "page" else (lambda c: c[:3])
        for one in sorted(calls, key=key):
            call(*one[3])
    return running.digest()


def kernel(size=0x9000, sections=((b".text", 0x1000, 0x3000), (b".data", 0x4000, 0x4000)), trailer=b"",
           signatures=b"", flags=3, protocol=0x20F, magic=0x20B, headers=0x1000):
    """A bzImage that is an EFI program, as far as its headers go."""
    out = bytearray(hashlib.shake_128(b"kernel").digest(size))
    out[:headers] = bytes(headers)
    out[:2] = b"MZ"
    out[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", out, 0x206, protocol)
    out[0x211] = 1  # loaded high
    struct.pack_into("<I", out, 0x22C, 0x7FFFFFFF)
    struct.pack_into("<H", out, 0x236, flags)
    pe = 0x300
    struct.pack_into("<I", out, 0x3C, pe)
    directories = 112 if magic == 0x20B else 96
    optional = directories + 6 * 8
    out[pe:pe + 4] = b"PE\0\0"
    struct.pack_into("<HH12xHH", out, pe + 4, 0x8664, len(sections), optional, 0)
    struct.pack_into("<H", out, pe + 24, magic)
    struct.pack_into("<II", out, pe + 24 + 60, headers, 0x12345678)
    struct.pack_into("<I", out, pe + 24 + directories - 4, 6)
    if signatures:
        struct.pack_into("<II", out, pe + 24 + directories + 32, size + len(trailer), len(signatures))
    for i, (name, offset, length) in enumerate(sections):
        struct.pack_into("<8sIIII", out, pe + 24 + optional + 40 * i, name, length, 0, length, offset)
    return bytes(out) + trailer + signatures


def authenticode(image):
    """SHA-384 of a kernel() or a bzImage: what is left when checksum, entry and signatures go."""
    pe = struct.unpack_from("<I", image, 0x3C)[0]
    checksum = pe + 24 + 64
    directories = 112 if struct.unpack_from("<H", image, pe + 24)[0] == 0x20B else 96
    entry = pe + 24 + directories + 4 * 8
    signatures = struct.unpack_from("<I", image, entry + 4)[0]
    end = len(image) - signatures
    return sha384(image[:checksum], image[checksum + 4:entry], image[entry + 8:end])


def event_log(events):
    """A CCEL log of (register, type, data, digest or None for the data's)."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBIHHB", 0, 0, 2, 0, 2, 1, 12, 48, 0)
    out = struct.pack("<II20sI", 1, 3, bytes(20), len(spec)) + spec
    for register, kind, data, digest in events:
        out += struct.pack("<IIIH", register + 1, kind, 1, 12) + (digest or sha384(data))
        out += struct.pack("<I", len(data)) + data
    return out + b"\xff" * 64


def replay(digests):
    register = bytes(48)
    for digest in digests:
        register = sha384(register, digest)
    return register
