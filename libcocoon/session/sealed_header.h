#pragma once
/// @file The header of a sealed request: what the proxy may know, and what everything sealed is
/// bound to (docs/protocol.md "Header").

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::session {

/// First byte of a header.
inline constexpr std::uint8_t kSealedVersion = 1;
/// HPKE base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305; secretstream
/// XChaCha20-Poly1305; SHA-256. The only suite so far.
inline constexpr std::uint8_t kSuite = 1;

/// Which of the engine's paths the request is for.
enum class Endpoint : std::uint8_t {
  chat_completions = 1,
  completions = 2,
  embeddings = 3,
  responses = 4
};
/// "/v1/chat/completions", …
std::string_view path_of(Endpoint endpoint);
/// The endpoint of exactly that path.
std::optional<Endpoint> endpoint_of(std::string_view path);

/// Client → proxy → worker, in the clear to both and the same for both.
struct RequestHeader {
  NetworkId network;
  AccountId proxy;             ///< the account of the proxy that is to serve it, no other may
  ByteArray<16> request_id{};  ///< drawn by the client
  Endpoint endpoint{};
  std::string model;  ///< 1 to limits::kMaxModelIdBytes bytes, no control characters
  std::uint32_t max_output_tokens = 0;    ///< per choice, reasoning included
  std::uint32_t prompt_bound_tokens = 0;  ///< the reservation's bound for one prompt
  std::uint32_t choices = 1;  ///< `n` times the number of prompts, 1 to limits::kMaxChoices
  Nano cost_cap{};            ///< the most that the request may cost
  std::uint64_t registry_version = 0;    ///< whose prices apply
  std::uint32_t max_coefficient_e3 = 0;  ///< the dearest worker, in 1/1000 of the price
  UnixTime not_after{};                  ///< whole seconds; at most limits::kMaxNotAfter ahead
  /// 1 to limits::kMaxCandidates, all different, in order of preference.
  std::vector<SealingKeyId> candidates;
  /// Bytes sealed as the body: its size class, not its length, because the proxy reads this.
  std::uint64_t padded_body_length = 0;

  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

/// The one byte string for `header`.
/// Errors: invalid_argument/bad_request_header, with the field.
Result<Bytes> encode_request_header(const RequestHeader& header);
/// Strict inverse: what it accepts encodes to the same bytes. Whether the content makes sense here
/// and now (network, proxy, dates) is for the caller to check.
/// Errors: protocol/bad_request_header, with the field; protocol/unsupported_suite.
Result<RequestHeader> decode_request_header(ByteView bytes);

/// H: SHA-256 of the header's bytes as they came.
RequestHash request_hash(ByteView header);

}  // namespace cocoon::session
