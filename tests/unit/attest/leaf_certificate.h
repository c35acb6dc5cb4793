#pragma once
/// @file Self-signed Ed25519 leaf certificates with evidence, as TLS makes them, for tests below
/// tls/.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/bytes.h"

namespace cocoon::attest::test {

class LeafKey {
 public:
  LeafKey() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {}

  EVP_PKEY* get() const { return key_.get(); }
  ByteArray<32> public_key() const {
    ByteArray<32> out{};
    std::size_t size = out.size();
    EVP_PKEY_get_raw_public_key(key_.get(), out.data(), &size);
    return out;
  }
  Bytes spki() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &der);
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
  }

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

/// A certificate with the evidence extension once for each of `values`.
inline Bytes leaf_certificate(const LeafKey& key, const std::vector<Bytes>& values) {
  const std::unique_ptr<X509, void (*)(X509*)> x509(X509_new(), X509_free);
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key.get());
  const std::unique_ptr<ASN1_OBJECT, void (*)(ASN1_OBJECT*)> oid(
      OBJ_txt2obj(std::string(kEvidenceOid).c_str(), 1), ASN1_OBJECT_free);
  for (const Bytes& value : values) {
    const std::unique_ptr<ASN1_OCTET_STRING, void (*)(ASN1_OCTET_STRING*)> data(
        ASN1_OCTET_STRING_new(), ASN1_OCTET_STRING_free);
    ASN1_OCTET_STRING_set(data.get(), value.data(), static_cast<int>(value.size()));
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, data.get()), X509_EXTENSION_free);
    X509_add_ext(x509.get(), extension.get(), -1);
  }
  X509_sign(x509.get(), key.get(), nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

/// The DER of one PEM certificate of any kind.
inline Bytes pem_to_der(const std::string& pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509, void (*)(X509*)> x509(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace cocoon::attest::test
