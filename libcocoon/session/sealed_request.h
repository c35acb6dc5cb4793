#pragma once
/// @file Sealed requests, both ends (docs/protocol.md "Sealed requests"). The client seals a body
/// for its candidates; the one worker that gets it opens its wrap, then the body. The proxy between
/// them sees header, wraps and chunks, and can change none of them unnoticed.

#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/secret.h"
#include "crypto/secret_stream.h"
#include "session/exporter_cache.h"
#include "session/replay_table.h"
#include "session/sealed_answer.h"
#include "session/sealed_header.h"
#include "session/sealing_keys.h"

namespace cocoon::session {

/// Where `body_bytes` of request body end up: RequestHeader::padded_body_length. A client that
/// bounds its prompt by the body's length uses this one, so as not to tell the proxy more.
std::uint64_t padded_body_length(std::size_t body_bytes);

/// The client's side of one request, kept until its answer is complete: what is sent (and sent
/// again byte for byte to the same proxy), and the keys that the answer is opened with.
class SealedRequest {
 public:
  const RequestHash& hash() const { return hash_; }
  ByteView header() const { return header_; }
  std::vector<ByteView> wraps() const;
  std::size_t candidates() const { return wraps_.size(); }

  /// The sealed body: each chunk is one data frame.
  std::size_t chunk_count() const { return chunk_count_; }
  /// Chunk `index` < chunk_count().
  ByteView chunk(std::size_t index) const;

  /// Opens what candidate `index` < candidates() answers.
  AnswerOpener answer(std::size_t index) const;

 private:
  friend Result<SealedRequest> seal_request(RequestHeader, std::span<const Recipient>, ByteView,
                                            ExporterCache&, Random&, Now);
  SealedRequest() = default;

  Status seal_body(ByteView body, const crypto::Secret<32>& content_key);

  Bytes header_;
  RequestHash hash_;
  std::vector<Bytes> wraps_;
  std::vector<crypto::Secret<32>> answer_keys_;
  Bytes body_;  // all sealed chunks; all but the last are of the same length but for the prefix
  std::size_t chunk_count_ = 0;
  Hash body_digest_{};
};

/// Seals `body` for `recipients`, the first the most preferred. `header.candidates` and
/// `header.padded_body_length` are filled in here; `header.request_id` is drawn where it is zero.
/// Errors: invalid_argument/bad_request_header, invalid_argument/sealing_key_expired,
/// too_large/request_too_large (over limits::kHighestMaxRequestBytes), protocol/bad_public_key.
Result<SealedRequest> seal_request(RequestHeader header, std::span<const Recipient> recipients,
                                   ByteView body, ExporterCache& exporters, Random& random,
                                   Now now);

/// What a worker judges a header by.
struct OpenPolicy {
  NetworkId network;
  AccountId proxy;  ///< the account at the other end of the connection that it came by
  std::size_t max_body_bytes = limits::kDefaultMaxRequestBytes;
};

/// The worker's side of one request: opened by open_request(), fed with chunks, then asked for the
/// body. Whoever gives the request up before the engine has started tells the replay table.
class RequestOpener {
 public:
  const RequestHeader& header() const { return header_; }
  const RequestHash& hash() const { return hash_; }
  /// Index in header().candidates.
  std::uint8_t candidate() const { return candidate_; }

  /// Takes the payload of the next data frame. The first failure is for good.
  /// Errors: protocol/bad_body_chunk (does not open, or not of the length that the header
  /// calls for), protocol/bad_body_length.
  Status add_chunk(ByteView chunk);
  /// Whether the final chunk has come, and the body is whole.
  bool complete() const { return complete_; }
  /// The body, which lives here; empty before complete().
  ByteView body() const;
  /// SHA-256 of the body, once complete().
  const Hash& body_digest() const { return body_digest_; }

  /// Seals the answer of run `run_id`, drawn afresh for each. Only once complete().
  AnswerSealer answer(const RunId& run_id) const;

 private:
  friend Result<RequestOpener> open_request(ByteView, ByteView, std::uint8_t, const OpenPolicy&,
                                            SealingKeys&, ReplayTable&, UnixTime);
  RequestOpener() = default;

  Status finish();

  RequestHeader header_;
  RequestHash hash_;
  std::uint8_t candidate_ = 0;
  crypto::Secret<32> body_key_;
  crypto::Secret<32> answer_key_;
  std::optional<crypto::StreamOpener> stream_;
  Bytes plaintext_;  // length prefix, body, padding
  std::size_t body_length_ = 0;
  Hash body_digest_{};
  bool complete_ = false;
  bool failed_ = false;
};

/// Checks the header of a request that `wrap` gives to candidate `candidate` of it, opens the wrap,
/// and remembers the request in `replays`.
/// Errors: protocol/bad_request_header, protocol/unsupported_suite, protocol/wrong_network,
/// protocol/wrong_proxy, timeout/request_expired, protocol/not_after_too_far,
/// protocol/wrong_candidate, unavailable/unknown_sealing_key, protocol/bad_wrap,
/// too_large/request_too_large, protocol/replayed_request, busy/replay_table_full.
Result<RequestOpener> open_request(ByteView header, ByteView wrap, std::uint8_t candidate,
                                   const OpenPolicy& policy, SealingKeys& keys,
                                   ReplayTable& replays, UnixTime now);

}  // namespace cocoon::session
