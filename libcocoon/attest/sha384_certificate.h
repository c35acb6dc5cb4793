#pragma once
/// @file X.509 certificates and revocation lists of AMD's and NVIDIA's chains, as immutable values:
/// the keys and signatures of sha384_key.h and nothing else. certificate.h has Intel's.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/sha384_key.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// A certificate or revocation list with its signature.
class Sha384Signed {
 public:
  /// Errors: attestation/der_invalid; attestation/signature_algorithm where it is neither
  /// ecdsa-with-SHA384 nor RSASSA-PSS with the parameters of Sha384Scheme.
  static Result<Sha384Signed> parse(ByteView der);

  ByteView der() const { return der_; }
  /// Whether `key` made the signature, in the scheme that the object names.
  bool signed_by(const Sha384Key& key) const {
    return key.scheme() == scheme_ &&
           key.verify(ByteView(der_).subspan(signed_at_, signed_size_), signature_);
  }

 private:
  Sha384Signed() = default;

  Bytes der_;
  std::size_t signed_at_ = 0;
  std::size_t signed_size_ = 0;
  Sha384Scheme scheme_{};
  Bytes signature_;
};

/// One certificate.
struct Sha384Certificate {
  Sha384Signed encoded;
  std::string common_name;  ///< of the subject
  Bytes subject;            ///< DER Name
  Bytes issuer;             ///< DER Name
  Bytes serial;             ///< magnitude, big-endian, without leading zeros
  UnixTime not_before{};
  UnixTime not_after{};
  bool is_ca = false;  ///< may sign certificates: by basicConstraints, and keyUsage where present
  std::optional<std::uint32_t> path_length;  ///< pathLenConstraint
  Sha384Key key;
  /// AMD's and DICE's extensions: identifier in dotted decimal, value.
  std::vector<std::pair<std::string, Bytes>> extensions;

  /// The value of an extension; nothing where there is none.
  std::optional<ByteView> extension(std::string_view oid) const;

  /// Reads exactly one DER certificate. Refuses unknown critical and duplicate extensions.
  /// Errors: attestation/certificate_invalid and those of Sha384Signed and Sha384Key.
  static Result<std::shared_ptr<const Sha384Certificate>> parse(ByteView der);
};
using Sha384CertificatePtr = std::shared_ptr<const Sha384Certificate>;

/// Reads a PEM chain, leaf first. Errors: those of decode_pem_certificates and Sha384Certificate.
Result<std::vector<Sha384CertificatePtr>> parse_sha384_chain(std::string_view pem);

/// What is wrong with the order of a chain, leaf first, root last: empty where every certificate is
/// issued and signed by the next and the last by itself, and all but the first may sign
/// certificates at their depth; else "name", "ca" or "signature". Whose key the root is remains for
/// the caller, as do dates.
std::string_view check_sha384_links(const std::vector<Sha384CertificatePtr>& chain);

/// SHA-256 of the key of the one self-signed certificate in `pem`: a root that is trusted by it.
/// Errors: those of parse_sha384_chain, attestation/pem_invalid, attestation/root_not_self_signed.
Result<Hash> self_signed_sha384_key(std::string_view pem);

/// One certificate revocation list.
struct Sha384RevocationList {
  Sha384Signed encoded;
  Bytes issuer;  ///< DER Name
  UnixTime this_update{};
  UnixTime next_update{};
  std::vector<Bytes> revoked;  ///< serials as in Sha384Certificate, sorted

  bool contains(ByteView serial) const;

  /// Reads exactly one DER list. Refuses lists without nextUpdate and with critical extensions.
  /// Errors: attestation/crl_format and those of Sha384Signed.
  static Result<Sha384RevocationList> parse(ByteView der);
};

}  // namespace cocoon::attest
