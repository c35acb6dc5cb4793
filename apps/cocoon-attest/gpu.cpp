#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "attest/evidence.h"
#include "attest/gpu_verify.h"
#include "attest/sha384_certificate.h"
#include "attest/text.h"
#include "base/limits.h"
#include "certificate_files.h"
#include "commands.h"
#include "common/read_file.h"
#include "judge.h"
#include "nvidia_services.h"

namespace cocoon::app {

namespace {

using attest::GpuEvidence;
using attest::GpuFault;
using attest::GpuMode;

Error misuse(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}

Result<std::vector<GpuEvidence>> read_gpus(const GpuCommand& command) {
  if (!command.evidence.empty()) {
    COCOON_TRY(const std::string text, read_file(command.evidence, limits::kMaxGpuEvidenceBytes));
    auto gpus = attest::parse_gpu_evidence(text);
    if (!gpus) return Error(gpus.error()).within(command.evidence);
    return gpus;
  }
  GpuEvidence gpu;
  COCOON_TRY(const std::string report, read_file(command.report, limits::kMaxGpuReportBytes));
  gpu.report = to_bytes(as_bytes(report));
  // As PEM, twice as long as what counts.
  COCOON_TRY(gpu.certificates, read_file(command.chain, 2 * limits::kMaxChainCertificates *
                                                            limits::kMaxChainCertificateBytes));
  std::vector<GpuEvidence> out;
  out.push_back(std::move(gpu));
  return out;
}

Result<std::vector<attest::GpuMeasurementSet>> read_sets(const std::vector<std::string>& paths) {
  std::vector<attest::GpuMeasurementSet> out;
  for (const std::string& path : paths) {
    COCOON_TRY(const std::string text, read_file(path, limits::kMaxGpuMeasurementsBytes));
    auto set = attest::GpuMeasurementSet::parse(text);
    if (!set) return Error(set.error()).within(path);
    out.push_back(std::move(set).value());
  }
  return out;
}

/// What the GPUs have to be bound to.
struct Binding {
  Hash nonce{};
  std::optional<attest::Evidence> node;  ///< where the nonce is of its key
};

Result<Binding> read_binding(const GpuCommand& command) {
  if (command.node.empty()) {
    const auto nonce = attest::decode_hex_array<32>(command.nonce);
    if (!nonce) return misuse("nonce_invalid", "--nonce has to be 64 hexadecimal digits");
    return Binding{*nonce, std::nullopt};
  }
  COCOON_TRY(const Bytes leaf, read_certificate(command.node, limits::kMaxLeafCertificateBytes));
  auto node = attest::parse_certificate_evidence(leaf);
  if (!node) return Error(node.error()).within(command.node);
  const Hash nonce = attest::gpu_nonce(node->spki);
  return Binding{nonce, std::move(node).value()};
}

Result<attest::GpuPolicy> read_policy(const GpuCommand& command,
                                      const std::vector<attest::GpuMeasurementSet>& sets) {
  attest::GpuPolicy out;
  for (const attest::GpuMeasurementSet& set : sets) out.measurement_sets.push_back(set.hash());
  if (!command.modes.empty()) out.modes.clear();
  for (const GpuMode mode :
       {GpuMode::multi, GpuMode::single, GpuMode::protected_pcie, GpuMode::unstated}) {
    for (const std::string& name : command.modes) {
      if (name == to_string(mode)) out.modes.push_back(mode);
    }
  }
  for (const std::string& text : command.devices) {
    const auto device = attest::decode_hex_array<32>(text);
    if (!device) return misuse("device_invalid", "--device has to be 64 hexadecimal digits");
    if (!out.devices) out.devices.emplace();
    out.devices->push_back(*device);
  }
  return out;
}

std::string_view meaning(GpuFault fault) {
  switch (fault) {
    case GpuFault::report_format: return "the report cannot be read";
    case GpuFault::chain_untrusted:
      return "the certificates do not lead to NVIDIA's root in NVIDIA's roles";
    case GpuFault::report_signature: return "the GPU's key did not sign the report";
    case GpuFault::measurements_missing:
      return "no measurement set of this part and version was given; make one of NVIDIA's "
             "manifest with cocoon-attest rim";
    case GpuFault::expired: return "a certificate has ended";
    case GpuFault::not_yet_valid: return "a certificate has not begun; check the clock";
    case GpuFault::nonce_mismatch:
      return "the GPU signed another nonce: the evidence is old, or was made for somebody else";
    case GpuFault::fwid_mismatch:
      return "the key that signed belongs to other firmware than the report's";
    case GpuFault::measurements_conflict:
      return "the driver's and the VBIOS's set both list these measurements";
    case GpuFault::measurements_mismatch: return "these measurements are none that the sets allow";
  }
  return "unknown";
}

Report describe(const attest::GpuVerdict& verdict, const GpuEvidence& evidence) {
  Report out;
  out.text("verdict", verdict.text());
  std::vector<std::string> reasons;
  for (const attest::GpuFinding& finding : verdict.faults) {
    reasons.push_back(fmt::format("{}{}{}: {}", to_string(finding.fault),
                                  finding.part.empty() ? "" : ":", finding.part,
                                  meaning(finding.fault)));
  }
  out.list("reasons", std::move(reasons));
  if (evidence.stated_nonce) out.hex("stated_nonce", *evidence.stated_nonce);
  if (!verdict.trusted()) return out;
  out.text("chip", verdict.chip).text("driver", verdict.firmware.driver_version);
  out.text("vbios", verdict.firmware.vbios_version);
  out.text("mode", std::string(to_string(verdict.firmware.mode))).hex("device", verdict.device);
  out.hex("driver_set", verdict.driver_set).hex("vbios_set", verdict.vbios_set);
  return out.text("expires", attest::format_utc(verdict.expires));
}

/// Whether the node's claims have the digest of these GPUs' evidence.
bool is_claimed(const attest::Evidence& node, std::span<const GpuEvidence> gpus) {
  return node.claims && attest::check_binding(node) &&
         node.claims->gpu_evidence == attest::gpu_evidence_digest(gpus);
}

/// Whether the certificates lead to NVIDIA, whatever else is wrong.
bool is_nvidias(const attest::GpuVerdict& verdict) {
  return std::none_of(verdict.faults.begin(), verdict.faults.end(), [](const auto& finding) {
    return finding.fault == GpuFault::report_format || finding.fault == GpuFault::chain_untrusted;
  });
}

/// What NVIDIA says against the certificates of its GPUs. The leaf is left out: a GPU makes it
/// anew at every start, and no service has heard of it.
Result<std::vector<std::string>> ask_about(std::span<const GpuEvidence> gpus,
                                           std::span<const attest::GpuVerdict> verdicts,
                                           const OcspOptions& options, UnixTime now) {
  std::vector<std::string> out;
  for (std::size_t i = 0; options.ask && i < gpus.size(); ++i) {
    if (!is_nvidias(verdicts[i])) continue;
    COCOON_TRY(const auto chain, attest::parse_sha384_chain(gpus[i].certificates));
    COCOON_TRY(const auto found, revoked(chain, 1, options, now));
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

}  // namespace

Result<Exit> gpu(const GpuCommand& command) {
  COCOON_TRY(const UnixTime now, parse_moment(command.at));
  COCOON_TRY(const Binding binding, read_binding(command));
  COCOON_TRY(const auto gpus, read_gpus(command));
  COCOON_TRY(const auto sets, read_sets(command.measurements));
  COCOON_TRY(const attest::GpuPolicy policy, read_policy(command, sets));
  std::vector<attest::GpuVerdict> verdicts;
  std::vector<Report> described;
  bool unreadable = false;
  for (const GpuEvidence& one : gpus) {
    verdicts.push_back(
        attest::verify_gpu_evidence(one, binding.nonce, sets, attest::GpuRoot::nvidia(), now));
    const auto& faults = verdicts.back().faults;
    unreadable |= !faults.empty() && faults.front().fault == GpuFault::report_format;
    described.push_back(describe(verdicts.back(), one));
  }
  std::vector<std::string> reasons;
  for (const attest::Refusal& refusal : attest::evaluate(verdicts, policy, now).refusals) {
    reasons.push_back(std::string(refusal.code) + ": " + refusal.detail);
  }
  if (binding.node && !is_claimed(*binding.node, gpus)) {
    reasons.emplace_back("gpu_claims: The node's claims do not vouch for this evidence.");
  }
  COCOON_TRY(auto found, ask_about(gpus, verdicts, command.ocsp, now));
  std::move(found.begin(), found.end(), std::back_inserter(reasons));
  const bool accepted = reasons.empty();
  std::vector<std::string> not_checked;
  if (!command.ocsp.ask) {
    not_checked.emplace_back("revocation of the GPUs' certificates: --ocsp asks NVIDIA (OCSP)");
  }
  not_checked.emplace_back("that the GPUs are attached to the guest");
  Report out;
  out.flag("accepted", accepted).list("reasons", std::move(reasons)).hex("nonce", binding.nonce);
  out.sections("gpus", std::move(described));
  out.list("not_checked", std::move(not_checked));
  out.print(command.json);
  if (unreadable) return Exit::malformed;
  return accepted ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
