#include "attest/gpu_bundle.h"

#include <fmt/format.h>

#include "attest/der.h"
#include "attest/text.h"
#include "base/limits.h"
#include "codec/cbor.h"

namespace cocoon::attest {

namespace {

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "gpu_evidence_format",
               fmt::format("GPU evidence is refused: {}.", what));
}

Error too_large(std::size_t size) {
  return Error(ErrorKind::too_large, "gpu_evidence_too_large",
               fmt::format("GPU evidence with its measurement sets has {} bytes, and {} are "
                           "allowed.",
                           size, limits::kMaxGpuBundleBytes));
}

GpuEvidence read_gpu(cbor::Reader& in) {
  constexpr std::size_t kParts = 2;
  if (in.array() != kParts) in.fail();
  GpuEvidence out;
  out.report = to_bytes(in.byte_string());
  out.certificates = as_text(in.byte_string());
  return out;
}

}  // namespace

Result<Bytes> encode_gpu_bundle(const GpuBundle& bundle) {
  cbor::Writer out;
  out.array(2).array(bundle.gpus.size());
  for (const GpuEvidence& gpu : bundle.gpus) {
    out.array(2).byte_string(gpu.report).byte_string(as_bytes(gpu.certificates));
  }
  out.array(bundle.sets.size());
  for (const GpuMeasurementSet& set : bundle.sets) out.byte_string(as_bytes(set.text()));
  Bytes bytes = out.take();
  if (bytes.size() > limits::kMaxGpuBundleBytes) return too_large(bytes.size());
  return bytes;
}

Result<GpuBundle> parse_gpu_bundle(ByteView bytes) {
  if (bytes.size() > limits::kMaxGpuBundleBytes) return too_large(bytes.size());
  cbor::Reader in(bytes);
  if (in.array() != 2) in.fail();
  const std::size_t gpus = in.array();
  if (in.failed() || gpus == 0 || gpus > limits::kMaxGpus) {
    return refuse(fmt::format("it does not begin with 1 to {} GPUs", limits::kMaxGpus));
  }
  GpuBundle out;
  for (std::size_t i = 0; i < gpus; ++i) out.gpus.push_back(read_gpu(in));
  const std::size_t sets = in.array();
  if (in.failed() || sets > limits::kMaxGpuSets) {
    return refuse(fmt::format("its GPUs are not followed by at most {} measurement sets",
                              limits::kMaxGpuSets));
  }
  for (std::size_t i = 0; i < sets; ++i) {
    const Bytes text = to_bytes(in.byte_string());
    auto set = GpuMeasurementSet::parse(as_text(text));
    if (!set) return refuse(set.error().detail());
    out.sets.push_back(std::move(set).value());
  }
  if (!in.finished()) return refuse("it does not end behind its measurement sets");
  return out;
}

ShownEvidence split_shown(ByteView shown) {
  const std::size_t size = der::Reader(shown).any().whole.size();
  if (size == 0) return {shown, {}};
  return {shown.first(size), shown.subspan(size)};
}

}  // namespace cocoon::attest
