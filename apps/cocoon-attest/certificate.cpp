#include "attest/evidence.h"
#include "attest/text.h"
#include "base/limits.h"
#include "certificate_files.h"
#include "codec/hex.h"
#include "commands.h"
#include "evidence_report.h"
#include "judge.h"

namespace cocoon::app {

namespace {

/// Faults that say no more than that there is no collateral.
bool is_absence(const attest::Finding& finding) {
  using attest::Fault;
  return finding.fault == Fault::tcb_info_missing || finding.fault == Fault::qe_identity_missing ||
         finding.fault == Fault::crl_missing;
}

/// Without collateral: signatures up to the root, their dates and the mode can be judged, and
/// nothing else.
std::vector<std::string> reasons_without_collateral(const attest::Verdict& verdict,
                                                    const Judge& judge) {
  std::vector<std::string> out;
  for (const attest::Finding& finding : verdict.faults) {
    if (!is_absence(finding)) out.push_back(explain(finding));
  }
  if (verdict.debug && !(judge.policy && judge.policy->allowances.debug)) {
    out.emplace_back("debug: The environment is in debug mode: its host can read it.");
  }
  return out;
}

}  // namespace

Result<Exit> certificate(const CertificateCommand& command) {
  COCOON_TRY(const Judge judge, Judge::open(command.judge));
  COCOON_TRY(const Bytes leaf, read_certificate(command.file, limits::kMaxLeafCertificateBytes));
  attest::CollateralText collateral;
  if (!command.collateral.empty()) {
    COCOON_TRY(collateral, read_collateral(command.collateral));
  }
  auto evidence = attest::parse_certificate_evidence(leaf);
  if (!evidence) return Error(evidence.error()).within(command.file);
  const attest::Verdict verdict = attest::verify_quote(
      evidence->quote, attest::Collateral::parse(collateral), judge.root, judge.now);
  const attest::PolicyDecision decision = judge.decide(verdict);
  const Status binding = attest::check_binding(*evidence);
  const bool current = evidence->not_before <= judge.now && judge.now <= evidence->not_after;

  Report out;
  out.flag("bound", static_cast<bool>(binding));
  if (!binding) out.text("binding_error", binding.error().detail());
  out.text("not_before", attest::format_utc(evidence->not_before));
  out.text("not_after", attest::format_utc(evidence->not_after)).flag("current", current);
  out.section("claims", claims_report(*evidence));
  bool good = binding && current;
  if (command.collateral.empty()) {
    const auto reasons = reasons_without_collateral(verdict, judge);
    good = good && reasons.empty();
    out.text("collateral", "not given: TCB status and revocation were not checked");
    out.list("reasons", reasons);
    out.section("measurements", evidence_measurements(*evidence));
  } else {
    good = good && decision.accepted();
    out.section("quote", verdict_report(verdict, decision));
  }
  out.flag("accepted", good);
  out.print(command.json);
  if (exit_of(verdict, decision) == Exit::malformed) return Exit::malformed;
  return good ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
