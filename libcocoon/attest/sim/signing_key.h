#pragma once
/// @file Private P-256 keys of the simulated platform.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attest/p256.h"
#include "base/random.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::attest::sim {

/// A key pair. The private half lives in OpenSSL's key object, which wipes it. Any thread.
class SigningKey {
 public:
  /// Draws a key. Errors: internal/crypto_failed.
  static Result<SigningKey> generate(Random& random);

  const P256Point& point() const { return point_; }

  /// ECDSA with SHA-256 over the concatenation of `parts`, as quotes and documents carry it.
  /// Errors: internal/crypto_failed.
  Result<P256Signature> sign(std::initializer_list<ByteView> parts) const;
  /// The same in DER, as X.509 carries it.
  Result<Bytes> sign_der(ByteView message) const;

  /// All of `keys` as PEM (PKCS #8), one after another.
  static Result<crypto::SecretBytes> to_pem(const std::vector<const SigningKey*>& keys);
  /// Reads what to_pem() wrote. Errors: invalid_argument/simulated_keys_invalid.
  static Result<std::vector<SigningKey>> from_pem(ByteView pem);

 private:
  SigningKey(const P256Point& point, std::shared_ptr<evp_pkey_st> key)
      : point_(point), key_(std::move(key)) {}
  static Result<SigningKey> wrap(std::shared_ptr<evp_pkey_st> key);

  P256Point point_{};
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace cocoon::attest::sim
