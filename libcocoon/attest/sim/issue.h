#pragma once
/// @file What Intel's certificate authority does, for the simulated platform: certificates with the
/// same names and extensions, and revocation lists, under keys of our own.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/pck.h"
#include "attest/sim/signing_key.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest::sim {

/// A certificate to be issued.
struct CertificateSpec {
  std::string_view common_name;
  std::string_view issuer_name;  ///< common name of the issuer
  P256Point key{};
  ByteArray<16> serial{};  ///< read as a positive number
  UnixTime not_before{};
  UnixTime not_after{};
  bool is_ca = false;
  Bytes sgx_extension;  ///< value of Intel's extension; empty for none
};

/// Issues a certificate; DER. Errors: internal/crypto_failed.
Result<Bytes> issue_certificate(const CertificateSpec& spec, const SigningKey& issuer);

/// A revocation list to be issued.
struct CrlSpec {
  std::string_view issuer_name;  ///< common name
  UnixTime this_update{};
  UnixTime next_update{};
  std::vector<Bytes> revoked;  ///< serials as in Certificate
};

/// Issues a revocation list; DER. Errors: internal/crypto_failed.
Result<Bytes> issue_crl(const CrlSpec& spec, const SigningKey& issuer);

/// The value of Intel's extension.
Bytes encode_pck_extension(const PckExtension& extension);

}  // namespace cocoon::attest::sim
