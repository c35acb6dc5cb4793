#include "attest/chain.h"

namespace cocoon::attest {

namespace {

/// The root's key is the pinned one; the rest of its certificate has to fit, too.
std::string_view check_root(const Certificate& certificate, const TrustedRoot& root) {
  if (!(certificate.key == root.key())) return "root";
  if (certificate.common_name != kRootName || certificate.issuer != certificate.subject) {
    return "name";
  }
  return certificate.is_ca ? "" : "ca";
}

}  // namespace

std::string_view check_pck_chain(const std::vector<CertificatePtr>& chain, const TrustedRoot& root,
                                 CertificateCache& cache) {
  if (chain.size() != 3) return "count";
  const Certificate& leaf = *chain[0];
  const Certificate& ca = *chain[1];
  if (const std::string_view fault = check_root(*chain[2], root); !fault.empty()) return fault;
  const bool ca_named = ca.common_name == kPlatformCaName || ca.common_name == kProcessorCaName;
  if (leaf.common_name != kPckName || !ca_named || leaf.issuer != ca.subject ||
      ca.issuer != chain[2]->subject) {
    return "name";
  }
  if (leaf.is_ca || !ca.is_ca) return "ca";
  for (const auto& [signed_one, signer] : {std::pair(&leaf, &ca.key), std::pair(&ca, &root.key()),
                                           std::pair(chain[2].get(), &root.key())}) {
    if (!cache.signed_by(signed_one->encoded, *signer)) return "signature";
  }
  return "";
}

std::string_view check_tcb_signer_chain(const std::vector<CertificatePtr>& chain,
                                        const TrustedRoot& root) {
  if (chain.size() != 2) return "count";
  const Certificate& signer = *chain[0];
  if (const std::string_view fault = check_root(*chain[1], root); !fault.empty()) return fault;
  if (signer.common_name != kTcbSignerName || signer.issuer != chain[1]->subject) return "name";
  if (signer.is_ca) return "ca";
  if (!signer.encoded.signed_by(root.key()) || !chain[1]->encoded.signed_by(root.key())) {
    return "signature";
  }
  return "";
}

}  // namespace cocoon::attest
