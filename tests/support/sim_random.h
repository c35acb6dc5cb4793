#pragma once
/// @file The chances and delays of a simulated world.

#include "base/time.h"
#include "support/seeded_random.h"

namespace cocoon::simulation {

class SimRandom final : public test::SplitMix {
 public:
  using SplitMix::SplitMix;

  /// True with the probability of `per_thousand` / 1000.
  bool chance(std::uint64_t per_thousand) { return below(1000) < per_thousand; }
  Millis between(Millis low, Millis high) {
    return low + Millis(static_cast<Millis::rep>(
                     below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }
};

}  // namespace cocoon::simulation
