#pragma once
/// @file Verification of SEV-SNP reports, offline: attestation.md section 5. Pure: the clock, the
/// certificates and the trusted roots come in, a value goes out. About 1 ms, so it runs on a job
/// thread; everything here may be shared between threads.

#include <optional>
#include <string_view>
#include <vector>

#include "attest/verdict.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The root keys (ARK) that chains may end in, each for its product only.
class SnpRoots {
 public:
  /// AMD's three.
  static SnpRoots amd();
  /// A stand-in for AMD's root of one product, for tests with keys of their own: the key of a
  /// self-signed PEM certificate. Errors: those of parse_sha384_chain,
  /// attestation/root_not_self_signed, attestation/pem_invalid where there is not one certificate.
  static Result<SnpRoots> stand_in_for_amd(SnpProduct product, std::string_view root_pem);

  /// The product whose root has this key; nothing where none is trusted.
  std::optional<SnpProduct> find(const Hash& key_digest) const;

 private:
  struct Root {
    SnpProduct product;
    Hash key;  ///< Sha384Key::digest()
  };
  explicit SnpRoots(std::vector<Root> roots) : roots_(std::move(roots)) {}

  std::vector<Root> roots_;
};

/// What has to come with a report, as AMD's key distribution service (KDS) gives it. Hostile.
struct SnpCertificates {
  Bytes endorsement_key;                 ///< VCEK or VLEK, DER
  std::string issuers;                   ///< PEM: ASK (VLEK: ASVK), then ARK
  std::optional<Bytes> revocation_list;  ///< of the ARK, DER; AMD's has the revoked ASKs
};

/// Verifies a report. Hostile bytes give a verdict like any other. In this order:
/// 1. form of the report and the certificates;
/// 2. chain: names (SEV-VCEK, SEV-<product>, ARK-<product>; SEV-VLEK, SEV-VLEK-<product>), roles,
///    signatures, the root's key; signature of the report and, where given, the revocation list;
/// 3. revocation of the ASK;
/// 4. dates of all of them;
/// 5. the certificate fits the report: signing key, TCB equal to REPORTED_TCB, HWID equal to
///    CHIP_ID unless that is masked with zeros, product equal to the root's and the processor's;
/// 6. REPORTED_TCB and COMMITTED_TCB at most CURRENT_TCB in every part.
/// What the guest's policy allows, and whether the TCB is good enough, is for policy.h.
Verdict verify_snp_report(ByteView report, const SnpCertificates& certificates,
                          const SnpRoots& roots, UnixTime now);

}  // namespace cocoon::attest
