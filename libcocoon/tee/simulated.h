#pragma once
/// @file The simulated platform as an evidence source.

#include <string>

#include "attest/sim/platform.h"
#include "attest/verdict.h"
#include "tee/source.h"

namespace cocoon::tee {

/// Loads the platform from the directory that cocoon-devnet made.
/// Errors: io/simulated_keys_unreadable, those of SimPlatform::load.
Result<MakeQuote> open_simulated(const std::string& directory, attest::EvidenceRole role);

/// What the platform's guests of that role have in their report, all but its data.
attest::sim::SimTdReport simulated_guest(attest::EvidenceRole role);

/// The boot log of a simulated guest of that role.
Bytes simulated_event_log(attest::EvidenceRole role);

}  // namespace cocoon::tee
