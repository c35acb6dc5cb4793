#pragma once
/// @file Where a node's quotes come from.

#include <memory>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/jobs.h"

namespace cocoon::tee {

/// Makes quotes off the loop. Loop thread only.
class Source {
 public:
  virtual ~Source() = default;
  /// A quote over `report_data`; `done` follows on the loop, never inside this call.
  virtual void quote(const ByteArray<64>& report_data, Callback<void(Result<Bytes>)> done) = 0;
  /// Whether what comes from here proves anything.
  virtual bool simulated() const = 0;
};

/// The source that `options` names.
/// @param role what the simulated platform measures as its image
/// @param jobs outlives the source
/// Errors: unavailable/tdx_unavailable, which says what is missing; io/simulated_keys_unreadable;
/// those of SimPlatform::load.
Result<std::unique_ptr<Source>> open_source(const EvidenceSource& options,
                                            attest::EvidenceRole role, io::JobPool& jobs);

/// The image hash of a simulated node of that role: what a development registry allows.
ImageHash simulated_image(attest::EvidenceRole role);

}  // namespace cocoon::tee
