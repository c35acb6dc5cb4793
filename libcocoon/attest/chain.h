#pragma once
/// @file The two shapes of certificate chain in Intel's scheme, checked against a trusted root.

#include <string_view>
#include <vector>

#include "attest/certificate_cache.h"
#include "attest/trusted_root.h"

namespace cocoon::attest {

/// Subjects' common names (PCK certificate profile, section 1.3; attestation.md section 1.3).
inline constexpr std::string_view kRootName = "Intel SGX Root CA";
inline constexpr std::string_view kPlatformCaName = "Intel SGX PCK Platform CA";
inline constexpr std::string_view kProcessorCaName = "Intel SGX PCK Processor CA";
inline constexpr std::string_view kPckName = "Intel SGX PCK Certificate";
inline constexpr std::string_view kTcbSignerName = "Intel SGX TCB Signing";

/// What is wrong with a PCK chain (PCK certificate, its CA, root), dates and revocation apart:
/// empty where nothing is, else "count", "root", "name", "ca" or "signature".
std::string_view check_pck_chain(const std::vector<CertificatePtr>& chain, const TrustedRoot& root,
                                 CertificateCache& cache);

/// The same for a TCB signer's chain (signer, root). The name is what stops a PCK key from signing
/// TCB info.
std::string_view check_tcb_signer_chain(const std::vector<CertificatePtr>& chain,
                                        const TrustedRoot& root);

}  // namespace cocoon::attest
