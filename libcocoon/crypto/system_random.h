#pragma once
/// @file The operating system's random generator, and the start of both libraries.

#include "base/random.h"
#include "cocoon/result.h"

namespace cocoon::crypto {

/// Readies libsodium (processor features, entropy) and OpenSSL (see openssl_context()). Call it
/// before anything else of this module, and before libcurl's start, which would load an
/// openssl.cnf; from any thread, as often as you like.
/// Errors: internal/crypto_unavailable.
Status initialise();

/// Cryptographic randomness from the system. Stateless; any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace cocoon::crypto
