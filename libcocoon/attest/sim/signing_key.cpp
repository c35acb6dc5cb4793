#include "attest/sim/signing_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>

#include "attest/openssl_handles.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest::sim {

namespace {

using BioHandle = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, OpensslDeleter<OSSL_PARAM_free>>;
using SignatureHandle = std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>>;

constexpr char kCurve[] = "prime256v1";
constexpr std::size_t kPointBytes = 65;

Error failed() {
  return Error(ErrorKind::internal, "crypto_failed",
               "OpenSSL refused an operation on a key of the simulated platform.");
}

Error bad_keys() {
  return Error(ErrorKind::invalid_argument, "simulated_keys_invalid",
               "The key file of the simulated platform is damaged; remove its directory to make a "
               "new platform.");
}

/// The uncompressed point of private key `scalar`; empty on failure.
Bytes multiply_generator(const EC_GROUP* group, const BIGNUM* scalar) {
  const PointHandle point(EC_POINT_new(group));
  Bytes out(kPointBytes);
  if (!point || EC_POINT_mul(group, point.get(), scalar, nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(),
                         nullptr) != out.size()) {
    out.clear();
  }
  return out;
}

std::shared_ptr<EVP_PKEY> make_key(const BIGNUM* scalar, const Bytes& point) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, kCurve, 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContextHandle context(
      EVP_PKEY_CTX_new_from_name(crypto::openssl_context(), "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return nullptr;
  }
  return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
}

Result<Bytes> sign_parts(EVP_PKEY* key, std::initializer_list<ByteView> parts) {
  const ErrorQueueScope scope;
  const DigestHandle context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", crypto::openssl_context(),
                                        nullptr, key, nullptr) != 1) {
    return failed();
  }
  for (const ByteView part : parts) {
    if (EVP_DigestSignUpdate(context.get(), part.data(), part.size()) != 1) return failed();
  }
  std::size_t size = 0;
  if (EVP_DigestSignFinal(context.get(), nullptr, &size) != 1) return failed();
  Bytes out(size);
  if (EVP_DigestSignFinal(context.get(), out.data(), &size) != 1) return failed();
  out.resize(size);
  return out;
}

}  // namespace

Result<SigningKey> SigningKey::generate(Random& random) {
  const ErrorQueueScope scope;
  const GroupHandle group(
      EC_GROUP_new_by_curve_name_ex(crypto::openssl_context(), nullptr, NID_X9_62_prime256v1));
  if (!group) return failed();
  while (true) {
    // FIPS 186-5 appendix A.2.2: draw until the number is in [1, n-1].
    crypto::Secret<32> candidate;
    random.fill(candidate.writable());
    const BnHandle scalar(BN_bin2bn(candidate.view().data(), 32, nullptr));
    if (!scalar) return failed();
    if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0) {
      continue;
    }
    const Bytes point = multiply_generator(group.get(), scalar.get());
    auto key = point.empty() ? nullptr : make_key(scalar.get(), point);
    if (!key) return failed();
    return wrap(std::move(key));
  }
}

Result<SigningKey> SigningKey::wrap(std::shared_ptr<evp_pkey_st> key) {
  ByteArray<kPointBytes> encoded{};
  std::size_t size = 0;
  char curve[32] = {};
  if (EVP_PKEY_get_utf8_string_param(key.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                     nullptr) != 1 ||
      std::string_view(curve) != kCurve ||
      EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                      encoded.size(), &size) != 1 ||
      size != encoded.size() || encoded[0] != 0x04) {
    return bad_keys();
  }
  P256Point point{};
  std::copy(encoded.begin() + 1, encoded.end(), point.begin());
  return SigningKey(point, std::move(key));
}

Result<Bytes> SigningKey::sign_der(ByteView message) const {
  return sign_parts(key_.get(), {message});
}

Result<P256Signature> SigningKey::sign(std::initializer_list<ByteView> parts) const {
  COCOON_TRY(const Bytes der, sign_parts(key_.get(), parts));
  const unsigned char* at = der.data();
  const SignatureHandle numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  P256Signature out{};
  if (!numbers || BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), out.data(), 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), out.data() + 32, 32) != 32) {
    return failed();
  }
  return out;
}

Result<crypto::SecretBytes> SigningKey::to_pem(const std::vector<const SigningKey*>& keys) {
  const ErrorQueueScope scope;
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (!bio) return failed();
  for (const SigningKey* key : keys) {
    if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key->key_.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
      return failed();
    }
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return failed();
  return crypto::SecretBytes(as_bytes({data, static_cast<std::size_t>(size)}));
}

Result<std::vector<SigningKey>> SigningKey::from_pem(ByteView pem) {
  const ErrorQueueScope scope;
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return failed();
  std::vector<SigningKey> out;
  while (BIO_pending(bio.get()) > 0) {
    EVP_PKEY* key = PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, nullptr, nullptr,
                                               crypto::openssl_context(), nullptr);
    if (key == nullptr) return bad_keys();
    COCOON_TRY(SigningKey wrapped, wrap(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free)));
    out.push_back(std::move(wrapped));
  }
  return out;
}

}  // namespace cocoon::attest::sim
