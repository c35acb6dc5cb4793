#include "image/tdvf.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::app {

namespace {

/// Behind the table of GUIDs come the reset vector's last 32 bytes.
constexpr std::size_t kAfterTable = 32;
constexpr std::size_t kGuidBytes = 16;
constexpr std::size_t kEntryTail = 2 + kGuidBytes;  // an entry ends with its length and its GUID
constexpr std::size_t kDescriptorBytes = 16;
constexpr std::size_t kSectionBytes = 32;
constexpr std::uint32_t kMeasured = 1;
constexpr std::uint32_t kAddedLater = 2;
constexpr std::size_t kExtendBytes = 256;  // TDH.MR.EXTEND measures so much at once
constexpr std::size_t kRecordBytes = 128;  // what a call adds to MRTD before any content
constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

/// 96b582de-1fb2-45f7-baea-a366c55a082d, the table's end.
constexpr ByteArray<kGuidBytes> kTableGuid{0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                           0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
/// e47a6535-984a-4798-865e-4685a7bf8ec2, the entry that says where the metadata is.
constexpr ByteArray<kGuidBytes> kMetadataGuid{0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
                                              0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2};

Error malformed(std::string_view what) {
  return Error(ErrorKind::invalid_argument, "firmware_malformed",
               fmt::format("The firmware is refused: {}.", what));
}

std::size_t u16_at(ByteView bytes, std::size_t at) {
  return ByteReader(bytes.subspan(at)).u16le();
}

/// The table's entries, without its own end.
Result<ByteView> find_table(ByteView firmware) {
  if (firmware.size() < kAfterTable + kEntryTail) return malformed("it is too short for one");
  const std::size_t end = firmware.size() - kAfterTable;
  if (!equal_public(firmware.subspan(end - kGuidBytes, kGuidBytes), kTableGuid)) {
    return malformed(
        "it has no table of GUIDs 32 bytes before its end, as OVMF does; name the file with the "
        "code (OVMF.fd, not OVMF_VARS.fd)");
  }
  const std::size_t bytes = u16_at(firmware, end - kEntryTail);
  if (bytes < kEntryTail || bytes > end) {
    return malformed(fmt::format("its table of GUIDs says that it has {} bytes", bytes));
  }
  return firmware.subspan(end - bytes, bytes - kEntryTail);
}

/// How far before the file's end the metadata is.
Result<std::size_t> find_metadata(ByteView firmware) {
  COCOON_TRY(ByteView table, find_table(firmware));
  while (!table.empty()) {
    const std::size_t bytes =
        table.size() < kEntryTail ? 0 : u16_at(table, table.size() - kEntryTail);
    if (bytes < kEntryTail || bytes > table.size()) {
      return malformed("an entry of its table of GUIDs does not fit into it");
    }
    const ByteView entry = table.last(bytes);
    if (equal_public(entry.last(kGuidBytes), kMetadataGuid)) {
      if (bytes != 4 + kEntryTail) return malformed("its pointer to TDX metadata has another size");
      return ByteReader(entry).u32le();
    }
    table = table.first(table.size() - bytes);
  }
  return malformed("it has no TDX metadata: it was not built for TDX guests");
}

Result<TdvfSection> read_section(ByteReader& in, ByteView firmware, std::size_t number) {
  const auto wrong = [number](std::string_view what) {
    return malformed(fmt::format("section {} of its TDX metadata {}", number, what));
  };
  TdvfSection out;
  const std::uint64_t offset = in.u32le();
  const std::uint64_t bytes = in.u32le();
  out.address = in.u64le();
  out.memory_bytes = in.u64le();
  const std::uint32_t kind = in.u32le();
  const std::uint32_t attributes = in.u32le();
  if (kind > static_cast<std::uint32_t>(TdvfKind::temporary)) {
    return wrong(fmt::format("is of the kind {}, which QEMU does not load", kind));
  }
  if ((attributes & ~(kMeasured | kAddedLater)) != 0) {
    return wrong(fmt::format("has the unknown attributes {:#x}", attributes));
  }
  out.kind = static_cast<TdvfKind>(kind);
  out.measured = (attributes & kMeasured) != 0;
  out.added_later = (attributes & kAddedLater) != 0;
  if (out.measured && out.added_later) return wrong("is measured, but added after the measurement");
  if (offset > firmware.size() || bytes > firmware.size() - offset) {
    return wrong(
        fmt::format("is {} bytes at {}, and the file has {}", bytes, offset, firmware.size()));
  }
  const bool has_data = out.kind == TdvfKind::code || out.kind == TdvfKind::configuration;
  if (has_data != (bytes != 0)) return wrong(has_data ? "has no data" : "has data and must not");
  if (out.address % kTdxPageBytes != 0 || out.memory_bytes % kTdxPageBytes != 0) {
    return wrong("is not in whole pages");
  }
  if (out.memory_bytes == 0 || out.memory_bytes < bytes) return wrong("has more data than memory");
  if (out.memory_bytes > limits::kMaxFirmwareMemoryBytes) {
    return wrong(fmt::format("has {} bytes of memory, and {} are allowed", out.memory_bytes,
                             limits::kMaxFirmwareMemoryBytes));
  }
  if (out.address > UINT64_MAX - out.memory_bytes) return wrong("lies beyond the end of memory");
  out.data = firmware.subspan(offset, bytes);
  return out;
}

bool overlap(std::uint64_t a, std::uint64_t a_bytes, std::uint64_t b, std::uint64_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

Status check_together(const std::vector<TdvfSection>& sections, const std::uint8_t* file) {
  std::uint64_t memory = 0;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const TdvfSection& a = sections[i];
    memory += a.memory_bytes;
    for (std::size_t k = 0; k < i; ++k) {
      const TdvfSection& b = sections[k];
      if (overlap(a.address, a.memory_bytes, b.address, b.memory_bytes)) {
        return malformed(fmt::format("sections {} and {} overlap in memory", k, i));
      }
      if (!a.data.empty() && !b.data.empty() &&
          overlap(static_cast<std::uint64_t>(a.data.data() - file), a.data.size(),
                  static_cast<std::uint64_t>(b.data.data() - file), b.data.size())) {
        return malformed(fmt::format("sections {} and {} overlap in the file", k, i));
      }
    }
  }
  if (memory > limits::kMaxFirmwareMemoryBytes) {
    return malformed(fmt::format("its sections have {} bytes of memory, and {} are allowed", memory,
                                 limits::kMaxFirmwareMemoryBytes));
  }
  return ok();
}

/// What a call of the TDX module adds: its name, and a guest address at byte 16.
void append_record(Bytes& out, std::string_view call, std::uint64_t address) {
  Bytes record = ByteWriter().bytes(as_bytes(call)).take();
  record.resize(16);
  append(record, ByteWriter().u64le(address).take());
  record.resize(kRecordBytes);
  append(out, record);
}

void append_add(Bytes& out, const TdvfSection& section, std::uint64_t page) {
  append_record(out, "MEM.PAGE.ADD", section.address + page);
}

void append_content(Bytes& out, const TdvfSection& section, std::uint64_t page) {
  for (std::uint64_t at = page; at < page + kTdxPageBytes; at += kExtendBytes) {
    append_record(out, "MR.EXTEND", section.address + at);
    const std::size_t from = std::min<std::uint64_t>(at, section.data.size());
    const std::size_t bytes = std::min(kExtendBytes, section.data.size() - from);
    append(out, section.data.subspan(from, bytes));
    out.resize(out.size() + kExtendBytes - bytes);
  }
}

/// EFI_HOB_RESOURCE_DESCRIPTOR, present, initialised and tested.
void append_resource(ByteWriter& out, bool accepted, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint32_t kSystemMemory = 0;
  constexpr std::uint32_t kUnaccepted = 7;
  out.u16le(3).u16le(48).u32le(0).bytes(ByteArray<kGuidBytes>{});
  out.u32le(accepted ? kSystemMemory : kUnaccepted).u32le(7).u64le(from).u64le(to - from);
}

}  // namespace

Result<std::vector<TdvfSection>> parse_tdvf(ByteView firmware) {
  if (firmware.size() > limits::kMaxFirmwareBytes) {
    return malformed(fmt::format("it has {} bytes, and {} are allowed", firmware.size(),
                                 limits::kMaxFirmwareBytes));
  }
  COCOON_TRY(const std::size_t before_end, find_metadata(firmware));
  if (before_end > firmware.size() || before_end < kDescriptorBytes) {
    return malformed("its pointer to TDX metadata leads out of the file");
  }
  ByteReader in(firmware.last(before_end));
  const bool signature = as_text(in.take(4)) == "TDVF";
  const std::uint32_t bytes = in.u32le();
  const std::uint32_t version = in.u32le();
  const std::uint32_t count = in.u32le();
  if (!signature) return malformed("its TDX metadata does not begin with \"TDVF\"");
  if (version != 1) {
    return malformed(fmt::format("its TDX metadata has version {}, and 1 is known", version));
  }
  if (count == 0 || count > limits::kMaxFirmwareSections) {
    return malformed(fmt::format("its TDX metadata has {} sections, and 1 to {} are allowed", count,
                                 limits::kMaxFirmwareSections));
  }
  if (bytes != kDescriptorBytes + count * kSectionBytes || bytes > before_end) {
    return malformed(
        fmt::format("its TDX metadata says that it has {} bytes for {} sections", bytes, count));
  }
  std::vector<TdvfSection> out;
  for (std::size_t i = 0; i < count; ++i) {
    COCOON_TRY(TdvfSection section, read_section(in, firmware, i));
    out.push_back(section);
  }
  COCOON_CHECK(check_together(out, firmware.data()));
  return out;
}

TdxMeasurement tdvf_mrtd(const std::vector<TdvfSection>& sections, PageOrder order) {
  Bytes out;
  for (const TdvfSection& section : sections) {
    if (section.added_later) continue;
    const bool together = order == PageOrder::page;
    for (std::uint64_t page = 0; page < section.memory_bytes; page += kTdxPageBytes) {
      append_add(out, section, page);
      if (together && section.measured) append_content(out, section, page);
    }
    if (together || !section.measured) continue;
    for (std::uint64_t page = 0; page < section.memory_bytes; page += kTdxPageBytes) {
      append_content(out, section, page);
    }
  }
  return crypto::sha384(out);
}

std::optional<TdxMeasurement> tdvf_configuration(const std::vector<TdvfSection>& sections) {
  for (const TdvfSection& section : sections) {
    if (section.kind == TdvfKind::configuration) return crypto::sha384(section.data);
  }
  return std::nullopt;
}

std::uint64_t memory_below_4g(std::uint64_t memory_bytes) {
  constexpr std::uint64_t kSplitFrom = 11 * kGib / 4;
  return memory_bytes < kSplitFrom ? memory_bytes : 2 * kGib;
}

std::optional<TdxMeasurement> tdvf_hand_off(const std::vector<TdvfSection>& sections,
                                            std::uint64_t memory_bytes) {
  constexpr std::uint32_t kHandOffVersion = 9;
  const std::uint64_t low = memory_below_4g(memory_bytes);
  std::vector<const TdvfSection*> accepted;
  std::optional<std::uint64_t> address;
  for (const TdvfSection& section : sections) {
    if (section.kind == TdvfKind::hand_off) address = section.address;
    if (section.kind == TdvfKind::hand_off || section.kind == TdvfKind::temporary) {
      accepted.push_back(&section);
    }
  }
  if (!address) return std::nullopt;
  std::sort(accepted.begin(), accepted.end(),
            [](const auto* a, const auto* b) { return a->address < b->address; });
  ByteWriter resources;
  std::uint64_t at = 0;
  for (const TdvfSection* section : accepted) {
    const std::uint64_t end = section->address + section->memory_bytes;
    if (end > low) return std::nullopt;
    if (at < section->address) append_resource(resources, false, at, section->address);
    append_resource(resources, true, section->address, end);
    at = end;
  }
  if (at < low) append_resource(resources, false, at, low);
  if (memory_bytes > low) {
    append_resource(resources, false, 4 * kGib, 4 * kGib + memory_bytes - low);
  }
  // EFI_HOB_HANDOFF_INFO_TABLE. It says where the list ends: behind an end mark of 8 bytes, which
  // the firmware does not measure.
  ByteWriter out;
  out.u16le(1).u16le(56).u32le(0).u32le(kHandOffVersion).u32le(0);
  out.u64le(0).u64le(0).u64le(0).u64le(0).u64le(*address + 56 + resources.size() + 8);
  Bytes all = out.take();
  append(all, resources.take());
  return crypto::sha384(all);
}

}  // namespace cocoon::app
