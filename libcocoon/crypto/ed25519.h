#pragma once
/// @file Ed25519 signatures (RFC 8032), by libsodium.

#include <openssl/types.h>

#include <memory>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/random.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::crypto {

using Signature = ByteArray<64>;

struct EvpKeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept;
};
/// An OpenSSL key; freeing the last reference wipes it.
using EvpKey = std::unique_ptr<EVP_PKEY, EvpKeyDeleter>;

/// An Ed25519 private key with its public key.
class SigningKey {
 public:
  static SigningKey generate(Random& random);
  /// From the 32-byte seed of RFC 8032, 5.1.5 (what keys are stored as).
  static SigningKey from_seed(std::span<const std::uint8_t, 32> seed);
  /// From PKCS #8 PEM ("BEGIN PRIVATE KEY", RFC 8410).
  /// Errors: invalid_argument/bad_private_key.
  static Result<SigningKey> from_pem(std::string_view pem);

  const ByteArray<32>& public_key() const { return public_key_; }
  AccountId account_id() const { return {public_key_}; }
  BootKeyId boot_key_id() const { return {public_key_}; }

  Signature sign(ByteView message) const;

  /// The seed, to be sealed or stored. As secret as the key.
  ByteView seed() const { return ByteView(secret_.view()).first(32); }
  /// PKCS #8 PEM of the key, for a file with mode 0600.
  /// Errors: internal/openssl_failed.
  Result<SecretBytes> to_pem() const;
  /// The same key for OpenSSL (TLS, certificates).
  /// Errors: internal/openssl_failed.
  Result<EvpKey> to_evp() const;

  SigningKey duplicate() const { return from_seed(secret_.view().first<32>()); }

 private:
  SigningKey() = default;

  Secret<64> secret_;  // libsodium's form: seed, then public key
  ByteArray<32> public_key_{};
};

/// Whether `signature` over `message` is by `public_key`. Strict: keys and commitments of small
/// order, non-canonical keys and scalars are refused, so that all verifiers agree.
bool verify(const ByteArray<32>& public_key, ByteView message, const Signature& signature) noexcept;
/// The same for bytes as they came; a wrong length is a bad signature.
bool verify(ByteView public_key, ByteView message, ByteView signature) noexcept;

}  // namespace cocoon::crypto
