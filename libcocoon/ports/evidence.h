#pragma once
/// @file Verified evidence, as the cores see it: a verdict with a policy's consent.

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::ports {

/// What the evidence of a proxy or worker was found to say, under the policy for its role.
struct VerifiedEvidence {
  EvidenceDigest digest;  ///< SHA-256 of the leaf certificate
  wire::Role role{};
  AccountId account;
  NetworkId network;
  BootKeyId boot_key;  ///< the key of the certificate
  UnixTime expires{};  ///< earliest end of anything the verdict rests on
  bool simulated = false;
  std::string tcb_status;
  Bytes certificate;  ///< leaf, DER: carries quote and claims
  /// What was shown behind the certificate (attest::GpuBundle), verified; empty where there is
  /// none.
  Bytes gpu_evidence;
  /// Workers: GPU evidence is claimed or demanded, and has not been shown yet. Nothing may be given
  /// to a worker, nor its evidence be passed on, while it is owed.
  bool gpu_owed = false;
  std::string json;  ///< the verdict as the members of a JSON object, without its braces
  /// What the quote was verified with, for those who want to verify it again: CollateralText's
  /// JSON, and what evidence has in common that shares it.
  std::shared_ptr<const std::string> collateral;
  Hash collateral_digest{};
};

/// Accepted evidence, or why it was refused (kind attestation), or could not be judged (busy).
using EvidenceVerdict = Result<std::shared_ptr<const VerifiedEvidence>>;

}  // namespace cocoon::ports
