#pragma once
/// @file Verification of NVIDIA GPU evidence, offline: attestation.md section 5. Pure: the clock,
/// the measurement sets and the trusted root come in, a value goes out. About 3 ms per GPU, so it
/// runs on a job thread; everything here may be shared between threads.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/gpu_evidence.h"
#include "attest/gpu_measurements.h"
#include "attest/gpu_report.h"
#include "attest/policy.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The root that device chains must end in, by its key.
class GpuRoot {
 public:
  /// NVIDIA Device Identity CA.
  static GpuRoot nvidia();
  /// A stand-in for NVIDIA's root, for tests with keys of their own: the key of a self-signed PEM
  /// certificate. Errors: those of self_signed_sha384_key.
  static Result<GpuRoot> stand_in_for_nvidia(std::string_view root_pem);

  /// Sha384Key::digest() of the root.
  const Hash& key() const { return key_; }

 private:
  explicit GpuRoot(const Hash& key) : key_(key) {}

  Hash key_;
};

/// Everything that can be wrong, in the order in which it is reported: format; signatures and
/// roles; missing parts; dates; matching.
enum class GpuFault : std::uint8_t {
  report_format,
  chain_untrusted,
  report_signature,
  measurements_missing,  ///< no set for this chip and version
  expired,
  not_yet_valid,
  nonce_mismatch,
  fwid_mismatch,          ///< the key that signs belongs to other firmware than the report's
  measurements_conflict,  ///< the driver's and the VBIOS's set both claim an index
  measurements_mismatch
};
/// The class as written in reports, for example "GPU_NONCE_MISMATCH".
std::string_view to_string(GpuFault fault);

/// One fault with the part that it concerns (may be empty).
struct GpuFinding {
  GpuFault fault;
  std::string part;
};

/// What verification found out about one GPU: no opinion on whether it is good enough.
struct GpuVerdict {
  std::vector<GpuFinding> faults;  ///< in the order of GpuFault; empty where all is genuine

  // Worth nothing unless trusted().
  std::string chip;        ///< for example "GH100", from the chain
  GpuOpaqueData firmware;  ///< versions and mode
  /// The device: SHA-256 of the public key that is burnt into it.
  Hash device{};
  Hash driver_set{};  ///< GpuMeasurementSet::hash() of what matched
  Hash vbios_set{};
  UnixTime expires{};  ///< the earliest end of its certificates

  bool trusted() const { return faults.empty(); }
  /// "Genuine", or the first fault: "GPU_MEASUREMENTS_MISMATCH:4,21".
  std::string text() const;
};

/// Verifies the evidence of one GPU. Hostile bytes give a verdict like any other. In this order:
/// 1. form of report and chain;
/// 2. chain: leaf, device, ..., "NVIDIA <chip> Identity", root; roles, signatures, the root's key;
///    the report's signature by the leaf;
/// 3. dates;
/// 4. nonce equal to `nonce`, firmware id equal to the leaf's;
/// 5. every active measurement of the driver's and of the VBIOS's set has one of its digests.
///    Measurement 35 is left out where the report says that the video decoder 0 is off.
/// Not checked, because it needs NVIDIA's services: revocation (OCSP).
/// @param nonce what the GPU was asked to sign: gpu_nonce()
/// @param sets candidates; which of them may be relied on is for GpuPolicy
GpuVerdict verify_gpu_evidence(const GpuEvidence& evidence, const Hash& nonce,
                               std::span<const GpuMeasurementSet> sets, const GpuRoot& root,
                               UnixTime now);

/// Which GPUs are good enough. The defaults admit none until sets are listed.
struct GpuPolicy {
  /// Measurement sets that may be relied on, by their hash. Empty admits none.
  std::vector<Hash> measurement_sets;
  /// How GPUs may be attached. In the other modes data crosses wires in the clear, or may.
  std::vector<GpuMode> modes{GpuMode::single, GpuMode::multi};
  /// The devices that are admitted; unset: any genuine one. An empty list admits none.
  std::optional<std::vector<Hash>> devices;
};

/// Judges all GPUs of a node. Codes: gpu_none, gpu_twice (one device counted twice), gpu_untrusted,
/// gpu_expired, gpu_measurement_set, gpu_mode, gpu_device.
PolicyDecision evaluate(std::span<const GpuVerdict> gpus, const GpuPolicy& policy, UnixTime now);

}  // namespace cocoon::attest
