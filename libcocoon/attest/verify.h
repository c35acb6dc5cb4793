#pragma once
/// @file Verification of quotes: attestation.md section 1.3, steps 1 to 12. Pure: the clock, the
/// collateral and the trusted root come in, a value goes out. Takes hundreds of microseconds, so
/// it runs on a job thread; everything here may be shared between threads.

#include <memory>
#include <string>
#include <vector>

#include "attest/certificate_cache.h"
#include "attest/collateral.h"
#include "attest/trusted_root.h"
#include "attest/verdict.h"
#include "base/bytes.h"
#include "base/time.h"

namespace cocoon::attest {

/// Collateral whose signatures and signers have been checked against one root. All that no clock
/// and no quote can change is done once, so that a new quote under known issuers costs two
/// signature checks. Immutable.
class CheckedCollateral {
 public:
  CheckedCollateral(CollateralPtr collateral, TrustedRoot root);

  const Collateral& collateral() const { return *collateral_; }
  const TrustedRoot& root() const { return root_; }
  /// Faults of the documents, their signers and the root's revocation list; not of dates.
  const std::vector<Finding>& faults() const { return faults_; }

 private:
  CollateralPtr collateral_;
  TrustedRoot root_;
  std::vector<Finding> faults_;
};
using CheckedCollateralPtr = std::shared_ptr<const CheckedCollateral>;

/// Verifies a quote. Hostile bytes give a verdict like any other.
/// @param cache what earlier calls learned about certificates; shared by all threads
Verdict verify_quote(ByteView quote, const CheckedCollateral& collateral, UnixTime now,
                     CertificateCache& cache);

/// The same for a single quote, with nothing kept.
Verdict verify_quote(ByteView quote, CollateralPtr collateral, const TrustedRoot& root,
                     UnixTime now);

}  // namespace cocoon::attest
