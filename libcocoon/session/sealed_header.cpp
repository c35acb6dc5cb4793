#include "session/sealed_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "crypto/hash.h"
#include "session/sealed_request.h"
#include "session/size_classes.h"

namespace cocoon::session {
namespace {

struct EndpointPath {
  Endpoint endpoint;
  std::string_view path;
};
constexpr std::array<EndpointPath, 4> kEndpoints{{
    {Endpoint::chat_completions, "/v1/chat/completions"},
    {Endpoint::completions, "/v1/completions"},
    {Endpoint::embeddings, "/v1/embeddings"},
    {Endpoint::responses, "/v1/responses"},
}};

Error bad_header(ErrorKind kind, std::string_view field) {
  return Error(kind, "bad_request_header",
               fmt::format("a sealed request header's {} is missing or out of bounds.", field));
}

/// Models are named in logs, where a line break could forge an entry.
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool all_different(const std::vector<SealingKeyId>& ids) {
  for (auto at = ids.begin(); at != ids.end(); ++at) {
    if (std::find(ids.begin(), at, *at) != at) return false;
  }
  return true;
}

/// The field that no valid header has, or nothing.
std::string_view first_bad_field(const RequestHeader& header) {
  if (path_of(header.endpoint).empty()) return "endpoint";
  if (header.choices == 0 || header.choices > limits::kMaxChoices) return "choices";
  if (to_unix_seconds(header.not_after) > limits::kMaxUnixSeconds) return "not_after";
  if (!is_request_class(header.padded_body_length) ||
      header.padded_body_length > padded_body_length(limits::kHighestMaxRequestBytes)) {
    return "padded_body_length";
  }
  if (header.candidates.empty() || header.candidates.size() > limits::kMaxCandidates ||
      !all_different(header.candidates)) {
    return "candidates";
  }
  if (header.model.empty() || header.model.size() > limits::kMaxModelIdBytes ||
      std::any_of(header.model.begin(), header.model.end(), is_control)) {
    return "model";
  }
  return {};
}

}  // namespace

std::string_view path_of(Endpoint endpoint) {
  for (const EndpointPath& known : kEndpoints) {
    if (known.endpoint == endpoint) return known.path;
  }
  return {};
}

std::optional<Endpoint> endpoint_of(std::string_view path) {
  for (const EndpointPath& known : kEndpoints) {
    if (known.path == path) return known.endpoint;
  }
  return std::nullopt;
}

Result<Bytes> encode_request_header(const RequestHeader& header) {
  const std::string_view bad = first_bad_field(header);
  if (!bad.empty()) return bad_header(ErrorKind::invalid_argument, bad);
  ByteWriter out;
  out.u8(kSealedVersion)
      .u8(kSuite)
      .bytes(header.network.view())
      .bytes(header.proxy.view())
      .bytes(header.request_id)
      .u8(static_cast<std::uint8_t>(header.endpoint))
      .u32be(header.max_output_tokens)
      .u32be(header.prompt_bound_tokens)
      .u32be(header.choices)
      .u64be(header.cost_cap.value)
      .u64be(header.registry_version)
      .u32be(header.max_coefficient_e3)
      .u64be(to_unix_seconds(header.not_after))
      .u64be(header.padded_body_length)
      .u8(static_cast<std::uint8_t>(header.candidates.size()));
  for (const SealingKeyId& id : header.candidates) out.bytes(id.view());
  out.u16be(static_cast<std::uint16_t>(header.model.size())).bytes(as_bytes(header.model));
  return out.take();
}

Result<RequestHeader> decode_request_header(ByteView bytes) {
  if (bytes.size() > limits::kMaxSealedHeaderBytes) return bad_header(ErrorKind::protocol, "size");
  ByteReader in(bytes);
  if (in.u8() != kSealedVersion) return bad_header(ErrorKind::protocol, "version");
  if (const std::uint8_t suite = in.u8(); suite != kSuite) {
    return Error(
        ErrorKind::protocol, "unsupported_suite",
        fmt::format("a request is sealed with suite {}; this side knows suite {}.", suite, kSuite));
  }
  RequestHeader header;
  header.network.bytes = in.array<16>();
  header.proxy.bytes = in.array<32>();
  header.request_id = in.array<16>();
  header.endpoint = static_cast<Endpoint>(in.u8());
  header.max_output_tokens = in.u32be();
  header.prompt_bound_tokens = in.u32be();
  header.choices = in.u32be();
  header.cost_cap.value = in.u64be();
  header.registry_version = in.u64be();
  header.max_coefficient_e3 = in.u32be();
  const std::uint64_t not_after = in.u64be();
  if (not_after > limits::kMaxUnixSeconds) return bad_header(ErrorKind::protocol, "not_after");
  header.not_after = unix_seconds(not_after);
  header.padded_body_length = in.u64be();
  const std::uint8_t candidates = in.u8();
  if (candidates > limits::kMaxCandidates) return bad_header(ErrorKind::protocol, "candidates");
  for (std::uint8_t i = 0; i < candidates; ++i) {
    header.candidates.push_back(SealingKeyId{in.array<32>()});
  }
  header.model = as_text(in.take(in.u16be()));
  if (!in.finished()) return bad_header(ErrorKind::protocol, "end");
  const std::string_view bad = first_bad_field(header);
  if (!bad.empty()) return bad_header(ErrorKind::protocol, bad);
  return header;
}

RequestHash request_hash(ByteView header) {
  return RequestHash{crypto::sha256(header)};
}

}  // namespace cocoon::session
