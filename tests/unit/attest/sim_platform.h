#pragma once
/// @file One simulated platform for all tests (making its keys costs milliseconds), and the time at
/// which it was made.

#include "attest/sim/platform.h"
#include "attest/text.h"
#include "unit/attest/seeded_random.h"

namespace cocoon::attest::test {

inline const UnixTime kNow = parse_utc("2026-03-01T12:00:00Z").value();

inline const sim::SimPlatform& platform() {
  static const sim::SimPlatform kPlatform = [] {
    SeededRandom random(1);
    return sim::SimPlatform::create(random, kNow).value();
  }();
  return kPlatform;
}

}  // namespace cocoon::attest::test
