#pragma once
/// @file The two signature schemes of AMD's and NVIDIA's chains, both with SHA-384: ECDSA on P-384,
/// and RSA-PSS with 4096 bits.

#include <initializer_list>
#include <memory>

#include "base/bytes.h"
#include "cocoon/result.h"

// OpenSSL's EVP_PKEY, kept out of this header.
struct evp_pkey_st;

namespace cocoon::attest {

/// A signature r ‖ s, each 48 bytes big-endian.
using P384Signature = ByteArray<96>;

/// How a key signs.
enum class Sha384Scheme : std::uint8_t {
  ecdsa_p384,   ///< FIPS 186-4
  rsa_pss_4096  ///< RFC 8017 section 8.1: MGF1 with SHA-384, 48 bytes of salt
};

/// A public key. Immutable, cheap to copy, any thread.
class Sha384Key {
 public:
  /// Reads a DER SubjectPublicKeyInfo: a point of the named curve P-384, uncompressed, or an RSA
  /// key of 4096 bits with the exponent 65537, in their one usual encoding.
  /// Errors: attestation/key_unsupported, attestation/key_not_on_curve.
  static Result<Sha384Key> from_spki(ByteView spki);

  Sha384Scheme scheme() const { return scheme_; }
  /// SHA-256 of the SubjectPublicKeyInfo: what a pinned root is known by.
  const Hash& digest() const { return digest_; }

  /// Whether `signature` is this key's over `message`, encoded as X.509 has it: DER for ECDSA.
  bool verify(ByteView message, ByteView signature) const;
  /// The same for r ‖ s over the concatenation of `parts`; false for an RSA key. r and s outside
  /// [1, n-1] are refused.
  bool verify_raw(std::initializer_list<ByteView> parts, const P384Signature& signature) const;

  friend bool operator==(const Sha384Key& a, const Sha384Key& b) { return a.digest_ == b.digest_; }

 private:
  Sha384Key(Sha384Scheme scheme, const Hash& digest, std::shared_ptr<evp_pkey_st> key)
      : scheme_(scheme), digest_(digest), key_(std::move(key)) {}

  Sha384Scheme scheme_;
  Hash digest_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace cocoon::attest
