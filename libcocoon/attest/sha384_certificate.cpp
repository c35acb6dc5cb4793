#include "attest/sha384_certificate.h"

#include <algorithm>

#include "attest/certificate.h"
#include "attest/x509_fields.h"

namespace cocoon::attest {

namespace {

/// AlgorithmIdentifier of ecdsa-with-SHA384, which has no parameters (RFC 5758 section 3.2).
constexpr ByteArray<12> kEcdsaWithSha384{0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                         0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03};

/// AlgorithmIdentifier of RSASSA-PSS with SHA-384, MGF1 with SHA-384, 48 bytes of salt and the
/// trailer field 1 (RFC 4055 section 3.1), encoded as AMD does: with the default trailer written
/// out.
constexpr ByteArray<72> kRsaPssWithSha384{
    0x30, 0x46, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A, 0x30, 0x39,
    0xA0, 0x0F, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
    0x05, 0x00, 0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01,
    0x01, 0x08, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
    0x05, 0x00, 0xA2, 0x03, 0x02, 0x01, 0x30, 0xA3, 0x03, 0x02, 0x01, 0x01};
/// The same without the default trailer, as DER demands (X.690 section 11.5).
constexpr ByteArray<67> kRsaPssWithSha384Der{
    0x30, 0x41, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A, 0x30,
    0x34, 0xA0, 0x0F, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x02, 0x05, 0x00, 0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
    0xF7, 0x0D, 0x01, 0x01, 0x08, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xA2, 0x03, 0x02, 0x01, 0x30};

/// AMD's arc for endorsement keys (VCEK certificate and KDS interface specification, 57230), and
/// the TCG's for DICE evidence.
constexpr std::string_view kWanted[] = {"1.3.6.1.4.1.3704.1", "2.23.133.5.4.1"};

std::optional<Sha384Scheme> scheme_of(ByteView algorithm) {
  if (equal_public(algorithm, kEcdsaWithSha384)) return Sha384Scheme::ecdsa_p384;
  if (equal_public(algorithm, kRsaPssWithSha384) || equal_public(algorithm, kRsaPssWithSha384Der)) {
    return Sha384Scheme::rsa_pss_4096;
  }
  return std::nullopt;
}

}  // namespace

Result<Sha384Signed> Sha384Signed::parse(ByteView der) {
  COCOON_TRY(const SignedParts parts, split_signed(der));
  const auto scheme = scheme_of(parts.algorithm);
  if (!scheme) {
    return Error(ErrorKind::attestation, "signature_algorithm",
                 "A certificate or revocation list is signed neither with ECDSA and SHA-384 nor "
                 "with RSA-PSS, SHA-384 and 48 bytes of salt.");
  }
  Sha384Signed out;
  out.der_ = to_bytes(der);
  out.signed_at_ = static_cast<std::size_t>(parts.content.data() - der.data());
  out.signed_size_ = parts.content.size();
  out.scheme_ = *scheme;
  out.signature_ = to_bytes(parts.signature);
  return out;
}

std::optional<ByteView> Sha384Certificate::extension(std::string_view oid) const {
  for (const auto& [name, value] : extensions) {
    if (name == oid) return value;
  }
  return std::nullopt;
}

Result<Sha384CertificatePtr> Sha384Certificate::parse(ByteView der) {
  COCOON_TRY(CertificateFields fields, read_certificate_fields(der, kWanted));
  COCOON_TRY(Sha384Signed encoded, Sha384Signed::parse(der));
  COCOON_TRY(Sha384Key key, Sha384Key::from_spki(fields.spki));
  std::vector<std::pair<std::string, Bytes>> extensions;
  for (X509Extension& extension : fields.extensions) {
    extensions.emplace_back(std::move(extension.oid), std::move(extension.value));
  }
  return Sha384CertificatePtr(new Sha384Certificate{
      std::move(encoded), std::move(fields.common_name), std::move(fields.subject),
      std::move(fields.issuer), std::move(fields.serial), fields.not_before, fields.not_after,
      fields.is_ca, fields.path_length, std::move(key), std::move(extensions)});
}

Result<std::vector<Sha384CertificatePtr>> parse_sha384_chain(std::string_view pem) {
  COCOON_TRY(const std::vector<Bytes> ders, decode_pem_certificates(pem));
  std::vector<Sha384CertificatePtr> out;
  for (const Bytes& der : ders) {
    COCOON_TRY(Sha384CertificatePtr certificate, Sha384Certificate::parse(der));
    out.push_back(std::move(certificate));
  }
  return out;
}

std::string_view check_sha384_links(const std::vector<Sha384CertificatePtr>& chain) {
  if (chain.empty()) return "name";
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Sha384Certificate& issuer = *chain[std::min(i + 1, chain.size() - 1)];
    if (chain[i]->issuer != issuer.subject) return "name";
    if (chain[i]->is_ca != (i > 0)) return "ca";
    // Between this certificate and the leaf stand i - 1 others.
    if (i > 0 && chain[i]->path_length && *chain[i]->path_length < i - 1) return "ca";
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Sha384Certificate& issuer = *chain[std::min(i + 1, chain.size() - 1)];
    if (!chain[i]->encoded.signed_by(issuer.key)) return "signature";
  }
  return "";
}

Result<Hash> self_signed_sha384_key(std::string_view pem) {
  COCOON_TRY(const auto chain, parse_sha384_chain(pem));
  if (chain.size() != 1) {
    return Error(ErrorKind::attestation, "pem_invalid",
                 "A root file holds one PEM certificate and nothing else.");
  }
  if (!chain[0]->encoded.signed_by(chain[0]->key)) {
    return Error(ErrorKind::attestation, "root_not_self_signed",
                 "The root certificate is not signed with its own key.");
  }
  return chain[0]->key.digest();
}

bool Sha384RevocationList::contains(ByteView serial) const {
  return contains_serial(revoked, serial);
}

Result<Sha384RevocationList> Sha384RevocationList::parse(ByteView der) {
  COCOON_TRY(RevocationFields fields, read_revocation_fields(der));
  COCOON_TRY(Sha384Signed encoded, Sha384Signed::parse(der));
  return Sha384RevocationList{std::move(encoded), std::move(fields.issuer), fields.this_update,
                              fields.next_update, std::move(fields.revoked)};
}

}  // namespace cocoon::attest
