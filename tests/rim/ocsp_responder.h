#pragma once
/// @file Certificates and an OCSP responder for tests: what NVIDIA's service would say about a
/// chain like NVIDIA's, truly signed, or wrong in one way.

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "attest/sha384_certificate.h"
#include "base/bytes.h"
#include "base/time.h"
#include "support/freed.h"

namespace cocoon::test {

using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Freed<X509_free>>;

/// A certificate with its key.
struct Identity {
  KeyPtr key;
  CertPtr certificate;
};

/// What a certificate is for.
enum class Role { authority, signer, ocsp_signer };

/// A new P-384 identity under `issuer`, or self-signed where it is null. Valid around `now`.
Identity make_identity(const std::string& name, Role role, const Identity* issuer, UnixTime now);

/// The chain as the product has it.
std::vector<attest::Sha384CertificatePtr> parsed(std::initializer_list<const Identity*> chain);

/// How an answer is made.
struct OcspAnswer {
  const Identity* issuer = nullptr;  ///< of the certificates that are asked about
  const Identity* signer = nullptr;  ///< of the answer
  int status = V_OCSP_CERTSTATUS_GOOD;
  UnixTime this_update{};
  UnixTime next_update{};  ///< zero: none
  bool with_nonce = true;
  bool with_other_nonce = false;
  bool about_another = false;  ///< another serial number
  const EVP_MD* digest = EVP_sha384();
};

/// The answer to a question, DER.
std::string make_answer(const std::string& question, const OcspAnswer& how);

}  // namespace cocoon::test
