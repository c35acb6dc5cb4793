#pragma once
/// @file X25519 key agreement (RFC 7748), by libsodium.

#include "base/bytes.h"
#include "base/random.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::crypto {

using X25519PublicKey = ByteArray<32>;

/// An X25519 private key with its public key.
class X25519Key {
 public:
  static X25519Key generate(Random& random);
  static X25519Key from_secret(std::span<const std::uint8_t, 32> secret);

  const X25519PublicKey& public_key() const { return public_key_; }
  std::span<const std::uint8_t, 32> secret() const { return secret_.view(); }

  /// The shared secret with the owner of `peer`. Raw curve output: derive keys from it with HKDF.
  /// Errors: protocol/bad_public_key, where the result is zero because `peer` has small order
  /// (RFC 7748, 6.1).
  Result<Secret<32>> agree(const X25519PublicKey& peer) const;

 private:
  X25519Key() = default;

  Secret<32> secret_;
  X25519PublicKey public_key_{};
};

}  // namespace cocoon::crypto
