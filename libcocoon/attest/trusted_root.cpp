#include "attest/trusted_root.h"

#include "attest/certificate.h"

namespace cocoon::attest {

namespace {

/// The public key of Intel SGX Root CA
/// (https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.cer;
/// attestation.md section 1.3 step 2).
constexpr P256Point kIntelRoot{
    0x0B, 0xA9, 0xC4, 0xC0, 0xC0, 0xC8, 0x61, 0x93, 0xA3, 0xFE, 0x23, 0xD6, 0xB0, 0x2C, 0xDA, 0x10,
    0xA8, 0xBB, 0xD4, 0xE8, 0x8E, 0x48, 0xB4, 0x45, 0x85, 0x61, 0xA3, 0x6E, 0x70, 0x55, 0x25, 0xF5,
    0x67, 0x91, 0x8E, 0x2E, 0xDC, 0x88, 0xE4, 0x0D, 0x86, 0x0B, 0xD0, 0xCC, 0x4E, 0xE2, 0x6A, 0xAC,
    0xC9, 0x88, 0xE5, 0x05, 0xA9, 0x53, 0x55, 0x8C, 0x45, 0x3F, 0x6B, 0x09, 0x04, 0xAE, 0x73, 0x94};

Result<P256PublicKey> self_signed_key(std::string_view pem) {
  COCOON_TRY(const std::vector<Bytes> certificates, decode_pem_certificates(pem));
  if (certificates.size() != 1) {
    return Error(ErrorKind::attestation, "pem_invalid",
                 "A root file holds one PEM certificate and nothing else.");
  }
  COCOON_TRY(const CertificatePtr root, Certificate::parse(certificates[0]));
  if (!root->encoded.signed_by(root->key)) {
    return Error(ErrorKind::attestation, "root_not_self_signed",
                 "The root certificate is not signed with its own key.");
  }
  return root->key;
}

}  // namespace

TrustedRoot TrustedRoot::intel() {
  // A constant that is on the curve: value() cannot fail.
  return TrustedRoot(TrustedRootKind::intel, P256PublicKey::from_point(kIntelRoot).value());
}

Result<TrustedRoot> TrustedRoot::simulated(std::string_view root_pem) {
  COCOON_TRY(P256PublicKey key, self_signed_key(root_pem));
  if (key.point() == kIntelRoot) {
    return Error(
        ErrorKind::attestation, "root_is_intel",
        "The root of a simulated platform is Intel's own; use a policy for real hardware.");
  }
  return TrustedRoot(TrustedRootKind::simulated, std::move(key));
}

Result<TrustedRoot> TrustedRoot::stand_in_for_intel(std::string_view root_pem) {
  COCOON_TRY(P256PublicKey key, self_signed_key(root_pem));
  return TrustedRoot(TrustedRootKind::intel, std::move(key));
}

}  // namespace cocoon::attest
