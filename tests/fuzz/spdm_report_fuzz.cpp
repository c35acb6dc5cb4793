// modules: attest
// covers: libcocoon/attest/gpu_report.cpp libcocoon/attest/gpu_measurements.cpp
// covers: libcocoon/attest/gpu_evidence.cpp libcocoon/attest/gpu_verify.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "attest/gpu_verify.h"

namespace {

using namespace cocoon;
using namespace cocoon::attest;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_set(std::string_view text) {
  const auto set = GpuMeasurementSet::parse(text);
  if (set) require(set->text() == text);
}

void read_evidence(std::string_view text) {
  const auto gpus = parse_gpu_evidence(text);
  if (!gpus) return;
  const auto again = parse_gpu_evidence(gpu_evidence_json(*gpus));
  require(again && gpu_evidence_digest(*again) == gpu_evidence_digest(*gpus));
  for (const GpuEvidence& gpu : *gpus) {
    const Hash nonce = gpu.stated_nonce.value_or(Hash{});
    // Without measurement sets nothing is trusted.
    require(!verify_gpu_evidence(gpu, nonce, {}, GpuRoot::nvidia(), UnixTime{}).trusted());
  }
}

}  // namespace

/// The first byte says what the rest is: a report, a measurement set, or evidence as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: {
      const auto report = parse_gpu_report(input);
      if (report) require(report->signed_bytes.size() + report->signature.size() == input.size());
      break;
    }
    case 1: read_set(as_text(input)); break;
    default: read_evidence(as_text(input));
  }
  return 0;
}
