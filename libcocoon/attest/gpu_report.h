#pragma once
/// @file Attestation reports of NVIDIA GPUs, as values: an SPDM 1.1 GET_MEASUREMENTS request and
/// its MEASUREMENTS response, one after the other (DMTF DSP0274 1.1, sections 10.11.1 and 10.11.2).
/// Parsing checks form only; gpu_verify.h checks what a report claims.
///
/// The opaque data is NVIDIA's: a list of { type u16, size u16, value }, as its open-source
/// verifier reads it (nvtrust, local_gpu_verifier); summary in attestation.md section 5. All
/// integers are little-endian.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/sha384_key.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// A SHA-384 measurement.
using GpuDigest = ByteArray<48>;

/// How the GPU is attached (FEATURE_FLAG, with PROTECTED_PCIE where there is no flag).
enum class GpuMode : std::uint8_t {
  multi,           ///< several GPUs in one guest, each encrypting its traffic (MPT)
  single,          ///< one GPU in one guest (SPT)
  protected_pcie,  ///< several GPUs and their switches without encryption between them (PPCIE)
  unstated         ///< firmware that does not say
};
/// "multi", "single", "protected-pcie" or "unstated".
std::string_view to_string(GpuMode mode);

/// What the opaque data says. Values that are text end before their first zero byte.
struct GpuOpaqueData {
  std::string driver_version;  ///< for example "550.90.07"
  std::string vbios_version;   ///< for example "96.00.9F.00.01", as NVIDIA writes it
  std::string project;
  std::string project_sku;
  std::string chip_sku;
  std::optional<GpuDigest> fwid;  ///< the firmware that holds the key which signs
  /// Whether the video decoder 0 takes part: measurement 35 means nothing otherwise. Unset where
  /// the firmware does not say.
  std::optional<bool> nvdec0_enabled;
  GpuMode mode = GpuMode::unstated;
  /// How often each measurement was extended (MSRSCNT).
  std::vector<std::uint32_t> measurement_counts;
};

/// A parsed report. Its views are into the bytes that were parsed.
struct GpuReport {
  ByteView signed_bytes;  ///< request and response without signature
  Hash request_nonce{};   ///< the verifier's
  Hash response_nonce{};  ///< the GPU's
  std::uint8_t slot = 0;  ///< certificate slot
  /// By NVIDIA's index, which starts at 0: one less than SPDM's.
  std::map<std::uint8_t, GpuDigest> measurements;
  GpuOpaqueData opaque;
  P384Signature signature{};  ///< r ‖ s, big-endian
};

/// Reads a report. Every length must be used up exactly; indices ascend; every measurement is a
/// SHA-384 digest; no opaque type occurs twice, and unknown ones are passed over. Statements that
/// contradict each other (FEATURE_FLAG and PROTECTED_PCIE) are refused.
/// Errors: attestation/gpu_report_format.
Result<GpuReport> parse_gpu_report(ByteView bytes);

}  // namespace cocoon::attest
