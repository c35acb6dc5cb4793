#pragma once
/// @file Whether a node's GPUs are what its claims and a policy want: the evidence of all of them,
/// tied to the node. Pure, about 3 ms per GPU; any thread.

#include <vector>

#include "attest/evidence.h"
#include "attest/gpu_verify.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// Whether GPU evidence has to be judged before a worker may be relied on: its claims have some, or
/// the policy demands some.
bool concerns_gpus(const Evidence& node, const AttestationPolicy& policy);

/// What was found out about a node's GPUs.
struct GpuFindings {
  std::vector<GpuVerdict> gpus;
  UnixTime expires = UnixTime::max();  ///< with the first certificate of any
};

/// Judges what a node showed behind its certificate. Success without GPUs where neither claims nor
/// policy speak of any and nothing was shown. Else all of this holds: the policy admits measurement
/// sets, the claims have the digest of what was shown, every GPU signed the nonce of the
/// certificate's key (gpu_nonce), and GpuPolicy with the admitted sets accepts all of them.
/// @param node its binding has been checked (check_binding)
/// Errors, all of kind attestation: gpu_missing (demanded or claimed, and not shown),
/// gpu_not_claimed, gpu_not_admitted (no sets are admitted), gpu_digest_mismatch, those of
/// parse_gpu_bundle and the codes of evaluate(GpuPolicy).
Result<GpuFindings> judge_gpus(const Evidence& node, ByteView shown,
                               const AttestationPolicy& policy, const GpuRoot& root, UnixTime now);

}  // namespace cocoon::attest
