#pragma once
/// @file Where protocol logic gets its randomness: passed in, so that a simulation replays.

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace cocoon {

/// A source of uniformly random bytes. The product's is crypto/system_random.h; simulations pass
/// a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  template <std::size_t N>
  ByteArray<N> array() {
    ByteArray<N> out;
    fill(out);
    return out;
  }
  std::uint64_t u64() {
    ByteArray<8> b = array<8>();
    std::uint64_t v = 0;
    for (std::uint8_t x : b) v = v << 8 | x;
    return v;
  }
  /// Uniform in [0, bound), bound > 0. Rejection keeps it unbiased.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    std::uint64_t v = u64();
    while (v >= limit) v = u64();
    return v % bound;
  }
};

}  // namespace cocoon
