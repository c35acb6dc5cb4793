// modules: attest
// covers: libcocoon/attest/gpu_report.cpp libcocoon/attest/gpu_measurements.cpp
// covers: libcocoon/attest/gpu_evidence.cpp libcocoon/attest/gpu_verify.cpp
// covers: libcocoon/attest/gpu_bundle.cpp libcocoon/attest/gpu_claim.cpp

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "attest/gpu_bundle.h"
#include "attest/gpu_claim.h"
#include "attest/gpu_verify.h"
#include "attest/text.h"
#include "fuzz/require.h"

namespace {

using namespace cocoon;
using namespace cocoon::attest;
using fuzz::require;

void read_set(std::string_view text) {
  const auto set = GpuMeasurementSet::parse(text);
  if (set) require(set->text() == text);
}

std::string vector_text(const std::string& name) {
  std::ifstream in(COCOON_TEST_VECTORS "/attestation/nvidia/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The bytes of the vectors' reports that NVIDIA's GPUs have signed.
std::vector<Bytes> genuine() {
  std::vector<Bytes> out;
  for (const Bytes& report :
       {decode_hex(vector_text("hopper-report.hex")).value(),
        parse_gpu_evidence(vector_text("hopper_evidence.json")).value().front().report}) {
    out.push_back(to_bytes(parse_gpu_report(report).value().signed_bytes));
  }
  return out;
}

/// Sets that the report fits, if any does: of what it measured itself.
std::vector<GpuMeasurementSet> own_sets(const GpuEvidence& gpu) {
  std::vector<GpuMeasurementSet> out;
  const auto report = parse_gpu_report(gpu.report);
  if (!report) return out;
  GpuMeasurementSet::Digests driver, vbios;
  for (const auto& [index, digest] : report->measurements) {
    (index % 2 == 0 ? driver : vbios)[index] = {digest};
  }
  const GpuOpaqueData& opaque = report->opaque;
  auto first = GpuMeasurementSet::create(GpuPart::driver, "GH100", opaque.driver_version, driver);
  auto second = GpuMeasurementSet::create(GpuPart::vbios, "GH100", opaque.vbios_version, vbios);
  if (first) out.push_back(std::move(*first));
  if (second) out.push_back(std::move(*second));
  return out;
}

/// Trusted is only what a GPU has signed, and admitted only what is trusted, and only once.
void judge(const GpuEvidence& gpu, const GpuVerdict& verdict, UnixTime now) {
  static const std::vector<Bytes> kGenuine = genuine();
  for (const GpuFinding& finding : verdict.faults) require(to_string(finding.fault) != "UNKNOWN");
  require(verdict.trusted() == (verdict.text() == "Genuine"));
  if (verdict.trusted()) {
    const auto report = parse_gpu_report(gpu.report);
    require(std::any_of(kGenuine.begin(), kGenuine.end(), [&](const Bytes& bytes) {
      return equal_public(bytes, report->signed_bytes);
    }));
  }
  const GpuPolicy policy{.measurement_sets = {verdict.driver_set, verdict.vbios_set},
                         .modes = {verdict.firmware.mode},
                         .devices = std::vector<Hash>{verdict.device}};
  const std::vector<GpuVerdict> twice{verdict, verdict};
  require(evaluate(std::span(twice).first(1), policy, now).accepted() == verdict.trusted());
  require(!evaluate(twice, policy, now).accepted());
  require(!evaluate({}, policy, now).accepted());
  require(!evaluate(twice, GpuPolicy{}, now + std::chrono::years(100)).accepted());
}

void read_evidence(std::string_view text) {
  const auto gpus = parse_gpu_evidence(text);
  if (!gpus) return;
  const auto again = parse_gpu_evidence(gpu_evidence_json(*gpus));
  require(again && gpu_evidence_digest(*again) == gpu_evidence_digest(*gpus));
  const UnixTime now = unix_seconds(1'772'366'400);  // within the vectors' dates
  for (const GpuEvidence& gpu : *gpus) {
    const Hash nonce = gpu.stated_nonce.value_or(Hash{});
    // Without measurement sets nothing is trusted.
    require(!verify_gpu_evidence(gpu, nonce, {}, GpuRoot::nvidia(), now).trusted());
    judge(gpu, verify_gpu_evidence(gpu, nonce, own_sets(gpu), GpuRoot::nvidia(), now), now);
  }
}

/// What stands behind a certificate. Whatever it is, no node's key is that of the vectors' nonces.
void read_bundle(ByteView bytes) {
  const ShownEvidence parts = split_shown(bytes);
  require(parts.certificate.size() + parts.gpu.size() == bytes.size());
  const auto bundle = parse_gpu_bundle(bytes);
  Evidence node;
  node.spki = Bytes{1};
  node.claims.emplace();
  AttestationPolicy policy;
  policy.gpu_measurement_sets.emplace();
  if (bundle) {
    const auto again = parse_gpu_bundle(encode_gpu_bundle(*bundle).value());
    require(again && gpu_evidence_digest(again->gpus) == gpu_evidence_digest(bundle->gpus));
    require(again->sets.size() == bundle->sets.size());
    node.claims->gpu_evidence = gpu_evidence_digest(bundle->gpus);
    for (const auto& set : bundle->sets) policy.gpu_measurement_sets->push_back(set.hash());
  }
  const UnixTime now = unix_seconds(1'772'366'400);
  require(!judge_gpus(node, bytes, policy, GpuRoot::nvidia(), now));
}

}  // namespace

/// The first byte says what the rest is: a report, a measurement set, evidence as JSON, or a
/// bundle.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      const auto report = parse_gpu_report(input);
      if (!report) break;
      require(report->signed_bytes.size() + report->signature.size() == input.size());
      require(to_string(report->opaque.mode) != "unknown");
      break;
    }
    case 1: read_set(as_text(input)); break;
    case 2: read_evidence(as_text(input)); break;
    default: read_bundle(input);
  }
  return 0;
}
