#include "collateral/held.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/verdict.h"
#include "codec/hex.h"

namespace cocoon::collateral {
namespace {

using attest::Fault;
using attest::Finding;

std::string_view name_of(PckCa ca) {
  return ca == PckCa::processor ? "processor" : "platform";
}

/// Whether the fault is the quote's or the platform's, and says nothing against the collateral.
bool is_of_the_platform(const Finding& finding) {
  switch (finding.fault) {
    case Fault::pck_revoked:
    case Fault::ca_revoked:
    case Fault::tdx_module_mismatch:
    case Fault::tcb_unrecognized_status:
    case Fault::tcb_not_supported: return true;
    // The identity of another kind of quoting enclave is the wrong document.
    case Fault::qe_identity_mismatch: return finding.part != "id" && finding.part != "version";
    default: return false;
  }
}

}  // namespace

HeldPtr hold_unexamined(const attest::CollateralText& text, const attest::TrustedRoot& root) {
  auto held = std::make_shared<Held>();
  held->checked =
      std::make_shared<attest::CheckedCollateral>(attest::Collateral::parse(text), root);
  held->json = std::make_shared<const std::string>(text.to_json());
  return held;
}

std::string name_of(const Platform& platform) {
  return fmt::format("{}-{}-{}", to_string(platform.tee), to_hex(platform.fmspc),
                     name_of(platform.ca));
}

std::string describe(const Platform& platform) {
  return fmt::format("{} {} ({} CA)", to_string(platform.tee), to_hex(platform.fmspc),
                     name_of(platform.ca));
}

bool is_for_want_of_collateral(const Finding& finding) {
  return finding.fault == Fault::tcb_info_missing || finding.fault == Fault::qe_identity_missing ||
         finding.fault == Fault::crl_missing;
}

bool lacks_only_collateral(const attest::Verdict& verdict) {
  return std::all_of(verdict.faults.begin(), verdict.faults.end(), is_for_want_of_collateral);
}

Result<HeldPtr> examine(const attest::CollateralText& text, ByteView quote,
                        const attest::TrustedRoot& root, UnixTime now) {
  auto held = std::make_shared<Held>(*hold_unexamined(text, root));
  attest::CertificateCache cache(8);
  const attest::Verdict verdict = attest::verify_quote(quote, *held->checked, now, cache);
  if (!std::all_of(verdict.faults.begin(), verdict.faults.end(), is_of_the_platform)) {
    return Error(ErrorKind::upstream, "collateral_unfit",
                 "no quote of the platform can be judged with this collateral: " + verdict.text());
  }
  held->issued = verdict.collateral_issued;
  held->expires = verdict.expires;
  return HeldPtr(std::move(held));
}

}  // namespace cocoon::collateral
