#pragma once
/// @file What nodes show, certificates and the evidence of GPUs behind them, cut into parts that
/// fit a frame and put together again.

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// The Evidence messages for `shown`, in order; views point into it. Nothing shown gives the one
/// message that says "unknown here".
std::vector<Evidence> split_evidence(const EvidenceDigest& digest, ByteView shown);

/// Puts the parts of one node's evidence together. Holds what came, and at most
/// limits::kMaxShownEvidenceBytes.
class EvidenceAssembly {
 public:
  explicit EvidenceAssembly(const EvidenceDigest& digest) : digest_(digest) {}

  /// Takes the next part. The whole once it is complete, empty where the peer does not have it;
  /// nothing while parts are missing. That the certificate in it has the digest, the caller checks.
  /// Errors: protocol/bad_evidence_part (another digest, out of order, or sizes that disagree).
  Result<std::optional<Bytes>> add(const Evidence& part);

 private:
  EvidenceDigest digest_;
  Bytes shown_;
  std::optional<std::uint32_t> total_;
};

}  // namespace cocoon::wire
