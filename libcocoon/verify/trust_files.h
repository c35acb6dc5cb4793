#pragma once
/// @file What a policy with the simulated root trusts.

#include <string>

#include "cocoon/result.h"
#include "collateral/held.h"

namespace cocoon::verify {

/// Root and collateral, from `root.pem` and `collateral.json` of `folder`. Not examined: what is
/// wrong with them is found with every quote.
/// Errors: io/simulated_root_unreadable; those of TrustedRoot::simulated,
/// CollateralText::from_json.
Result<collateral::HeldPtr> load_simulated(const std::string& folder);

}  // namespace cocoon::verify
