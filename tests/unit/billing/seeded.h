#pragma once
/// @file Randomness that replays, and keys made of it.

#include <cstdint>

#include "base/money.h"
#include "crypto/ed25519.h"
#include "support/seeded_random.h"

namespace cocoon::billing::test {

class SeededRandom final : public cocoon::test::SplitMix {
 public:
  using SplitMix::SplitMix;

  bool chance(std::uint64_t percent) { return below(100) < percent; }
  Nano up_to(Nano most) { return Nano{below(most.value + 1)}; }
};

/// A key that is the same in every run.
inline crypto::SigningKey key(std::uint8_t number) {
  ByteArray<32> seed{};
  seed[0] = number;
  return crypto::SigningKey::from_seed(seed);
}

}  // namespace cocoon::billing::test
