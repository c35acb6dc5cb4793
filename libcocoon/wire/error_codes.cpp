#include "wire/error_codes.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "codec/utf8.h"

namespace cocoon::wire {
namespace {

/// Sorted. Codes that one role sends to another; docs/protocol.md lists what they mean.
constexpr std::array<std::string_view, 41> kKnownCodes{
    "answer_truncated",
    "bad_answer_chunk",
    "bad_body_chunk",
    "bad_body_length",
    "bad_evidence_part",
    "bad_frame",
    "bad_request_header",
    "bad_worker_record",
    "bad_wrap",
    "cancelled",
    "connection_closed",
    "credit_exceeded",
    "credit_overflow",
    "data_before_accepted",
    "empty_frame",
    "frame_too_large",
    "frame_unexpected",
    "going_away",
    "hello_expected",
    "hello_timeout",
    "not_after_too_far",
    "peer_silent",
    "replay_table_full",
    "replayed_request",
    "request_expired",
    "request_too_large",
    "stream_closed",
    "stream_id_reused",
    "stream_id_wrong_side",
    "stream_reset",
    "stream_unknown",
    "too_many_streams",
    "unexpected_hello",
    "unknown_frame_type",
    "unknown_sealing_key",
    "unsupported_suite",
    "version_outside_offer",
    "version_unsupported",
    "wrong_candidate",
    "wrong_network",
    "wrong_proxy",
};

constexpr std::string_view kUnknownCode = "peer_error";

}  // namespace

std::string clean_text(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  if (is_utf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

Error peer_error(std::uint8_t kind, std::string_view code, std::string_view detail) {
  auto what = static_cast<ErrorKind>(kind);
  if (kind >= static_cast<std::uint8_t>(ErrorKind::internal)) what = ErrorKind::upstream;
  const std::string_view known = known_code(code);
  std::string text = clean_text(detail, limits::kMaxDetailBytes);
  if (known == kUnknownCode) text.insert(0, clean_text(code, limits::kMaxCodeBytes) + ": ");
  return {what, known, std::move(text)};
}

std::string_view known_code(std::string_view code) {
  static_assert(std::is_sorted(kKnownCodes.begin(), kKnownCodes.end()));
  const auto* at = std::lower_bound(kKnownCodes.begin(), kKnownCodes.end(), code);
  return at != kKnownCodes.end() && *at == code ? *at : kUnknownCode;
}

Error to_error(const Reset& reset) {
  return peer_error(reset.kind, reset.code, reset.detail);
}

Error to_error(const GoAway& goaway) {
  return peer_error(goaway.kind, goaway.reason, goaway.detail);
}

Reset to_reset(StreamId stream, const Error& error) {
  return {.stream = stream,
          .kind = static_cast<std::uint8_t>(error.kind()),
          .code = error.code(),
          .detail = error.detail()};
}

}  // namespace cocoon::wire
