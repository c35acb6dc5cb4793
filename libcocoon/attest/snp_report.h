#pragma once
/// @file Attestation reports of AMD SEV-SNP, versions 2 to 5, as values. Parsing checks form only;
/// snp_verify.h checks what a report claims.
///
/// Layout: AMD "SEV Secure Nested Paging Firmware ABI Specification" (56860), table
/// "ATTESTATION_REPORT Structure"; summary in attestation.md section 5. All integers are
/// little-endian.

#include <cstdint>
#include <optional>

#include "attest/sha384_key.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The size of every version of the report.
inline constexpr std::size_t kSnpReportBytes = 0x4A0;
/// What its signature covers: all before it.
inline constexpr std::size_t kSnpSignedBytes = 0x2A0;

/// A TCB version as it stands in the report; which byte means what depends on the product.
using SnpTcbBytes = ByteArray<8>;

/// A version of the firmware.
struct SnpFirmware {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t build = 0;
  friend auto operator<=>(const SnpFirmware&, const SnpFirmware&) = default;
};

/// The processor, from version 3 on: CPUID 0x8000_0001 EAX, with the extended parts added in.
struct SnpCpu {
  std::uint8_t family = 0;
  std::uint8_t model = 0;
  std::uint8_t stepping = 0;
};

/// Bits of the guest policy (same specification, table "Guest Policy").
namespace snp_policy {
inline constexpr std::uint64_t kAbiMask = 0xFFFF;  ///< least ABI version: minor, then major
inline constexpr std::uint64_t kSmt = 1ull << 16;
inline constexpr std::uint64_t kReservedOne = 1ull << 17;  ///< must be set
inline constexpr std::uint64_t kMigrationAgent = 1ull << 18;
inline constexpr std::uint64_t kDebug = 1ull << 19;
inline constexpr std::uint64_t kSingleSocket = 1ull << 20;
inline constexpr std::uint64_t kCxl = 1ull << 21;
inline constexpr std::uint64_t kAes256Xts = 1ull << 22;
inline constexpr std::uint64_t kRaplDisabled = 1ull << 23;
inline constexpr std::uint64_t kCiphertextHiding = 1ull << 24;
inline constexpr std::uint64_t kPageSwapDisabled = 1ull << 25;
inline constexpr std::uint64_t kKnown = (1ull << 26) - 1;
}  // namespace snp_policy

/// Bits of PLATFORM_INFO (same specification).
namespace snp_platform {
inline constexpr std::uint64_t kSmt = 1ull << 0;
inline constexpr std::uint64_t kTsme = 1ull << 1;
inline constexpr std::uint64_t kEcc = 1ull << 2;
inline constexpr std::uint64_t kRaplDisabled = 1ull << 3;
inline constexpr std::uint64_t kCiphertextHiding = 1ull << 4;
/// The firmware looked for memory addresses that alias others (BadRAM, CVE-2024-21944).
inline constexpr std::uint64_t kAliasCheck = 1ull << 5;
inline constexpr std::uint64_t kTio = 1ull << 7;
inline constexpr std::uint64_t kKnown = 0xBF;
}  // namespace snp_platform

/// A report.
struct SnpReport {
  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  std::uint64_t policy = 0;
  ByteArray<16> family_id{};
  ByteArray<16> image_id{};
  std::uint32_t vmpl = 0;
  SnpTcbBytes current_tcb{};
  std::uint64_t platform_info = 0;
  bool author_key_enabled = false;  ///< author_key_digest is of a key that vouched for the id key
  bool chip_key_masked = false;
  SnpSigningKey signing_key{};
  ByteArray<64> report_data{};
  SnpDigest measurement{};
  Hash host_data{};
  SnpDigest id_key_digest{};
  SnpDigest author_key_digest{};
  Hash report_id{};
  Hash report_id_ma{};
  SnpTcbBytes reported_tcb{};
  std::optional<SnpCpu> cpu;  ///< from version 3 on
  ByteArray<64> chip_id{};    ///< zeros where the host masks it, or a VLEK signs
  SnpTcbBytes committed_tcb{};
  SnpFirmware current_firmware;
  SnpFirmware committed_firmware;
  SnpTcbBytes launch_tcb{};
  std::uint64_t launch_mitigations = 0;   ///< from version 5 on
  std::uint64_t current_mitigations = 0;  ///< from version 5 on
  P384Signature signature{};              ///< turned to big-endian

  bool debug() const { return (policy & snp_policy::kDebug) != 0; }
};

/// Reads a report. Its size is exact; every reserved byte, those of the signature included, must be
/// zero, so that nothing hides outside the signed part. Later versions than 5 are refused:
/// nobody can say here what their fields mean. Errors: attestation/snp_report_format.
Result<SnpReport> parse_snp_report(ByteView bytes);

/// The components of a TCB version in `product`'s layout.
SnpTcb decode_snp_tcb(SnpProduct product, const SnpTcbBytes& bytes);

}  // namespace cocoon::attest
