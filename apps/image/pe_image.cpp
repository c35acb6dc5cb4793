#include "image/pe_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "crypto/hash.h"
#include "image/tdvf.h"

namespace cocoon::app {

namespace {

constexpr std::size_t kPeOffsetAt = 0x3C;      // IMAGE_DOS_HEADER.e_lfanew
constexpr std::size_t kFileHeaderBytes = 24;   // with the signature "PE"
constexpr std::size_t kChecksumAt = 64;        // in the optional header, both kinds
constexpr std::size_t kHeadersSizeAt = 60;     // likewise
constexpr std::size_t kCertificatesIndex = 4;  // IMAGE_DIRECTORY_ENTRY_SECURITY
constexpr std::size_t kDirectoryBytes = 8;
constexpr std::size_t kSectionBytes = 40;

Error malformed(std::string_view what) {
  return Error(ErrorKind::invalid_argument, "kernel_malformed",
               fmt::format("The kernel is refused: {}.", what));
}

struct Section {
  std::string name;  ///< without the zeros at its end
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
};

/// What the digest needs to know of an image. All positions are in the file.
struct Layout {
  std::size_t checksum_at = 0;
  std::size_t headers_bytes = 0;
  std::optional<std::size_t> certificates_at;  ///< of the directory's entry; nothing: none
  std::uint32_t certificates_bytes = 0;
  std::vector<Section> sections;  ///< those with data, by their place
};

Result<std::vector<Section>> read_sections(ByteReader& in, std::size_t count,
                                           std::size_t headers_bytes, std::size_t file_bytes) {
  if (count > limits::kMaxKernelSections) {
    return malformed(
        fmt::format("it has {} sections, and {} are allowed", count, limits::kMaxKernelSections));
  }
  std::vector<Section> out;
  for (std::size_t i = 0; i < count; ++i) {
    Section section;
    section.name = as_text(in.take(8));
    section.name.resize(std::min(section.name.find('\0'), section.name.size()));
    (void)in.take(8);
    section.bytes = in.u32le();
    section.offset = in.u32le();
    (void)in.take(kSectionBytes - 24);
    if (section.bytes != 0) out.push_back(section);
  }
  if (in.failed() || in.position() > headers_bytes) {
    return malformed("its headers are longer than they say");
  }
  std::sort(out.begin(), out.end(),
            [](const Section& a, const Section& b) { return a.offset < b.offset; });
  std::size_t end = headers_bytes;
  for (const Section& section : out) {
    if (section.offset < end) return malformed("its sections or headers overlap");
    if (section.offset > file_bytes || section.bytes > file_bytes - section.offset) {
      return malformed(fmt::format("a section of {} bytes at {} lies outside the file's {}",
                                   section.bytes, section.offset, file_bytes));
    }
    end = std::size_t{section.offset} + section.bytes;
  }
  return out;
}

Result<Layout> read_layout(ByteView image) {
  if (image.size() > limits::kMaxKernelBytes) {
    return malformed(
        fmt::format("it has {} bytes, and {} are allowed", image.size(), limits::kMaxKernelBytes));
  }
  const auto none = malformed(
      "it is no EFI program (PE image); name a bzImage built with an EFI "
      "stub");
  if (image.size() < kPeOffsetAt + 4 || as_text(image.first(2)) != "MZ") return none;
  const std::size_t header = ByteReader(image.subspan(kPeOffsetAt)).u32le();
  if (header > image.size() || image.size() - header < kFileHeaderBytes + 2) return none;
  ByteReader file(image.subspan(header));
  if (as_text(file.take(4)) != std::string_view("PE\0\0", 4)) return none;
  (void)file.take(2);
  const std::size_t sections = file.u16le();
  (void)file.take(12);
  const std::size_t optional_bytes = file.u16le();
  (void)file.take(2);
  const std::size_t optional_at = header + kFileHeaderBytes;
  const std::uint16_t magic = ByteReader(image.subspan(optional_at)).u16le();
  if (magic != 0x10B && magic != 0x20B) return malformed("its optional header is of no known kind");
  const std::size_t directories = magic == 0x20B ? 112 : 96;
  if (optional_bytes < directories || optional_bytes > image.size() - optional_at) {
    return malformed(fmt::format("its optional header has {} bytes", optional_bytes));
  }
  const ByteView optional = image.subspan(optional_at, optional_bytes);
  Layout out;
  out.checksum_at = optional_at + kChecksumAt;
  out.headers_bytes = ByteReader(optional.subspan(kHeadersSizeAt)).u32le();
  if (out.headers_bytes > image.size()) return malformed("its headers are longer than the file");
  if (ByteReader(optional.subspan(directories - 4)).u32le() > kCertificatesIndex) {
    const std::size_t at = directories + kCertificatesIndex * kDirectoryBytes;
    if (at + kDirectoryBytes > optional.size()) {
      return malformed("its optional header is too short for its directories");
    }
    out.certificates_at = optional_at + at;
    out.certificates_bytes = ByteReader(optional.subspan(at + 4)).u32le();
  }
  ByteReader table(image);
  (void)table.take(optional_at + optional_bytes);
  COCOON_TRY(out.sections, read_sections(table, sections, out.headers_bytes, image.size()));
  return out;
}

void put(Bytes& out, std::size_t at, ByteView value) {
  std::copy(value.begin(), value.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The highest address that an initrd may have, by kernel and memory.
std::uint64_t highest_initrd(ByteView kernel, std::uint16_t protocol, std::uint64_t memory_bytes) {
  // ACPI tables of q35 since QEMU 2.3, at the end of low memory: 128 KiB and 32 KiB.
  constexpr std::uint64_t kAcpiBytes = 0x28000;
  constexpr std::uint16_t kAbove4g = 2;  // XLF_CAN_BE_LOADED_ABOVE_4G
  std::uint64_t out = ByteReader(kernel.subspan(0x22C)).u32le();
  const bool anywhere =
      protocol >= 0x20C && (ByteReader(kernel.subspan(0x236)).u16le() & kAbove4g) != 0;
  if (anywhere) out = UINT32_MAX;
  const std::uint64_t low = memory_below_4g(memory_bytes);
  if (low <= kAcpiBytes) return 0;
  return std::min(out, low - kAcpiBytes - 1);
}

}  // namespace

Result<TdxMeasurement> authenticode_sha384(ByteView image) {
  COCOON_TRY(const Layout layout, read_layout(image));
  Bytes out;
  out.reserve(image.size());
  const auto take = [&](std::size_t from, std::size_t to) {
    append(out, image.subspan(from, to - from));
  };
  std::size_t behind = layout.checksum_at + 4;
  if (layout.certificates_at) {
    if (layout.headers_bytes < *layout.certificates_at + kDirectoryBytes) {
      return malformed("its headers are longer than they say");
    }
    take(0, layout.checksum_at);
    take(behind, *layout.certificates_at);
    behind = *layout.certificates_at + kDirectoryBytes;
  } else {
    if (layout.headers_bytes < behind) return malformed("its headers are longer than they say");
    take(0, layout.checksum_at);
  }
  take(behind, layout.headers_bytes);
  std::size_t hashed = layout.headers_bytes;
  for (const Section& section : layout.sections) {
    take(section.offset, std::size_t{section.offset} + section.bytes);
    hashed += section.bytes;
  }
  // The specification counts the bytes and does not look where they were: gaps between sections
  // shift what is taken here.
  if (image.size() > hashed) {
    if (layout.certificates_bytes > image.size() - hashed) {
      return malformed("its signatures are longer than what lies behind its sections");
    }
    take(hashed, image.size() - layout.certificates_bytes);
  }
  return crypto::sha384(out);
}

bool is_unified_kernel(ByteView image) {
  const auto layout = read_layout(image);
  return layout && std::any_of(layout->sections.begin(), layout->sections.end(),
                               [](const Section& s) { return s.name == ".linux"; });
}

Result<Bytes> with_qemu_setup_header(ByteView kernel, std::uint64_t initrd_bytes,
                                     std::uint64_t memory_bytes) {
  constexpr std::size_t kHeaderEnd = 0x268;
  constexpr std::uint16_t kOldest = 0x206;
  constexpr std::uint8_t kLoadedHigh = 1;
  constexpr std::uint8_t kCanUseHeap = 0x80;
  if (kernel.size() < kHeaderEnd || as_text(kernel.subspan(0x202, 4)) != "HdrS") {
    return malformed("it has no setup header of Linux on x86");
  }
  const std::uint16_t protocol = ByteReader(kernel.subspan(0x206)).u16le();
  if (protocol < kOldest || (kernel[0x211] & kLoadedHigh) == 0) {
    return malformed(fmt::format("its boot protocol {}.{:02} is older than 2.06, or it is a zImage",
                                 protocol >> 8, protocol & 0xFF));
  }
  // Where QEMU puts a kernel's real-mode part and its command line.
  constexpr std::uint32_t kRealMode = 0x10000;
  constexpr std::uint32_t kCommandLine = 0x20000;
  Bytes out = to_bytes(kernel);
  out[0x210] = 0xB0;  // type_of_loader: QEMU
  out[0x211] |= kCanUseHeap;
  put(out, 0x224, ByteWriter().u16le(kCommandLine - kRealMode - 0x200).take());  // heap_end_ptr
  put(out, 0x228, ByteWriter().u32le(kCommandLine).take());                      // cmd_line_ptr
  if (initrd_bytes != 0) {
    const std::uint64_t highest = highest_initrd(kernel, protocol, memory_bytes);
    if (initrd_bytes >= highest) {
      return malformed(
          fmt::format("the initrd of {} bytes does not fit below {:#x}", initrd_bytes, highest));
    }
    const std::uint64_t at = (highest - initrd_bytes) / kTdxPageBytes * kTdxPageBytes;
    put(out, 0x218, ByteWriter().u32le(static_cast<std::uint32_t>(at)).take());
    put(out, 0x21C, ByteWriter().u32le(static_cast<std::uint32_t>(initrd_bytes)).take());
  }
  return out;
}

}  // namespace cocoon::app
