#include <fmt/format.h>

#include <map>

#include "attest/event_log_claim.h"
#include "attest/evidence.h"
#include "attest/gpu_bundle.h"
#include "attest/gpu_claim.h"
#include "attest/text.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "commands.h"
#include "common/read_file.h"
#include "evidence_report.h"
#include "judge.h"

namespace cocoon::app {

namespace {

/// A proxy's directory may hold thousands of workers, each with a certificate of up to 68 KiB.
constexpr std::size_t kMaxBundleBytes = 256 * 1024 * 1024;

Error malformed(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bundle_malformed", std::move(detail));
}

/// One node of a bundle, judged.
struct Judged {
  Report report;
  Exit exit{};
};

class Bundle {
 public:
  Bundle(const json::Value& root, const Judge& judge) : root_(root), judge_(judge) {}

  /// Judges the node that `entry` describes.
  Result<Judged> judge(const json::Value& entry) {
    COCOON_TRY(const attest::CheckedCollateralPtr collateral, collateral_of(entry));
    COCOON_TRY(const Bytes leaf, bytes(entry, "certificate"));
    COCOON_TRY(const attest::Evidence evidence, attest::parse_certificate_evidence(leaf));
    const attest::Verdict verdict =
        attest::verify_quote(evidence.quote, *collateral, judge_.now, cache_);
    const attest::PolicyDecision decision = judge_.decide(verdict);
    const Status binding = attest::check_binding(evidence);
    const bool log_matches = event_log_matches(evidence, verdict);
    COCOON_TRY(const Bytes shown, shown_gpus(entry));
    Judged out;
    out.report.section("claims", claims_report(evidence));
    out.report.flag("bound", static_cast<bool>(binding)).flag("event_log_matches", log_matches);
    out.report.section("quote", verdict_report(verdict, decision));
    out.exit = exit_of(verdict, decision);
    const bool gpus = judge_gpus(evidence, shown, out.report);
    if (out.exit == Exit::accepted && (!binding || !log_matches || !gpus)) {
      out.exit = Exit::refused;
    }
    return out;
  }

 private:
  static Result<Bytes> bytes(const json::Value& entry, std::string_view name) {
    const auto text = entry.find(name).as_string();
    if (!text) return malformed(fmt::format("a node of the bundle has no \"{}\"", name));
    return from_base64(*text);
  }

  /// The collateral that the entry names, parsed once for all that name it.
  Result<attest::CheckedCollateralPtr> collateral_of(const json::Value& entry) {
    const auto name = entry.find("collateral").as_string();
    const json::Value text = name ? root_.find("collateral").find(*name) : json::Value();
    if (!text.is(json::Kind::object)) {
      return malformed("a node of the bundle names no collateral that is in it");
    }
    attest::CheckedCollateralPtr& known = collateral_[std::string(*name)];
    if (known == nullptr) {
      COCOON_TRY(const auto parsed, attest::CollateralText::from_json(text.raw()));
      known = std::make_shared<attest::CheckedCollateral>(attest::Collateral::parse(parsed),
                                                          judge_.root);
    }
    return known;
  }

  /// What the node showed of its GPUs, as it travels; empty where the entry has none.
  static Result<Bytes> shown_gpus(const json::Value& entry) {
    const json::Value evidence = entry.find("gpu_evidence");
    if (!evidence) return Bytes();
    attest::GpuBundle out;
    COCOON_TRY(out.gpus, attest::parse_gpu_evidence(evidence.raw()));
    for (const json::Value element : entry.find("gpu_measurement_sets").elements()) {
      const auto text = element.as_string();
      if (!text) return malformed("a measurement set of the bundle is no text");
      COCOON_TRY(attest::GpuMeasurementSet set, attest::GpuMeasurementSet::parse(*text));
      out.sets.push_back(std::move(set));
    }
    return attest::encode_gpu_bundle(out);
  }

  /// Whether the GPUs are good enough, with a section about them where there is something to say.
  /// Proxies have none. Without a policy file no measurement set is admitted, and so no GPU is.
  bool judge_gpus(const attest::Evidence& evidence, ByteView shown, Report& report) const {
    const AttestationPolicy policy = judge_.policy ? judge_.policy->policy : AttestationPolicy();
    const bool proxy = evidence.claims && evidence.claims->role == attest::EvidenceRole::proxy;
    const bool concerned = !proxy && attest::concerns_gpus(evidence, policy);
    if (!concerned && shown.empty()) return true;
    const auto found = attest::judge_gpus(evidence, shown, policy, judge_.gpu_root, judge_.now);
    Report out;
    out.flag("accepted", static_cast<bool>(found));
    std::vector<std::string> reasons;
    if (!found) {
      reasons.push_back(std::string(found.error().code()) + ": " + found.error().detail());
    }
    out.list("reasons", std::move(reasons));
    std::vector<Report> gpus;
    for (const attest::GpuVerdict& gpu : found ? found->gpus : std::vector<attest::GpuVerdict>()) {
      Report one;
      one.text("verdict", gpu.text()).text("chip", gpu.chip).hex("device", gpu.device);
      one.hex("driver_set", gpu.driver_set).hex("vbios_set", gpu.vbios_set);
      one.text("expires", attest::format_utc(gpu.expires));
      gpus.push_back(std::move(one));
    }
    out.sections("gpus", std::move(gpus));
    report.section("gpus", std::move(out));
    return static_cast<bool>(found);
  }

  /// A node that claims no log has none that could be wrong.
  static bool event_log_matches(const attest::Evidence& evidence, const attest::Verdict& verdict) {
    if (!evidence.claims || evidence.claims->event_log.empty()) return true;
    const auto* td = verdict.body ? std::get_if<attest::TdReport>(&*verdict.body) : nullptr;
    return td != nullptr && attest::check_event_log(evidence.claims->event_log, td->rtmr);
  }

  const json::Value& root_;
  const Judge& judge_;
  attest::CertificateCache cache_;
  std::map<std::string, attest::CheckedCollateralPtr> collateral_;
};

Exit worse(Exit a, Exit b) {
  return a > b ? a : b;
}

}  // namespace

Result<Exit> verify_bundle(const VerifyCommand& command) {
  COCOON_TRY(const Judge judge, Judge::open(command.judge));
  COCOON_TRY(const std::string text, read_file(command.bundle, kMaxBundleBytes));
  COCOON_TRY(const json::Document document, json::Document::parse(text));
  const json::Value root = document.root();
  if (root.find("object").as_string() != "cocoon.evidence") {
    return malformed(command.bundle + " is no bundle of GET /v1/cocoon/evidence");
  }
  Bundle bundle(root, judge);
  Report out;
  Exit exit = Exit::accepted;
  std::size_t count = 0;
  for (const char* group : {"proxies", "workers"}) {
    std::vector<Report> reports;
    for (const json::Value entry : root.find(group).elements()) {
      COCOON_TRY(Judged judged, bundle.judge(entry));
      reports.push_back(std::move(judged.report));
      exit = worse(exit, judged.exit);
      ++count;
    }
    out.sections(group, std::move(reports));
  }
  // Nobody in it is nobody vouched for.
  if (count == 0) exit = Exit::refused;
  out.number("nodes", count).flag("accepted", exit == Exit::accepted).print(command.json);
  return exit;
}

}  // namespace cocoon::app
