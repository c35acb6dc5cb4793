#pragma once
/// @file Whether a verdict is good enough: step 13 of attestation.md section 1.3.

#include <string>
#include <string_view>
#include <vector>

#include "attest/verdict.h"
#include "base/time.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// One rule that the evidence breaks.
struct Refusal {
  std::string_view code;  ///< snake_case, a literal
  std::string detail;     ///< a sentence
};

/// All rules that were broken, in a fixed order; none means that the peer is admitted.
struct PolicyDecision {
  std::vector<Refusal> refusals;
  /// When the first of the policy's own dates passes (the end of a grace, the collateral's age
  /// limit) without which the peer would have been refused. The verdict's expiry is apart.
  UnixTime expires = UnixTime::max();

  bool accepted() const { return refusals.empty(); }
  /// Success, or the first refusal as an error of kind attestation.
  Status status() const;
};

/// What no node admits, and what somebody who looks at other people's evidence may want to see
/// past. Only cocoon-attest sets any of these.
struct Allowances {
  bool debug = false;       ///< SGX DEBUG, TD attribute bit 0: the host reads the environment
  bool sept_ve = false;     ///< SEPT_VE_DISABLE is clear: the host can inject exceptions
  bool migratable = false;  ///< TD attribute bit 29: a migration guest can read the guest
};

/// Judges a verdict. Also refuses a verdict that has outlived what it rests on, so a cached one is
/// judged again with the present time.
/// Codes: untrusted, root_kind, verdict_expired, collateral_too_old, tcb_status,
/// tcb_evaluation_number, tee_kind, debug, td_attributes, sept_ve_enabled, migratable, service_td,
/// xfam, tdx_module, platform, image, and those of snp_rules.h.
PolicyDecision evaluate(const Verdict& verdict, const AttestationPolicy& policy, UnixTime now,
                        const Allowances& allowances = {});

}  // namespace cocoon::attest
