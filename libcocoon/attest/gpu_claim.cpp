#include "attest/gpu_claim.h"

#include <algorithm>

#include "attest/gpu_bundle.h"
#include "attest/policy.h"

namespace cocoon::attest {

namespace {

Error refuse(std::string_view code, std::string detail) {
  return Error(ErrorKind::attestation, code, std::move(detail));
}

/// What can be said before any of the evidence is read; ok where it has to be read.
Status check_presence(const Evidence& node, ByteView shown, const AttestationPolicy& policy) {
  if (!node.claims || !node.claims->gpu_evidence) {
    if (policy.gpu_measurement_sets) {
      return refuse("gpu_missing",
                    "The worker claims no evidence of its GPUs, and the registry or the policy "
                    "demands it: set gpu = \"nvidia\" under [evidence] of the worker.");
    }
    return refuse("gpu_not_claimed",
                  "Evidence of GPUs comes with a certificate whose claims have none.");
  }
  if (!policy.gpu_measurement_sets) {
    return refuse("gpu_not_admitted",
                  "The worker claims evidence of its GPUs, and no measurement set is admitted to "
                  "judge it by: register its sets (cocoon-ledger allow gpu), or take \"gpu\" out "
                  "of [evidence] of the worker.");
  }
  if (shown.empty()) {
    return refuse("gpu_missing",
                  "The worker claims evidence of its GPUs, and it was not shown with the "
                  "certificate.");
  }
  return ok();
}

GpuPolicy policy_of(const std::vector<GpuSetHash>& sets) {
  GpuPolicy out;
  out.measurement_sets.assign(sets.begin(), sets.end());
  return out;
}

}  // namespace

bool concerns_gpus(const Evidence& node, const AttestationPolicy& policy) {
  return policy.gpu_measurement_sets || (node.claims && node.claims->gpu_evidence);
}

Result<GpuFindings> judge_gpus(const Evidence& node, ByteView shown,
                               const AttestationPolicy& policy, const GpuRoot& root, UnixTime now) {
  if (!concerns_gpus(node, policy) && shown.empty()) return GpuFindings{};
  COCOON_CHECK(check_presence(node, shown, policy));
  COCOON_TRY(GpuBundle bundle, parse_gpu_bundle(shown));
  if (gpu_evidence_digest(bundle.gpus) != *node.claims->gpu_evidence) {
    return refuse("gpu_digest_mismatch",
                  "The evidence of GPUs that was shown is not the one that the worker's claims "
                  "have the digest of.");
  }
  const GpuPolicy rules = policy_of(*policy.gpu_measurement_sets);
  // Where several sets fit a GPU, one that is admitted is to be found first.
  std::stable_partition(bundle.sets.begin(), bundle.sets.end(), [&](const GpuMeasurementSet& set) {
    return std::find(rules.measurement_sets.begin(), rules.measurement_sets.end(), set.hash()) !=
           rules.measurement_sets.end();
  });
  GpuFindings out;
  const Hash nonce = gpu_nonce(node.spki);
  for (const GpuEvidence& gpu : bundle.gpus) {
    out.gpus.push_back(verify_gpu_evidence(gpu, nonce, bundle.sets, root, now));
    out.expires = std::min(out.expires, out.gpus.back().expires);
  }
  COCOON_CHECK(evaluate(out.gpus, rules, now).status());
  return out;
}

}  // namespace cocoon::attest
