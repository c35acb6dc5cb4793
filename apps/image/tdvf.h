#pragma once
/// @file Firmware of a TDX guest (TDVF, for example OVMF): which parts of it the host loads into
/// memory, and what that gives for MRTD.
///
/// Sources: Intel TDX Virtual Firmware Design Guide, section 11 (metadata); Intel TDX Module ABI,
/// TDH.MEM.PAGE.ADD and TDH.MR.EXTEND (what they add to MRTD); QEMU hw/i386/tdvf.c and tdvf-hob.c
/// (what the host accepts, and the hand-off block). All integers are little-endian.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// The kinds of section that a host can load.
enum class TdvfKind : std::uint32_t {
  code = 0,           ///< BFV: the firmware volume with the code
  configuration = 1,  ///< CFV: the firmware volume with the variables
  hand_off = 2,       ///< TD_HOB: what the host says about memory
  temporary = 3       ///< stack, heap, mailbox
};

/// One range of guest memory that exists when the guest starts.
struct TdvfSection {
  TdvfKind kind{};
  ByteView data;                   ///< in the firmware file; zeros follow up to memory_bytes
  std::uint64_t address = 0;       ///< in the guest; a multiple of kTdxPageBytes
  std::uint64_t memory_bytes = 0;  ///< a multiple of kTdxPageBytes
  bool measured = false;           ///< MR.EXTEND: its content is part of MRTD, not only its place
  bool added_later = false;        ///< PAGE.AUG: the guest gets it after its start
};

inline constexpr std::uint64_t kTdxPageBytes = 4096;

/// Reads the metadata of a firmware file. The sections point into it.
/// Refused, with what is wrong: no metadata or another version of it; sections of an unknown kind,
/// outside the file, not in whole pages, with more data than memory, measured but added later, that
/// overlap in the file or in memory, or that have more memory in all than a limit.
/// Errors: invalid_argument/firmware_malformed.
Result<std::vector<TdvfSection>> parse_tdvf(ByteView firmware);

/// In which order a host adds pages and has them measured. It changes MRTD.
enum class PageOrder : std::uint8_t {
  page,    ///< each page is measured as soon as it has been added: Linux from 6.16 on
  section  ///< all pages of a section are added, then all are measured: some kernels before TDX
           ///< became part of Linux
};

/// MRTD of a guest with this firmware. Depends on nothing else.
TdxMeasurement tdvf_mrtd(const std::vector<TdvfSection>& sections, PageOrder order);

/// The digest that the firmware extends for its configuration volume; nothing where the file has
/// none.
std::optional<TdxMeasurement> tdvf_configuration(const std::vector<TdvfSection>& sections);

/// The digest that the firmware extends for the hand-off block of a guest with so much memory, as
/// QEMU writes it for its machine q35; nothing where the firmware takes none, or the memory does
/// not reach beyond its sections.
std::optional<TdxMeasurement> tdvf_hand_off(const std::vector<TdvfSection>& sections,
                                            std::uint64_t memory_bytes);

/// Guest memory below 4 GiB on QEMU's q35: all of it up to 2.75 GiB, else 2 GiB.
std::uint64_t memory_below_4g(std::uint64_t memory_bytes);

}  // namespace cocoon::app
