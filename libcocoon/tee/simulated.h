#pragma once
/// @file The simulated platform as an evidence source.

#include <memory>
#include <string>

#include "attest/sim/platform.h"
#include "attest/verdict.h"
#include "tee/source.h"

namespace cocoon::tee {

/// Loads the platform from the directory that cocoon-devnet made.
/// Errors: io/simulated_keys_unreadable, those of SimPlatform::load.
Result<std::unique_ptr<Source>> open_simulated(const std::string& directory,
                                               attest::EvidenceRole role, io::JobPool& jobs);

}  // namespace cocoon::tee
