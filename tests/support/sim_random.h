#pragma once
/// @file A seeded source of randomness: the same seed, the same history.

#include "base/random.h"

namespace cocoon::simulation {

/// SplitMix64 (Steele, Lea, Flood 2014): quick, and every seed is a good one.
class SimRandom final : public Random {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }
  /// True with the probability of `per_thousand` / 1000.
  bool chance(std::uint64_t per_thousand) { return below(1000) < per_thousand; }
  Millis between(Millis low, Millis high) {
    return low + Millis(static_cast<Millis::rep>(
                     below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace cocoon::simulation
