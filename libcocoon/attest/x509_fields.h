#pragma once
/// @file What the certificates of all vendors have in common, read with OpenSSL. For this module's
/// .cpp files only: it brings OpenSSL's headers along.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/openssl_handles.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// A DER object of the form SEQUENCE { content, algorithm, signature }: certificates and
/// revocation lists alike. Views into the bytes that were read.
struct SignedParts {
  ByteView content;    ///< with its identifier and length: what the signature covers
  ByteView algorithm;  ///< the whole AlgorithmIdentifier
  ByteView signature;
};

/// Errors: attestation/der_invalid.
Result<SignedParts> split_signed(ByteView der);

/// An extension that OpenSSL does not know.
struct X509Extension {
  std::string oid;  ///< dotted decimal
  Bytes value;
};

/// The fields of one certificate, none of them checked against anything else.
struct CertificateFields {
  std::string common_name;  ///< of the subject, which has exactly one
  Bytes subject;            ///< DER Name
  Bytes issuer;             ///< DER Name
  Bytes serial;             ///< magnitude, big-endian, without leading zeros
  UnixTime not_before{};
  UnixTime not_after{};
  bool is_ca = false;  ///< by basicConstraints, and by keyUsage where there is one
  /// pathLenConstraint: certificates that may stand between this one and the leaf.
  std::optional<std::uint32_t> path_length;
  Bytes spki;                             ///< DER SubjectPublicKeyInfo
  std::vector<X509Extension> extensions;  ///< those that were asked for
};

/// Reads exactly one DER certificate of version 3. Refuses duplicate extensions, malformed ones,
/// and critical ones that neither OpenSSL knows nor the caller asks for.
/// @param wanted identifiers of extensions to return, each also standing for all below it
/// Errors: attestation/certificate_invalid.
Result<CertificateFields> read_certificate_fields(ByteView der,
                                                  std::span<const std::string_view> wanted);

/// The contents of one revocation list.
struct RevocationFields {
  Bytes issuer;  ///< DER Name
  UnixTime this_update{};
  UnixTime next_update{};
  std::vector<Bytes> revoked;  ///< serials as in CertificateFields, sorted
};

/// Reads exactly one DER list. Refuses lists without nextUpdate and with critical extensions
/// (partial, indirect and delta lists have one). Errors: attestation/crl_format.
Result<RevocationFields> read_revocation_fields(ByteView der);

/// Whether the sorted list `revoked` has `serial`.
bool contains_serial(const std::vector<Bytes>& revoked, ByteView serial);

}  // namespace cocoon::attest
