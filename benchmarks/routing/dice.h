#pragma once
/// @file Draws from one seed: the same seed, the same history.

#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/random.h"

namespace cocoon::sim {

/// SplitMix64 (Steele, Lea, Flood 2014), and the distributions that the simulation needs. Written
/// out here because the standard library's distributions differ between implementations.
class Dice final : public Random {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// In (0, 1).
  double unit() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * unit(); }
  std::uint32_t index(std::size_t bound) { return static_cast<std::uint32_t>(next() % bound); }
  bool chance(double p) { return unit() < p; }
  double exponential(double mean) { return -mean * std::log(unit()); }
  double log_normal(double median, double sigma) {
    const double normal =
        std::sqrt(-2 * std::log(unit())) * std::cos(2 * std::numbers::pi * unit());
    return median * std::exp(sigma * normal);
  }

 private:
  std::uint64_t state_;
};

}  // namespace cocoon::sim
