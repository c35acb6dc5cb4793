#pragma once
/// @file Self-signed X.509 certificates with an Ed25519 key. Trust is never decided here: whoever
/// holds the key may sign anything into them; the layers above judge the evidence they carry.

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::tls {

/// One X.509 v3 extension (RFC 5280, 4.2).
struct Extension {
  std::string oid;        ///< dotted numbers, for example "2.23.133.5.4.9"
  bool critical = false;  ///< others must refuse a certificate whose critical extension they ignore
  Bytes value;            ///< the content of extnValue: DER, or whatever the extension's owner says
};

/// What a certificate says about its holder.
struct CertificateFields {
  /// Subject and issuer CN, UTF-8, 1 to 64 bytes (the bound of X.520).
  std::string common_name;
  /// Whole seconds; anything finer is cut off. limits::kCertificateLifetime is the usual distance.
  UnixTime not_before{};
  UnixTime not_after{};
  std::vector<Extension> extensions;
};

/// A certificate (DER) for `key`, signed by itself. The serial number is a hash of key and
/// not_before, so that no two certificates of an issuer share one.
/// Errors: invalid_argument/bad_certificate_fields, too_large/certificate_too_large over
/// limits::kMaxCertificateChainBytes, internal/openssl_failed.
Result<Bytes> make_certificate(const crypto::SigningKey& key, const CertificateFields& fields);

/// A certificate as it came from outside.
struct Certificate {
  /// SubjectPublicKeyInfo, DER: what RA-TLS evidence hashes.
  Bytes spki;
  /// The raw key, where it is Ed25519.
  std::optional<ByteArray<32>> ed25519_key;
  UnixTime not_before{};
  UnixTime not_after{};
  std::vector<Extension> extensions;
};

/// Takes a DER certificate apart, whatever its key type. Checks no signature.
/// Errors: protocol/bad_certificate, too_large/certificate_too_large.
Result<Certificate> parse_certificate(ByteView der);

/// SHA-256 of the DER: how certificates are named in records, challenges and logs.
Hash certificate_fingerprint(ByteView der);

}  // namespace cocoon::tls
