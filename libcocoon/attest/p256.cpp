#include "attest/p256.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>

#include "attest/der.h"
#include "attest/openssl_handles.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest {

namespace {

bool verify_parts(EVP_PKEY* key, std::initializer_list<ByteView> parts, ByteView signature) {
  const ErrorQueueScope scope;
  const DigestHandle context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256",
                                          crypto::openssl_context(), nullptr, key, nullptr) != 1) {
    return false;
  }
  for (const ByteView part : parts) {
    if (EVP_DigestVerifyUpdate(context.get(), part.data(), part.size()) != 1) return false;
  }
  return EVP_DigestVerifyFinal(context.get(), signature.data(), signature.size()) == 1;
}

}  // namespace

Result<P256PublicKey> P256PublicKey::from_point(const P256Point& point) {
  const ErrorQueueScope scope;
  ByteArray<65> encoded{};
  encoded[0] = 0x04;
  std::copy(point.begin(), point.end(), encoded.begin() + 1);
  char curve[] = "prime256v1";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  const KeyContextHandle context(
      EVP_PKEY_CTX_new_from_name(crypto::openssl_context(), "EC", nullptr));
  EVP_PKEY* key = nullptr;
  // Importing a point checks that it is on the curve; the group has no other subgroup.
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(params)) != 1) {
    return Error(ErrorKind::attestation, "key_not_on_curve",
                 "A public key is no point of the curve P-256.");
  }
  return P256PublicKey(point, std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

bool P256PublicKey::verify(std::initializer_list<ByteView> parts,
                           const P256Signature& signature) const {
  return verify_parts(key_.get(), parts, der::encode_ecdsa(signature));
}

bool P256PublicKey::verify_der(ByteView message, ByteView signature) const {
  return verify_parts(key_.get(), {message}, signature);
}

std::optional<P256Point> p256_point_from_spki(ByteView spki) {
  if (spki.size() != kP256SpkiPrefix.size() + std::tuple_size_v<P256Point> ||
      !equal_public(spki.first(kP256SpkiPrefix.size()), kP256SpkiPrefix)) {
    return std::nullopt;
  }
  return to_array<64>(spki.subspan(kP256SpkiPrefix.size()));
}

Bytes p256_spki(const P256Point& point) {
  Bytes out(kP256SpkiPrefix.size() + point.size());
  const auto key = std::copy(kP256SpkiPrefix.begin(), kP256SpkiPrefix.end(), out.begin());
  std::copy(point.begin(), point.end(), key);
  return out;
}

}  // namespace cocoon::attest
