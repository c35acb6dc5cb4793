#pragma once
/// @file Where the evidence of a worker's GPUs comes from.

#include <memory>
#include <string>
#include <vector>

#include "attest/gpu_bundle.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/jobs.h"

namespace cocoon::tee {

/// Evidence of all GPUs of this machine over `nonce`, and the measurement sets of the given files.
/// Blocks; any thread. Errors: those of nvml_evidence(); io/gpu_set_unreadable,
/// invalid_argument/gpu_measurements_invalid, invalid_argument/gpu_too_many_sets.
Result<attest::GpuBundle> collect_gpus(const EvidenceSource& options, const Hash& nonce);

/// Collects off the loop. Loop thread only.
class GpuSource {
 public:
  /// @param jobs outlives the source
  GpuSource(EvidenceSource options, io::JobPool& jobs);

  /// collect_gpus(); `done` follows on the loop. It is called inside this call only where too much
  /// is being collected already (busy).
  void collect(const Hash& nonce, Callback<void(Result<attest::GpuBundle>)> done);

 private:
  std::shared_ptr<const EvidenceSource> options_;
  io::JobPool& jobs_;
};

}  // namespace cocoon::tee
