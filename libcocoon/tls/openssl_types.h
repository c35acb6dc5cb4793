#pragma once
/// @file Owners of the OpenSSL objects of this module.

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace cocoon::tls {

struct OpensslDeleter {
  void operator()(X509* p) const noexcept { X509_free(p); }
  void operator()(X509_EXTENSION* p) const noexcept { X509_EXTENSION_free(p); }
  void operator()(ASN1_OBJECT* p) const noexcept { ASN1_OBJECT_free(p); }
  void operator()(ASN1_OCTET_STRING* p) const noexcept { ASN1_OCTET_STRING_free(p); }
  void operator()(BIO* p) const noexcept { BIO_free(p); }
  void operator()(BIO_METHOD* p) const noexcept { BIO_meth_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, OpensslDeleter>;

}  // namespace cocoon::tls
