#pragma once
/// @file What a GPU must have measured: a measurement set, made from one of NVIDIA's reference
/// manifests (RIM) and pinned by its hash, so that a verifier needs neither XML nor NVIDIA's
/// services.
///
/// A set is text, in one form only, so that its SHA-256 (as `sha256sum` prints it) is its name in
/// the registry and in policies:
///
///     cocoon-gpu-measurements-v1
///     driver GH100 550.144.03
///     2 <96 hexadecimal digits>
///     2 <96 hexadecimal digits>
///     9 <96 hexadecimal digits>
///
/// Second line: which part of the GPU ("driver" or "vbios"), which chip, which version. Then a line
/// for each allowed digest of each active measurement, by index (NVIDIA's, from 0) and digest,
/// ascending, none twice. Digits in lower case; every line ends with a line feed.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attest/gpu_report.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// Which part of a GPU a set describes.
enum class GpuPart : std::uint8_t { driver, vbios };
/// "driver" or "vbios".
std::string_view to_string(GpuPart part);

/// One measurement set. Immutable.
class GpuMeasurementSet {
 public:
  /// Index of an active measurement → digests that it may have, ascending.
  using Digests = std::map<std::uint8_t, std::vector<GpuDigest>>;

  /// Makes a set; sorts the digests and drops those that occur twice.
  /// Errors: invalid_argument/gpu_measurements_invalid (no measurement, one without a digest or
  /// with too many, a name with other characters than letters, digits, '.', '-' and '_').
  static Result<GpuMeasurementSet> create(GpuPart part, std::string chip, std::string version,
                                          Digests digests);
  /// Reads the text form. Errors: the same, also for any other spelling of a set.
  static Result<GpuMeasurementSet> parse(std::string_view text);

  GpuPart part() const { return part_; }
  const std::string& chip() const { return chip_; }        ///< for example "GH100"
  const std::string& version() const { return version_; }  ///< as in GpuOpaqueData
  const Digests& digests() const { return digests_; }

  /// The text form.
  std::string text() const;
  /// SHA-256 of text().
  Hash hash() const;

 private:
  GpuMeasurementSet() = default;

  GpuPart part_{};
  std::string chip_;
  std::string version_;
  Digests digests_;
};

}  // namespace cocoon::attest
