#pragma once
/// @file ECDSA on P-256 with SHA-256: the only signature scheme in Intel's chains and quotes.

#include <initializer_list>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "cocoon/result.h"

// OpenSSL's EVP_PKEY, kept out of this header.
struct evp_pkey_st;

namespace cocoon::attest {

/// Coordinates x ‖ y, each 32 bytes big-endian (SEC 1 section 2.3.3, without the 04 in front).
using P256Point = ByteArray<64>;
/// A signature r ‖ s, each 32 bytes big-endian.
using P256Signature = ByteArray<64>;

/// A public key that is known to lie on the curve. Immutable, cheap to copy, any thread.
class P256PublicKey {
 public:
  /// Errors: attestation/key_not_on_curve.
  static Result<P256PublicKey> from_point(const P256Point& point);

  const P256Point& point() const { return point_; }

  /// Whether `signature` is this key's over the concatenation of `parts`. r and s outside
  /// [1, n-1] are refused.
  bool verify(std::initializer_list<ByteView> parts, const P256Signature& signature) const;
  /// The same for a DER signature, as X.509 has it.
  bool verify_der(ByteView message, ByteView signature) const;

  friend bool operator==(const P256PublicKey& a, const P256PublicKey& b) {
    return a.point_ == b.point_;
  }

 private:
  P256PublicKey(const P256Point& point, std::shared_ptr<evp_pkey_st> key)
      : point_(point), key_(std::move(key)) {}

  P256Point point_;
  std::shared_ptr<evp_pkey_st> key_;
};

/// The SubjectPublicKeyInfo of a P-256 key up to its point: id-ecPublicKey, the *named* curve
/// prime256v1, and an uncompressed point (RFC 5480 section 2). Explicit curve parameters, which
/// could name another generator, do not begin like this.
inline constexpr ByteArray<27> kP256SpkiPrefix{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
    0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/// The point of a DER SubjectPublicKeyInfo; nothing where it is no P-256 key in that form.
std::optional<P256Point> p256_point_from_spki(ByteView spki);
/// The DER SubjectPublicKeyInfo of a point.
Bytes p256_spki(const P256Point& point);

}  // namespace cocoon::attest
