#include "wire/error_codes.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "codec/utf8.h"

namespace cocoon::wire {
namespace {

/// Sorted. Codes that one role sends to another; docs/protocol.md lists what they mean.
constexpr std::array<std::string_view, 139> kKnownCodes{
    "answer_before_acceptance",
    "answer_missing",
    "answer_truncated",
    "bad_answer",
    "bad_answer_chunk",
    "bad_answer_record",
    "bad_body_chunk",
    "bad_body_length",
    "bad_epoch_record",
    "bad_evidence_part",
    "bad_frame",
    "bad_receipt",
    "bad_request_header",
    "bad_signature",
    "bad_voucher",
    "bad_worker_record",
    "bad_wrap",
    "body_truncated",
    "cancelled",
    "cannot_answer",
    "cap_too_low",
    "certificate_renewed",
    "challenge_expected",
    "challenge_failed",
    "challenge_timeout",
    "channel_not_open",
    "channel_of_others",
    "channel_signature",
    "channel_unknown",
    "charge_mismatch",
    "charge_over_cap",
    "choices_over_header",
    "client_lost",
    "coefficient_too_low",
    "connection_closed",
    "cost_overflow",
    "credit_exceeded",
    "credit_overflow",
    "data_before_accepted",
    "deadline_exceeded",
    "deposit_exhausted",
    "disconnected",
    "draining",
    "duplicate_request",
    "empty_frame",
    "engine_bad_answer",
    "engine_broke_off",
    "engine_closed",
    "engine_deadline",
    "engine_down",
    "engine_failed",
    "engine_not_streaming",
    "engine_over_limit",
    "engine_redirected",
    "engine_silent",
    "engine_slow",
    "engine_stalled",
    "epoch_not_newer",
    "evidence_expired",
    "evidence_mismatch",
    "frame_too_large",
    "frame_unexpected",
    "going_away",
    "gpu_missing",
    "hello_expected",
    "hello_timeout",
    "key_not_bound",
    "ledger_answer",
    "max_unpaid",
    "model_mismatch",
    "model_not_found",
    "model_not_registered",
    "no_candidate_free",
    "no_channel",
    "no_evidence",
    "no_registry",
    "no_worker_free",
    "not_after_too_far",
    "not_authorised",
    "over_max_unpaid",
    "peer_silent",
    "prompt_over_bound",
    "prompt_over_header",
    "proxy_full",
    "proxy_lost",
    "proxy_not_admitted",
    "proxy_not_registered",
    "quote_too_large",
    "receipt_mismatch",
    "receipt_missing",
    "receipt_overcharge",
    "registry_too_old",
    "registry_version_unknown",
    "replay_table_full",
    "replayed_request",
    "request_expired",
    "request_too_large",
    "sealing_key_taken",
    "shutting_down",
    "status_before_record",
    "stream_closed",
    "stream_id_reused",
    "stream_id_wrong_side",
    "stream_reset",
    "stream_unknown",
    "superseded",
    "too_fast",
    "too_many_choices",
    "too_many_connections",
    "too_many_inputs",
    "too_many_requests",
    "too_many_streams",
    "too_much_evidence",
    "unacknowledged",
    "unexpected_answer",
    "unexpected_challenge",
    "unexpected_hello",
    "unexpected_message",
    "unexpected_open",
    "unexpected_role",
    "unknown_frame_type",
    "unknown_request",
    "unknown_sealing_key",
    "unsupported_suite",
    "usage_shrank",
    "version_outside_offer",
    "version_unsupported",
    "worker_full",
    "worker_lost",
    "worker_not_ready",
    "worker_record_mismatch",
    "worker_refused",
    "wrap_count",
    "wrong_account",
    "wrong_candidate",
    "wrong_channel",
    "wrong_network",
    "wrong_proxy",
    "wrong_role",
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
