#pragma once
/// @file AMD's extensions in VCEK and VLEK certificates (AMD "Versioned Chip Endorsement Key (VCEK)
/// Certificate and KDS Interface Specification", 57230, table "X.509 extensions"): which chip or
/// provider the key belongs to, and for which TCB it was derived.

#include <optional>
#include <string>

#include "attest/sha384_certificate.h"
#include "attest/snp_report.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// What the extensions say.
struct SnpKeyInfo {
  SnpProduct product{};
  SnpTcbBytes tcb{};  ///< in the layout of the report
  /// HWID, with zeros after it where it is shorter than CHIP_ID. VCEK certificates have it.
  std::optional<ByteArray<64>> hardware_id;
  /// CSP_ID. VLEK certificates have it.
  std::optional<std::string> provider;
};

/// Reads the extensions of a certificate. Exactly one of hardware id and provider must be there.
/// Errors: attestation/snp_certificate_invalid.
Result<SnpKeyInfo> read_snp_key_info(const Sha384Certificate& certificate);

}  // namespace cocoon::attest
