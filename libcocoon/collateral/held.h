#pragma once
/// @file Collateral that a node relies on: what it must be before it is held. Pure.

#include <memory>
#include <string>

#include "attest/collateral.h"
#include "attest/trusted_root.h"
#include "attest/verify.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "collateral/platform.h"

namespace cocoon::collateral {

/// Collateral with which quotes are verified. Immutable, shared between threads.
struct Held {
  attest::CheckedCollateralPtr checked;
  /// CollateralText's JSON, for whoever wants to verify again.
  std::shared_ptr<const std::string> json;
  UnixTime issued{};   ///< the earlier issue date of the two documents
  UnixTime expires{};  ///< the earliest end of anything in it

  const Hash& digest() const { return checked->collateral().digest; }
};
using HeldPtr = std::shared_ptr<const Held>;

/// Parses `text` for use under `root`; checks nothing, and sets no dates.
HeldPtr hold_unexamined(const attest::CollateralText& text, const attest::TrustedRoot& root);

/// Names a platform in files and tables: "tdx-b0c06f000000-platform". Different platforms have
/// different names.
std::string name_of(const Platform& platform);
/// Names a platform for people: "tdx b0c06f000000 (platform CA)".
std::string describe(const Platform& platform);

/// Whether the fault is that there was no collateral.
bool is_for_want_of_collateral(const attest::Finding& finding);

/// Whether nothing is wrong with a quote but that the collateral was missing: it is signed by a
/// quoting enclave of a platform whose certificate leads to the root. Only then is it worth asking
/// a service for that platform's collateral; else strangers would make us ask for anything.
/// @param verdict of the quote, verified without any collateral
bool lacks_only_collateral(const attest::Verdict& verdict);

/// Collateral as it was found, if a genuine quote of the platform can be judged with it now: every
/// part is there, signed as it should be, in its time and of that platform. What it says of the
/// platform (out of date, revoked) does not matter. So a damaged file, another platform's or a
/// forged list never takes the place of good collateral.
/// @param quote one for which lacks_only_collateral() holds
/// Errors: upstream/collateral_unfit with the verdict.
Result<HeldPtr> examine(const attest::CollateralText& text, ByteView quote,
                        const attest::TrustedRoot& root, UnixTime now);

}  // namespace cocoon::collateral
