#pragma once
/// @file A source of randomness that replays: the same seed, the same history.

#include <cstdint>

#include "base/random.h"

namespace cocoon::test {

/// SplitMix64 (Steele, Lea, Flood 2014): quick, and every seed is a good one.
class SplitMix : public Random {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  std::uint64_t state_;
};

}  // namespace cocoon::test
