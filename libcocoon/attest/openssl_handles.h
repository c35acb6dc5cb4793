#pragma once
/// @file Owners of OpenSSL objects, for this module's .cpp files only.

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace cocoon::attest {

template <auto Free>
struct OpensslDeleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};

inline void free_extensions(STACK_OF(X509_EXTENSION) * list) {
  sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

using BitStringHandle = std::unique_ptr<ASN1_BIT_STRING, OpensslDeleter<ASN1_BIT_STRING_free>>;
using BnHandle = std::unique_ptr<BIGNUM, OpensslDeleter<BN_clear_free>>;
using ConstraintsHandle =
    std::unique_ptr<BASIC_CONSTRAINTS, OpensslDeleter<BASIC_CONSTRAINTS_free>>;
using CrlHandle = std::unique_ptr<X509_CRL, OpensslDeleter<X509_CRL_free>>;
using DigestHandle = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), OpensslDeleter<free_extensions>>;
using GroupHandle = std::unique_ptr<EC_GROUP, OpensslDeleter<EC_GROUP_free>>;
using IntegerHandle = std::unique_ptr<ASN1_INTEGER, OpensslDeleter<ASN1_INTEGER_free>>;
using KeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, OpensslDeleter<EVP_PKEY_CTX_free>>;
using NameHandle = std::unique_ptr<X509_NAME, OpensslDeleter<X509_NAME_free>>;
using PointHandle = std::unique_ptr<EC_POINT, OpensslDeleter<EC_POINT_free>>;
using TimeHandle = std::unique_ptr<ASN1_TIME, OpensslDeleter<ASN1_TIME_free>>;
using X509Handle = std::unique_ptr<X509, OpensslDeleter<X509_free>>;

/// Drops what OpenSSL adds to the thread's error queue in this scope: refused input is our error,
/// and a later SSL_get_error() on the thread must not see it.
class ErrorQueueScope {
 public:
  ErrorQueueScope() { ERR_set_mark(); }
  ~ErrorQueueScope() { ERR_pop_to_mark(); }
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;
};

}  // namespace cocoon::attest
