#pragma once
/// @file The operating system's random generator, and libsodium's start.

#include "base/random.h"
#include "cocoon/result.h"

namespace cocoon::crypto {

/// Readies libsodium (processor features, entropy). Call it before anything else of this module,
/// from any thread, as often as you like.
/// Errors: internal/crypto_unavailable, where the system gives no entropy.
Status initialise();

/// Cryptographic randomness from the system. Stateless; any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace cocoon::crypto
