#pragma once
/// @file What a policy with the simulated root trusts.

#include <string>

#include "attest/gpu_verify.h"
#include "cocoon/result.h"
#include "collateral/held.h"

namespace cocoon::verify {

/// The file in a simulated platform's folder with the root of its simulated GPUs.
inline constexpr std::string_view kGpuRootFile = "gpu_root.pem";

/// What stands in for Intel and, where it has GPUs, too, for NVIDIA.
struct SimulatedTrust {
  collateral::HeldPtr held;
  attest::GpuRoot gpu_root;  ///< NVIDIA's where the folder has no root for GPUs
};

/// Root and collateral, from `root.pem` and `collateral.json` of `folder`, and `gpu_root.pem` where
/// that exists. Collateral is not examined: what is wrong with it is found with every quote.
/// Errors: io/simulated_root_unreadable; those of TrustedRoot::simulated, CollateralText::from_json
/// and GpuRoot::stand_in_for_nvidia.
Result<SimulatedTrust> load_simulated(const std::string& folder);

}  // namespace cocoon::verify
