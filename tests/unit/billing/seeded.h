#pragma once
/// @file What the tests of this module share: randomness that replays, keys, a network, a time.

#include <cstdint>
#include <string>

#include "base/money.h"
#include "base/time.h"
#include "cocoon/result.h"
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

inline const NetworkId kNetwork{{1, 2, 3}};
inline const UnixTime kNow = unix_seconds(1'000);

inline std::string code(const Status& status) {
  return status ? "ok" : std::string(status.error().code());
}

}  // namespace cocoon::billing::test
