#include "attest/sha384_key.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "attest/der.h"
#include "attest/openssl_handles.h"
#include "crypto/hash.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest {

namespace {

/// A SubjectPublicKeyInfo of a P-384 key up to its point: id-ecPublicKey, the *named* curve
/// secp384r1, an uncompressed point (RFC 5480 section 2).
constexpr ByteArray<24> kP384SpkiPrefix{0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86,
                                        0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B,
                                        0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
constexpr std::size_t kP384PointBytes = 96;

/// A SubjectPublicKeyInfo of an RSA key of 4096 bits up to its modulus: rsaEncryption with NULL
/// parameters (RFC 8017 appendix A.1) and a modulus of 512 bytes with its top bit set.
constexpr ByteArray<33> kRsaSpkiPrefix{0x30, 0x82, 0x02, 0x22, 0x30, 0x0D, 0x06, 0x09, 0x2A,
                                       0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05,
                                       0x00, 0x03, 0x82, 0x02, 0x0F, 0x00, 0x30, 0x82, 0x02,
                                       0x0A, 0x02, 0x82, 0x02, 0x01, 0x00};
constexpr std::size_t kRsaModulusBytes = 512;
/// INTEGER 65537, the end of the key.
constexpr ByteArray<5> kRsaExponent{0x02, 0x03, 0x01, 0x00, 0x01};

using KeyPtr = std::shared_ptr<EVP_PKEY>;

Error unsupported() {
  return Error(ErrorKind::attestation, "key_unsupported",
               "A key is neither a named-curve P-384 key nor an RSA key of 4096 bits with the "
               "exponent 65537.");
}

Result<KeyPtr> import(const char* type, const OSSL_PARAM* params) {
  const KeyContextHandle context(
      EVP_PKEY_CTX_new_from_name(crypto::openssl_context(), type, nullptr));
  EVP_PKEY* key = nullptr;
  // Importing a point checks that it is on the curve; the group has no other subgroup.
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(params)) != 1) {
    return Error(ErrorKind::attestation, "key_not_on_curve",
                 "A public key is no point of the curve P-384.");
  }
  return KeyPtr(key, EVP_PKEY_free);
}

Result<KeyPtr> import_p384(ByteView point) {
  char curve[] = "secp384r1";
  Bytes encoded = to_bytes(point);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  return import("EC", params);
}

Result<KeyPtr> import_rsa(ByteView modulus) {
  // Numbers in an OSSL_PARAM have the machine's byte order.
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  Bytes n(modulus.rbegin(), modulus.rend());
  Bytes e{0x01, 0x00, 0x01};
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n.data(), n.size()),
                               OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e.data(), e.size()),
                               OSSL_PARAM_construct_end()};
  return import("RSA", params);
}

/// Starts the verification of one signature.
bool begin(EVP_MD_CTX* context, Sha384Scheme scheme, EVP_PKEY* key) {
  EVP_PKEY_CTX* parameters = nullptr;
  if (EVP_DigestVerifyInit_ex(context, &parameters, "SHA384", crypto::openssl_context(), nullptr,
                              key, nullptr) != 1) {
    return false;
  }
  if (scheme == Sha384Scheme::ecdsa_p384) return true;
  return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md_name(parameters, "SHA384", nullptr) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool verify_parts(Sha384Scheme scheme, EVP_PKEY* key, std::initializer_list<ByteView> parts,
                  ByteView signature) {
  const ErrorQueueScope scope;
  const DigestHandle context(EVP_MD_CTX_new());
  if (!context || !begin(context.get(), scheme, key)) return false;
  for (const ByteView part : parts) {
    if (EVP_DigestVerifyUpdate(context.get(), part.data(), part.size()) != 1) return false;
  }
  return EVP_DigestVerifyFinal(context.get(), signature.data(), signature.size()) == 1;
}

}  // namespace

Result<Sha384Key> Sha384Key::from_spki(ByteView spki) {
  const ErrorQueueScope scope;
  const auto begins_with = [&](ByteView prefix) {
    return spki.size() >= prefix.size() && equal_public(spki.first(prefix.size()), prefix);
  };
  if (begins_with(kP384SpkiPrefix) && spki.size() == kP384SpkiPrefix.size() + kP384PointBytes) {
    COCOON_TRY(KeyPtr key, import_p384(spki.subspan(kP384SpkiPrefix.size() - 1)));
    return Sha384Key(Sha384Scheme::ecdsa_p384, crypto::sha256(spki), std::move(key));
  }
  constexpr std::size_t kRsaBytes = kRsaSpkiPrefix.size() + kRsaModulusBytes + kRsaExponent.size();
  if (begins_with(kRsaSpkiPrefix) && spki.size() == kRsaBytes &&
      (spki[kRsaSpkiPrefix.size()] & 0x80) != 0 &&
      equal_public(spki.last(kRsaExponent.size()), kRsaExponent)) {
    COCOON_TRY(KeyPtr key, import_rsa(spki.subspan(kRsaSpkiPrefix.size(), kRsaModulusBytes)));
    return Sha384Key(Sha384Scheme::rsa_pss_4096, crypto::sha256(spki), std::move(key));
  }
  return unsupported();
}

bool Sha384Key::verify(ByteView message, ByteView signature) const {
  return verify_parts(scheme_, key_.get(), {message}, signature);
}

bool Sha384Key::verify_raw(std::initializer_list<ByteView> parts,
                           const P384Signature& signature) const {
  if (scheme_ != Sha384Scheme::ecdsa_p384) return false;
  return verify_parts(scheme_, key_.get(), parts, der::encode_ecdsa(signature));
}

}  // namespace cocoon::attest
