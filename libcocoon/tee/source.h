#pragma once
/// @file Where a node's quotes come from.

#include <functional>
#include <memory>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/jobs.h"

namespace cocoon::tee {

/// Makes one quote over `report_data`. It may block; on any thread.
using MakeQuote = std::function<Result<Bytes>(const ByteArray<64>& report_data)>;

/// `quote`, if it can be read and is over `report_data`. What it claims is for its verifiers.
/// Errors: attestation/quote_format, attestation/quote_of_other_data.
Result<Bytes> check_quote(Result<Bytes> quote, const ByteArray<64>& report_data);

/// Makes quotes off the loop, and lets none out that check_quote() does not pass. Loop thread only.
class Source {
 public:
  /// @param simulated whether what comes from here proves nothing
  /// @param jobs outlives the source
  Source(MakeQuote make, Bytes event_log, bool simulated, io::JobPool& jobs);

  /// A quote over `report_data`; `done` follows on the loop. It is called inside this call only
  /// where too many quotes are being made already (busy).
  void quote(const ByteArray<64>& report_data, Callback<void(Result<Bytes>)> done);
  bool simulated() const { return simulated_; }
  /// What this machine's boot measured, as a node claims it (attest/event_log_claim.h); empty where
  /// it is not to be shown.
  const Bytes& event_log() const { return event_log_; }

 private:
  std::shared_ptr<const MakeQuote> make_;
  Bytes event_log_;
  bool simulated_;
  io::JobPool& jobs_;
};

/// The source that `options` names. That a TDX machine can make quotes shows with the first.
/// @param role what the simulated platform measures as its image
/// @param jobs outlives the source
/// Errors: io/simulated_keys_unreadable, those of SimPlatform::load; io/event_log_unreadable, those
/// of attest::claimable_event_log.
Result<std::unique_ptr<Source>> open_source(const EvidenceSource& options,
                                            attest::EvidenceRole role, io::JobPool& jobs);

/// The image hash of a simulated node of that role: what a development registry allows.
ImageHash simulated_image(attest::EvidenceRole role);

}  // namespace cocoon::tee
