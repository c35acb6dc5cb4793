#include "attest/certificate.h"

#include "attest/pck.h"
#include "attest/x509_fields.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

/// AlgorithmIdentifier of ecdsa-with-SHA256, which has no parameters (RFC 5758 section 3.2).
constexpr ByteArray<12> kEcdsaWithSha256{0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                         0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};

}  // namespace

Result<SignedDer> SignedDer::parse(ByteView der) {
  COCOON_TRY(const SignedParts parts, split_signed(der));
  if (!equal_public(parts.algorithm, kEcdsaWithSha256)) {
    return Error(ErrorKind::attestation, "signature_algorithm",
                 "A certificate or revocation list is not signed with ECDSA and SHA-256.");
  }
  SignedDer out;
  out.der_ = to_bytes(der);
  out.digest_ = crypto::sha256(der);
  out.signed_at_ = static_cast<std::size_t>(parts.content.data() - der.data());
  out.signed_size_ = parts.content.size();
  out.signature_ = to_bytes(parts.signature);
  return out;
}

Result<CertificatePtr> Certificate::parse(ByteView der) {
  constexpr std::string_view kWanted[] = {kSgxExtensionOid};
  COCOON_TRY(CertificateFields fields, read_certificate_fields(der, kWanted));
  COCOON_TRY(SignedDer encoded, SignedDer::parse(der));
  const auto point = p256_point_from_spki(fields.spki);
  if (!point) {
    return Error(ErrorKind::attestation, "certificate_invalid",
                 "A certificate is refused: its key is not a named-curve P-256 key.");
  }
  COCOON_TRY(P256PublicKey key, P256PublicKey::from_point(*point));
  Bytes sgx_extension;
  for (X509Extension& extension : fields.extensions) {
    if (extension.oid == kSgxExtensionOid) sgx_extension = std::move(extension.value);
  }
  return CertificatePtr(
      new Certificate{std::move(encoded), std::move(fields.common_name), std::move(fields.subject),
                      std::move(fields.issuer), std::move(fields.serial), fields.not_before,
                      fields.not_after, fields.is_ca, std::move(key), std::move(sgx_extension)});
}

bool RevocationList::contains(ByteView serial) const {
  return contains_serial(revoked, serial);
}

Result<RevocationListPtr> RevocationList::parse(ByteView der) {
  COCOON_TRY(RevocationFields fields, read_revocation_fields(der));
  COCOON_TRY(SignedDer encoded, SignedDer::parse(der));
  return RevocationListPtr(new RevocationList{std::move(encoded), std::move(fields.issuer),
                                              fields.this_update, fields.next_update,
                                              std::move(fields.revoked)});
}

}  // namespace cocoon::attest
