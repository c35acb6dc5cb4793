#pragma once
/// @file Whose collateral is meant: what a quote says about the platform that made it.

#include "attest/pck.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::collateral {

/// Which of Intel's two authorities issued a platform's PCK certificate, and so its CRL.
enum class PckCa : std::uint8_t { processor, platform };

/// Platforms that are equal here share their collateral.
struct Platform {
  TeeKind tee = TeeKind::tdx;  ///< sgx or tdx
  attest::Fmspc fmspc{};
  PckCa ca = PckCa::platform;
};

/// The platform of a quote with its PCK chain in it. Nothing is verified: who is lied to asks for
/// collateral that does not fit.
/// Errors: attestation/quote_format; invalid_argument/no_pck_chain; those of the certificate.
Result<Platform> platform_of(ByteView quote);

}  // namespace cocoon::collateral
