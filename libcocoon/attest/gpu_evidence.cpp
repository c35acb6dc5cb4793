#include "attest/gpu_evidence.h"

#include <fmt/format.h>

#include "attest/text.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "gpu_evidence_format",
               fmt::format("GPU evidence is refused: {}.", what));
}

/// A domain name of a hash with the zero that ends it.
template <std::size_t N>
ByteView domain(const char (&name)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(name), N};
}

/// The bytes of the base64 member `key`.
Result<Bytes> read_base64(const json::Value& object, std::string_view key) {
  const auto text = object.find(key).as_string();
  if (!text) return refuse(fmt::format("\"{}\" is missing or no text", key));
  auto bytes = from_base64(*text);
  if (!bytes) return refuse(fmt::format("\"{}\" is not valid base64", key));
  return std::move(bytes).value();
}

Result<GpuEvidence> read_gpu(const json::Value& object) {
  GpuEvidence out;
  COCOON_TRY(out.report, read_base64(object, "evidence"));
  COCOON_TRY(const Bytes certificates, read_base64(object, "certificate"));
  out.certificates = as_text(certificates);
  if (const json::Value nonce = object.find("nonce")) {
    const auto text = nonce.as_string();
    out.stated_nonce = text ? decode_hex_array<32>(*text) : std::nullopt;
    if (!out.stated_nonce) return refuse("\"nonce\" is not 64 hexadecimal digits");
  }
  return out;
}

}  // namespace

Result<std::vector<GpuEvidence>> parse_gpu_evidence(std::string_view text) {
  if (text.size() > limits::kMaxGpuEvidenceBytes) {
    return Error(ErrorKind::too_large, "gpu_evidence_too_large",
                 fmt::format("GPU evidence has {} bytes, and {} are allowed.", text.size(),
                             limits::kMaxGpuEvidenceBytes));
  }
  const auto document = json::Document::parse(text);
  if (!document) return refuse("it is not valid JSON");
  const json::Value root = document->root();
  if (!root.is(json::Kind::array) || root.size() == 0 || root.size() > limits::kMaxGpus) {
    return refuse(fmt::format("it is no array of 1 to {} GPUs", limits::kMaxGpus));
  }
  std::vector<GpuEvidence> out;
  for (const json::Value element : root.elements()) {
    COCOON_TRY(GpuEvidence gpu, read_gpu(element));
    out.push_back(std::move(gpu));
  }
  return out;
}

std::string gpu_evidence_json(std::span<const GpuEvidence> gpus) {
  json::Writer out;
  out.begin_array();
  for (const GpuEvidence& gpu : gpus) {
    out.begin_object();
    out.key("certificate").string(to_base64(as_bytes(gpu.certificates)));
    out.key("evidence").string(to_base64(gpu.report));
    if (gpu.stated_nonce) out.key("nonce").string(encode_hex(*gpu.stated_nonce));
    out.end_object();
  }
  return out.end_array().take();
}

Hash gpu_nonce(ByteView spki) {
  return crypto::sha256({domain("cocoon-gpu-nonce-v1"), spki});
}

Hash gpu_evidence_digest(std::span<const GpuEvidence> gpus) {
  ByteWriter out;
  out.bytes(domain("cocoon-gpu-evidence-v1"));
  for (const GpuEvidence& gpu : gpus) {
    out.u32be(static_cast<std::uint32_t>(gpu.report.size())).bytes(gpu.report);
    out.u32be(static_cast<std::uint32_t>(gpu.certificates.size()))
        .bytes(as_bytes(gpu.certificates));
  }
  return crypto::sha256(out.take());
}

}  // namespace cocoon::attest
