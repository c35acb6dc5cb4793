#pragma once
/// @file Certificates with evidence, cut into parts that fit a frame and put together again.

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// The Evidence messages for `certificate`, in order; views point into it. An empty certificate
/// gives the one message that says "unknown here".
std::vector<Evidence> split_evidence(const EvidenceDigest& digest, ByteView certificate);

/// Puts the parts of one certificate together. Holds at most limits::kMaxLeafCertificateBytes.
class EvidenceAssembly {
 public:
  explicit EvidenceAssembly(const EvidenceDigest& digest) : digest_(digest) {}

  /// Takes the next part. The whole certificate once it is complete, empty where the peer does not
  /// have it; nothing while parts are missing. The caller compares its SHA-256 with the digest.
  /// Errors: protocol/bad_evidence_part (another digest, out of order, or sizes that disagree).
  Result<std::optional<Bytes>> add(const Evidence& part);

 private:
  EvidenceDigest digest_;
  Bytes certificate_;
  std::optional<std::uint32_t> total_;
};

}  // namespace cocoon::wire
