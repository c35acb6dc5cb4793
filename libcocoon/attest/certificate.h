#pragma once
/// @file X.509 certificates and revocation lists of Intel's chains, as immutable values: P-256
/// keys, ECDSA with SHA-256 and nothing else.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attest/p256.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// A DER object of the form SEQUENCE { signed part, algorithm, signature }: certificates and
/// revocation lists alike.
class SignedDer {
 public:
  /// Errors: attestation/der_invalid; attestation/signature_algorithm where it is not
  /// ecdsa-with-SHA256.
  static Result<SignedDer> parse(ByteView der);

  ByteView der() const { return der_; }
  /// SHA-256 of der().
  const Hash& digest() const { return digest_; }
  bool signed_by(const P256PublicKey& key) const {
    return key.verify_der(ByteView(der_).subspan(signed_at_, signed_size_), signature_);
  }

 private:
  SignedDer() = default;

  Bytes der_;
  Hash digest_{};
  std::size_t signed_at_ = 0;
  std::size_t signed_size_ = 0;
  Bytes signature_;
};

/// One certificate.
struct Certificate {
  SignedDer encoded;
  std::string common_name;  ///< of the subject
  Bytes subject;            ///< DER Name
  Bytes issuer;             ///< DER Name
  Bytes serial;             ///< magnitude, big-endian, without leading zeros
  UnixTime not_before{};
  UnixTime not_after{};
  bool is_ca =
      false;  ///< may sign certificates: by basicConstraints, and by keyUsage where there is one
  P256PublicKey key;
  Bytes sgx_extension;  ///< value of Intel's extension (pck.h); empty where there is none

  /// Reads exactly one DER certificate. Refuses unknown critical and duplicate extensions.
  /// Errors: attestation/certificate_invalid and those of SignedDer and P256PublicKey.
  static Result<std::shared_ptr<const Certificate>> parse(ByteView der);
};
using CertificatePtr = std::shared_ptr<const Certificate>;

/// One certificate revocation list.
struct RevocationList {
  SignedDer encoded;
  Bytes issuer;  ///< DER Name
  UnixTime this_update{};
  UnixTime next_update{};
  std::vector<Bytes> revoked;  ///< serials as in Certificate, sorted

  bool contains(ByteView serial) const;

  /// Reads exactly one DER list. Refuses lists without nextUpdate and with critical extensions
  /// (partial, indirect and delta lists have one).
  /// Errors: attestation/crl_format and those of SignedDer.
  static Result<std::shared_ptr<const RevocationList>> parse(ByteView der);
};
using RevocationListPtr = std::shared_ptr<const RevocationList>;

/// Splits a PEM text into the DER of its certificates. Between and after them only white space and
/// zero bytes may stand (Intel's libraries end the text with a zero).
/// Errors: attestation/pem_invalid.
Result<std::vector<Bytes>> decode_pem_certificates(std::string_view text);

/// The PEM text of one DER certificate.
std::string encode_pem_certificate(ByteView der);

}  // namespace cocoon::attest
