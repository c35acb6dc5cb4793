#include "attest/evidence.h"

#include <fmt/format.h>

#include "attest/asn1_time.h"
#include "attest/der.h"
#include "attest/openssl_handles.h"
#include "attest/quote.h"
#include "attest/text.h"
#include "crypto/hash.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest {

namespace {

constexpr std::uint64_t kSha256 = 1;
constexpr std::uint64_t kSha384 = 7;
constexpr std::uint64_t kSha512 = 8;

/// A DER SubjectPublicKeyInfo of an Ed25519 key up to the key (RFC 8410 section 4).
constexpr ByteArray<12> kEd25519SpkiPrefix{0x30, 0x2A, 0x30, 0x05, 0x06, 0x03,
                                           0x2B, 0x65, 0x70, 0x03, 0x21, 0x00};

Error refuse(std::string_view code, std::string detail) {
  return Error(ErrorKind::attestation, code, std::move(detail));
}

/// The digest of `data` by one of the three algorithms; empty for any other.
Bytes digest(std::uint64_t algorithm, ByteView data) {
  switch (algorithm) {
    case kSha256: return to_bytes(crypto::sha256(data));
    case kSha384: return to_bytes(crypto::sha384(data));
    case kSha512: return to_bytes(crypto::sha512(data));
    default: return {};
  }
}

/// The value of the only extension with our identifier.
Result<ByteView> find_extension(const X509* x509) {
  std::optional<ByteView> found;
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    X509_EXTENSION* extension = X509_get_ext(x509, i);
    char oid[32];
    const int size = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(extension), 1);
    if (size <= 0 || std::string_view(oid) != kEvidenceOid) continue;
    if (found) {
      return refuse("evidence_malformed", "The certificate has the evidence extension twice.");
    }
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    found =
        ByteView(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
  }
  if (!found) {
    return refuse("evidence_missing",
                  fmt::format("The certificate has no extension {} with evidence.", kEvidenceOid));
  }
  return *found;
}

Bytes spki_der(const X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
  if (size <= 0) return {};
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace

ByteArray<64> report_data_for(ByteView claims) {
  ByteArray<64> out{};
  const Hash hash = crypto::sha256(claims);
  std::copy(hash.begin(), hash.end(), out.begin());
  return out;
}

bool has_evidence(ByteView leaf_der) {
  // kEvidenceOid, encoded by X.690 section 8.19.
  constexpr ByteArray<6> kOid{0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
  // RFC 5280 section 4.1: the extensions have the context-specific tag 3.
  constexpr std::uint8_t kExtensions = 0xA3;
  for (der::Reader fields = der::Reader(leaf_der).sequence().sequence(); !fields.at_end();) {
    const der::Element field = fields.any();
    if (fields.failed() || field.tag != kExtensions) continue;
    for (der::Reader list = der::Reader(field.contents).sequence(); !list.at_end();) {
      if (equal_public(list.sequence().read(der::Tag::object_identifier), kOid)) return true;
    }
  }
  return false;
}

Result<Evidence> parse_certificate_evidence(ByteView leaf_der) {
  const ErrorQueueScope scope;
  if (leaf_der.size() > limits::kMaxLeafCertificateBytes) {
    return Error(ErrorKind::too_large, "evidence_too_large",
                 fmt::format("The certificate has {} bytes, and {} are allowed.", leaf_der.size(),
                             limits::kMaxLeafCertificateBytes));
  }
  X509* raw = X509_new_ex(crypto::openssl_context(), nullptr);
  const unsigned char* at = leaf_der.data();
  if (d2i_X509(&raw, &at, static_cast<long>(leaf_der.size())) == nullptr) {
    return refuse("certificate_invalid", "The peer's certificate is not valid DER.");
  }
  const X509Handle x509(raw);
  if (at != leaf_der.data() + leaf_der.size()) {
    return refuse("certificate_invalid", "Bytes follow the peer's certificate.");
  }
  COCOON_TRY(const ByteView value, find_extension(x509.get()));
  COCOON_TRY(Evidence evidence, parse_evidence_extension(value));
  const auto not_before = to_time(X509_get0_notBefore(x509.get()));
  const auto not_after = to_time(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after) {
    return refuse("certificate_invalid", "The validity of the peer's certificate is not readable.");
  }
  evidence.not_before = *not_before;
  evidence.not_after = *not_after;
  evidence.spki = spki_der(x509.get());
  const ByteView spki = evidence.spki;
  if (spki.size() == kEd25519SpkiPrefix.size() + 32 &&
      equal_public(spki.first(kEd25519SpkiPrefix.size()), kEd25519SpkiPrefix)) {
    evidence.boot_key = BootKeyId{*to_array<32>(spki.last(32))};
  }
  return evidence;
}

Status check_binding(const Evidence& evidence) {
  const Bytes key = digest(evidence.key_hash.algorithm, evidence.spki);
  if (key.empty() || evidence.spki.empty() || !equal_public(key, evidence.key_hash.digest)) {
    return refuse("key_not_bound", "The claims name another key than the certificate's.");
  }
  COCOON_TRY(const Quote quote, parse_quote(evidence.quote));
  const ByteArray<64> expected = report_data_for(evidence.claims_bytes);
  const ByteView actual = quote.report_data();
  // Others may use the second half; our own nodes leave it zero.
  const std::size_t bound = evidence.claims ? expected.size() : std::tuple_size_v<Hash>;
  if (!equal_public(actual.first(bound), ByteView(expected).first(bound))) {
    return refuse("claims_not_bound", "The quote's report_data is not the hash of the claims.");
  }
  return ok();
}

Status check_claims(const Evidence& evidence, const ExpectedClaims& expected, UnixTime now) {
  if (!evidence.claims) {
    return refuse("claims_missing", "The evidence is not of a Cocoon node: it has no such claims.");
  }
  const Claims& claims = *evidence.claims;
  if (claims.role != expected.role) {
    return refuse("wrong_role", fmt::format("The peer is a {}, and a {} was expected.",
                                            to_string(claims.role), to_string(expected.role)));
  }
  if (claims.network != expected.network) {
    return refuse("wrong_network", fmt::format("The peer belongs to network {}, not to {}.",
                                               encode_hex(claims.network.bytes),
                                               encode_hex(expected.network.bytes)));
  }
  if (claims.beacon.time > now + limits::kClockSkew) {
    return refuse(
        "beacon_in_future",
        fmt::format("The evidence's ledger beacon is of {}, which lies ahead; compare the "
                    "machines' clocks.",
                    format_utc(claims.beacon.time)));
  }
  if (now - claims.beacon.time > expected.max_beacon_age) {
    return refuse("beacon_too_old",
                  fmt::format("The evidence's ledger beacon is of {}, more than {} s ago; the peer "
                              "must attest again.",
                              format_utc(claims.beacon.time), expected.max_beacon_age.count()));
  }
  return ok();
}

}  // namespace cocoon::attest
