#pragma once
/// @file Randomness that replays, and keys made of it.

#include <cstdint>

#include "base/random.h"
#include "crypto/ed25519.h"

namespace cocoon::billing::test {

/// SplitMix64: tiny, and every seed gives a good stream.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word_ = next();
      out[i] = static_cast<std::uint8_t>(word_ >> (8 * (i % 8)));
    }
  }

  bool chance(std::uint64_t percent) { return below(100) < percent; }
  Nano up_to(Nano most) { return Nano{below(most.value + 1)}; }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  std::uint64_t state_;
  std::uint64_t word_ = 0;
};

/// A key that is the same in every run.
inline crypto::SigningKey key(std::uint8_t number) {
  ByteArray<32> seed{};
  seed[0] = number;
  return crypto::SigningKey::from_seed(seed);
}

}  // namespace cocoon::billing::test
