#pragma once
/// @file Platforms that pass for hardware: made like simulated ones, but with an FMSPC such as
/// Intel's have, for verifiers that are given a stand-in for Intel's root.

#include "attest/pck.h"
#include "attest/trusted_root.h"
#include "support/sim_defects.h"

namespace cocoon::test {

inline constexpr attest::Fmspc kHardwareFmspc{0xb0, 0xc0, 0x6f, 0, 0, 0};

/// What makes a workshop's platform one of that FMSPC; `more` is applied after that.
SimDefect hardware(const attest::Fmspc& fmspc = kHardwareFmspc,
                   const std::function<void(SimWorkshop&)>& more = {});

/// The root of a platform's chains, in Intel's place.
attest::TrustedRoot stand_in_root(const attest::sim::SimPlatform& platform);

}  // namespace cocoon::test
