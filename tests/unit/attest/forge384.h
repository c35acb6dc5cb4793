#pragma once
/// @file P-384 keys and certificates of the tests' own, for evidence of AMD's and NVIDIA's shape
/// under roots that only tests trust.

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attest/certificate.h"
#include "base/bytes.h"
#include "base/time.h"
#include "codec/hex.h"

namespace cocoon::attest::test {

template <class T, class F>
std::unique_ptr<T, F> owned(T* p, F free) {
  return {p, free};
}

/// A P-384 key pair.
class ForgedKey {
 public:
  ForgedKey() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"), EVP_PKEY_free) {}

  /// The same key each time: its private number is 48 bytes of `byte`, which is not 0 or 255.
  static ForgedKey fixed(std::uint8_t byte) {
    // ECPrivateKey (RFC 5915) without the public key, which OpenSSL computes.
    Bytes der{0x30, 0x3E, 0x02, 0x01, 0x01, 0x04, 0x30};
    der.insert(der.end(), 48, byte);
    append(der, Bytes{0xA0, 0x07, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22});
    const unsigned char* at = der.data();
    return ForgedKey(d2i_PrivateKey(EVP_PKEY_EC, nullptr, &at, static_cast<long>(der.size())));
  }

  EVP_PKEY* get() const { return key_.get(); }

  /// r ‖ s, big-endian, over the SHA-384 of `message`.
  ByteArray<96> sign(ByteView message) const {
    const auto context = owned(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, key_.get());
    std::size_t size = 128;
    Bytes der(size);
    EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size());
    const unsigned char* at = der.data();
    const auto signature =
        owned(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)), ECDSA_SIG_free);
    ByteArray<96> out{};
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), 48);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + 48, 48);
    return out;
  }

 private:
  explicit ForgedKey(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

  std::shared_ptr<EVP_PKEY> key_;
};

/// What a forged certificate says.
struct ForgedCertificate {
  std::string subject;
  std::string issuer;
  UnixTime from{};
  UnixTime to{};
  bool is_ca = false;
  int path_length = -1;
  long serial = 1;
  std::vector<std::pair<std::string, Bytes>> extensions;
  /// EVP_sha384() unless a test wants another.
  const EVP_MD* digest = EVP_sha384();
};

inline void set_name(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

inline void add_constraints(X509* x509, const ForgedCertificate& c) {
  const auto constraints = owned(BASIC_CONSTRAINTS_new(), BASIC_CONSTRAINTS_free);
  constraints->ca = 1;
  if (c.path_length >= 0) {
    constraints->pathlen = ASN1_INTEGER_new();
    ASN1_INTEGER_set(constraints->pathlen, c.path_length);
  }
  X509_add1_ext_i2d(x509, NID_basic_constraints, constraints.get(), 1, X509V3_ADD_DEFAULT);
}

/// The DER of the certificate, signed with `signer`.
inline Bytes forge(const ForgedCertificate& c, const ForgedKey& key, const ForgedKey& signer) {
  const auto x509 = owned(X509_new(), X509_free);
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), c.serial);
  set_name(X509_get_subject_name(x509.get()), c.subject);
  set_name(X509_get_issuer_name(x509.get()), c.issuer);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), static_cast<time_t>(to_unix_seconds(c.from)));
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), static_cast<time_t>(to_unix_seconds(c.to)));
  X509_set_pubkey(x509.get(), key.get());
  if (c.is_ca) add_constraints(x509.get(), c);
  for (const auto& [name, value] : c.extensions) {
    const auto oid = owned(OBJ_txt2obj(name.c_str(), 1), ASN1_OBJECT_free);
    const auto data = owned(ASN1_OCTET_STRING_new(), ASN1_OCTET_STRING_free);
    ASN1_OCTET_STRING_set(data.get(), value.data(), static_cast<int>(value.size()));
    const auto extension =
        owned(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, data.get()), X509_EXTENSION_free);
    X509_add_ext(x509.get(), extension.get(), -1);
  }
  X509_sign(x509.get(), signer.get(), c.digest);
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

/// The DER of a revocation list of `issuer` with these serials.
inline Bytes forge_list(const std::string& issuer, UnixTime from, UnixTime to,
                        const std::vector<long>& serials, const ForgedKey& signer) {
  const auto crl = owned(X509_CRL_new(), X509_CRL_free);
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  const auto name = owned(X509_NAME_new(), X509_NAME_free);
  set_name(name.get(), issuer);
  X509_CRL_set_issuer_name(crl.get(), name.get());
  const auto time = owned(ASN1_TIME_new(), ASN1_TIME_free);
  ASN1_TIME_set(time.get(), static_cast<time_t>(to_unix_seconds(from)));
  X509_CRL_set1_lastUpdate(crl.get(), time.get());
  for (const long serial : serials) {
    const auto entry = owned(X509_REVOKED_new(), X509_REVOKED_free);
    const auto number = owned(ASN1_INTEGER_new(), ASN1_INTEGER_free);
    ASN1_INTEGER_set(number.get(), serial);
    X509_REVOKED_set_serialNumber(entry.get(), number.get());
    X509_REVOKED_set_revocationDate(entry.get(), time.get());
    X509_CRL_add0_revoked(crl.get(), X509_REVOKED_dup(entry.get()));
  }
  ASN1_TIME_set(time.get(), static_cast<time_t>(to_unix_seconds(to)));
  X509_CRL_set1_nextUpdate(crl.get(), time.get());
  X509_CRL_sort(crl.get());
  X509_CRL_sign(crl.get(), signer.get(), EVP_sha384());
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

/// The DER of a non-negative INTEGER of one byte.
inline Bytes der_byte(std::uint8_t value) {
  return value < 0x80 ? Bytes{0x02, 0x01, value} : Bytes{0x02, 0x02, 0x00, value};
}

/// The DER of an IA5String.
inline Bytes der_text(const std::string& text) {
  Bytes out{0x16, static_cast<std::uint8_t>(text.size())};
  append(out, as_bytes(text));
  return out;
}

}  // namespace cocoon::attest::test
