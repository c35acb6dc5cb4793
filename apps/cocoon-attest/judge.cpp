#include "judge.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "attest/text.h"
#include "base/limits.h"
#include "certificate_files.h"
#include "common/read_file.h"
#include "measurements.h"

namespace cocoon::app {

namespace {

using attest::Fault;

/// Root and policy files are small; a certificate's bound serves for both.
constexpr std::size_t kMaxRootBytes = 4 * limits::kMaxChainCertificateBytes;

Result<attest::TrustedRoot> read_root(const std::string& path, bool simulated) {
  COCOON_TRY(const std::string data, read_file(path, kMaxRootBytes));
  auto certificates = split_certificates(data);
  if (!certificates) return Error(certificates.error()).within(path);
  std::string pem;
  for (const Bytes& der : *certificates) pem += attest::encode_pem_certificate(der);
  auto root = simulated ? attest::TrustedRoot::simulated(pem)
                        : attest::TrustedRoot::stand_in_for_intel(pem);
  if (!root) return Error(root.error()).within(path);
  return root;
}

/// What `strict` stands for: the platform is up to date and the environment is in production mode.
/// Which guest it is, it does not ask; that is what a policy file is for.
attest::PolicyDecision decide_strictly(const attest::Verdict& verdict, UnixTime now) {
  AttestationPolicy policy;
  policy.root = verdict.root;
  policy.images = {verdict.image};
  // Of SEV-SNP nobody publishes what is current: without a floor of the TCB none is admitted.
  policy.tees = {TeeKind::sgx, TeeKind::tdx, TeeKind::snp};
  policy.allowed_xfam = ~std::uint64_t{0};
  if (verdict.body) {
    if (const auto* td = std::get_if<attest::TdReport>(&*verdict.body)) {
      if (td->current) policy.service_tds.push_back(td->current->mr_service_td);
      if (td->extended) {
        policy.service_tds.push_back(td->extended->init_service_td_hash);
        policy.service_tds.push_back(td->extended->current_service_td_hash);
      }
    }
  }
  attest::Allowances allow;
  allow.migratable = true;
  return attest::evaluate(verdict, policy, now, allow);
}

std::string_view meaning(Fault fault) {
  switch (fault) {
    case Fault::quote_format: return "the quote, or the PCK chain in it, cannot be read";
    case Fault::tcb_info_format: return "the TCB info cannot be read; fetch it again";
    case Fault::qe_identity_format: return "the QE identity cannot be read; fetch it again";
    case Fault::snp_report_format: return "the SEV-SNP report cannot be read";
    case Fault::pck_chain_untrusted:
      return "the PCK certificates do not lead to the trusted root in Intel's roles";
    case Fault::tcb_info_signature: return "the TCB info is not signed by Intel's TCB signer";
    case Fault::qe_identity_signature: return "the QE identity is not signed by Intel's TCB signer";
    case Fault::crl_invalid: return "a revocation list is not its issuer's; fetch it again";
    case Fault::qe_report_signature: return "the PCK key did not sign the quoting enclave's report";
    case Fault::qe_report_data: return "the quoting enclave does not vouch for the attestation key";
    case Fault::snp_chain_untrusted:
      return "the VCEK or VLEK certificate does not lead to AMD's root in AMD's roles";
    case Fault::snp_report_signature: return "the VCEK or VLEK did not sign the report";
    case Fault::quote_signature: return "the attestation key did not sign the quote";
    case Fault::pck_chain_missing:
      return "the quote has no PCK chain; give one as pck_certificate_chain of the collateral";
    case Fault::tcb_info_missing: return "the collateral has no TCB info";
    case Fault::qe_identity_missing: return "the collateral has no QE identity";
    case Fault::crl_missing:
      return "without both revocation lists nobody knows whether the keys are still good";
    case Fault::pck_revoked: return "Intel revoked the platform's PCK certificate";
    case Fault::ca_revoked: return "the issuer of the platform's certificate was revoked";
    case Fault::tcb_signer_revoked: return "Intel revoked the signer of TCB info or QE identity";
    case Fault::expired: return "what the verdict rests on has ended; fetch the collateral again";
    case Fault::not_yet_valid: return "what the verdict rests on has not begun; check the clock";
    case Fault::fmspc_reserved:
      return "simulated platforms go with --simulated roots, and real ones with Intel's";
    case Fault::tcb_info_mismatch: return "the TCB info is of another kind of platform";
    case Fault::qe_identity_mismatch: return "the quoting enclave is not Intel's current one";
    case Fault::tdx_module_mismatch: return "the TDX module is none that Intel lists";
    case Fault::snp_mismatch:
      return "the report is not of the platform and TCB that the certificate names";
    case Fault::tcb_unrecognized_status: return "the collateral has a status that nobody knows";
    case Fault::tcb_not_supported: return "the platform reaches none of the TCB levels";
  }
  return "unknown";
}

}  // namespace

Result<UnixTime> parse_moment(const std::string& text) {
  if (text.empty()) {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
  if (const auto time = attest::parse_utc(text.ends_with('Z') ? text : text + 'Z')) return *time;
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  // Twelve digits lie far beyond the year 9999, where UnixTime's own limits are not near.
  if (digits && text.size() <= 12) {
    const std::uint64_t seconds = std::stoull(text);
    if (seconds <= limits::kMaxUnixSeconds) return unix_seconds(seconds);
  }
  return Error(ErrorKind::invalid_argument, "time_invalid",
               fmt::format("\"{}\" is no time: write it in UTC like 2026-01-15T12:00:00Z, or in "
                           "seconds since 1970",
                           text));
}

Result<Judge> Judge::open(const JudgeOptions& options) {
  COCOON_TRY(const UnixTime now, parse_moment(options.at));
  Judge out{now, attest::TrustedRoot::intel(), std::nullopt, attest::GpuRoot::nvidia()};
  std::string root = options.root;
  std::string gpu_root = options.gpu_root;
  bool simulated = options.simulated;
  if (options.policy != "strict") {
    COCOON_TRY(const std::string text, read_file(options.policy, limits::kMaxConfigBytes));
    COCOON_TRY(out.policy, config::parse_policy_file(text, options.policy));
    const AttestationPolicy& policy = out.policy->policy;
    simulated = simulated || policy.root == TrustedRootKind::simulated;
    if (root.empty() && simulated) root = policy.simulated_dir + "/root.pem";
    if (gpu_root.empty() && policy.root == TrustedRootKind::simulated) {
      const std::string found = policy.simulated_dir + "/gpu_root.pem";
      std::error_code ignored;
      if (std::filesystem::exists(found, ignored)) gpu_root = found;
    }
  }
  if (simulated && root.empty()) {
    return Error(ErrorKind::invalid_argument, "root_missing",
                 "--simulated needs --root with the simulated platform's root.pem");
  }
  if (!root.empty()) {
    COCOON_TRY(out.root, read_root(root, simulated));
  }
  if (!gpu_root.empty()) {
    if (!simulated) {
      return Error(ErrorKind::invalid_argument, "gpu_root_not_simulated",
                   "--gpu-root goes with --simulated only: real GPUs have NVIDIA's root");
    }
    COCOON_TRY(const std::string pem, read_file(gpu_root, kMaxRootBytes));
    auto read = attest::GpuRoot::stand_in_for_nvidia(pem);
    if (!read) return Error(read.error()).within(gpu_root);
    out.gpu_root = *read;
  }
  return out;
}

attest::PolicyDecision Judge::decide(const attest::Verdict& verdict) const {
  if (!policy) return decide_strictly(verdict, now);
  return attest::evaluate(verdict, policy->policy, now, policy->allowances);
}

Result<attest::CollateralText> read_collateral(const std::string& path) {
  COCOON_TRY(const std::string text, read_file(path, limits::kMaxCollateralFileBytes));
  auto collateral = attest::CollateralText::from_json(text);
  if (!collateral) return Error(collateral.error()).within(path);
  return collateral;
}

std::string explain(const attest::Finding& finding) {
  std::string out(attest::to_string(finding.fault));
  if (!finding.part.empty()) out += ":" + finding.part;
  return out + ": " + std::string(meaning(finding.fault));
}

Report verdict_report(const attest::Verdict& verdict, const attest::PolicyDecision& decision) {
  std::string text = verdict.text();
  if (verdict.root == TrustedRootKind::simulated) text += "+SIMULATED";
  Report out;
  out.text("verdict", text).flag("accepted", decision.accepted());
  if (verdict.status) {
    out.text("tcb_status", std::string(to_string(*verdict.status)));
  } else {
    out.nothing("tcb_status");
  }
  out.list("advisories", verdict.advisories);
  std::vector<std::string> reasons;
  for (const attest::Finding& finding : verdict.faults) reasons.push_back(explain(finding));
  // Where the evidence is not genuine, its faults say so, and nothing counts of what else it says.
  if (verdict.faults.empty()) {
    for (const attest::Refusal& refusal : decision.refusals) {
      reasons.push_back(std::string(refusal.code) + ": " + refusal.detail);
    }
  }
  out.list("reasons", std::move(reasons));
  // What nothing vouches for is not told as if it were so; `inspect` shows it.
  Report measured;
  if (verdict.trusted()) {
    measured = std::visit([](const auto& body) { return measurements(body); }, *verdict.body);
  }
  out.section("measurements", std::move(measured));
  if (verdict.trusted()) {
    out.text("expires", attest::format_utc(verdict.expires));
  } else {
    out.nothing("expires");
  }
  return out;
}

Exit exit_of(const attest::Verdict& verdict, const attest::PolicyDecision& decision) {
  if (!verdict.faults.empty()) {
    const Fault first = verdict.faults.front().fault;
    if (first == Fault::quote_format || first == Fault::snp_report_format) return Exit::malformed;
  }
  return decision.accepted() ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
