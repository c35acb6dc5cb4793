#pragma once
/// @file What a policy trusts, read from where it says.

#include "attest/collateral.h"
#include "attest/trusted_root.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::verify {

struct Trust {
  attest::TrustedRoot root;
  attest::CollateralPtr collateral;
};

/// For the simulated root: `root.pem` and `collateral.json` of the policy's directory. For Intel's:
/// the pinned root; its collateral comes with the issue "Attestation", and until then every Intel
/// quote is refused for want of it (fail closed).
/// Errors: io/simulated_root_unreadable; those of TrustedRoot::simulated,
/// CollateralText::from_json.
Result<Trust> load_trust(const AttestationPolicy& policy);

}  // namespace cocoon::verify
