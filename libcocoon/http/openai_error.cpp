#include "http/openai_error.h"

#include <algorithm>
#include <iterator>

#include "codec/json.h"
#include "http/sse.h"

namespace cocoon::http {
namespace {

/// How one kind of error looks to an OpenAI client.
struct KindRow {
  ErrorKind kind;
  int status;
  std::string_view type;
};

// Statuses: gateway.md "Errors". 499 is what proxies log for a caller that
// hung up; it is never seen. An attestation failure is 502: the peer upstream is not to be trusted,
// and another attempt may find one that is.
constexpr KindRow kKinds[] = {
    {ErrorKind::invalid_argument, 400, "invalid_request_error"},
    {ErrorKind::not_found, 404, "invalid_request_error"},
    {ErrorKind::unauthorized, 401, "authentication_error"},
    {ErrorKind::too_large, 413, "invalid_request_error"},
    {ErrorKind::payment, 402, "insufficient_quota"},
    {ErrorKind::busy, 429, "rate_limit_error"},
    {ErrorKind::unavailable, 503, "service_unavailable_error"},
    {ErrorKind::upstream, 502, "upstream_error"},
    {ErrorKind::timeout, 504, "timeout_error"},
    {ErrorKind::cancelled, 499, "cancelled_error"},
    {ErrorKind::attestation, 502, "attestation_error"},
    {ErrorKind::protocol, 502, "upstream_error"},
    {ErrorKind::io, 500, "server_error"},
    {ErrorKind::internal, 500, "server_error"},
};

/// Codes with another status than their kind's.
struct CodeRow {
  std::string_view code;
  int status;
};
constexpr CodeRow kCodes[] = {
    {"request_head_too_slow", 408},  // the caller's own doing, not the network's
    {"request_body_too_slow", 408},    {"method_not_allowed", 405},
    {"media_type_not_json", 415},      {"header_too_large", 431},
    {"request_line_too_long", 414},    {"expectation_unknown", 417},
    {"http_version_unsupported", 505}, {"transfer_coding_unknown", 501},
    {"host_not_allowed", 403},         {"origin_not_allowed", 403},
};

/// The request field that a code is about.
struct ParamRow {
  std::string_view code;
  std::string_view param;
};
constexpr ParamRow kParams[] = {
    {"model_missing", "model"},
    {"model_too_long", "model"},
    {"model_not_found", "model"},
    {"bad_stream", "stream"},
    {"bad_n", "n"},
    {"bad_stream_options", "stream_options"},
    {"bad_max_tokens", "max_tokens"},
    {"store_not_allowed", "store"},
    {"prompt_missing", "prompt"},
    {"input_missing", "input"},
    {"too_many_inputs", "input"},
    {"background_not_allowed", "background"},
    {"remote_media", "messages"},
    {"hosted_tools_not_allowed", "tools"},
    {"stored_state_not_allowed", "previous_response_id"},
};

/// What a caller waits where the network says nothing: long enough for a slot to become free, or
/// for a reconnection.
constexpr std::uint32_t kBusyRetrySeconds = 1;
constexpr std::uint32_t kUnavailableRetrySeconds = 5;

const KindRow& row_of(ErrorKind kind) {
  const auto row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                [kind](const KindRow& r) { return r.kind == kind; });
  return row != std::end(kKinds) ? *row : std::end(kKinds)[-1];
}

template <class Row, std::size_t N>
const Row* find_code(const Row (&rows)[N], std::string_view code) {
  const auto row = std::find_if(std::begin(rows), std::end(rows),
                                [code](const Row& r) { return r.code == code; });
  return row != std::end(rows) ? row : nullptr;
}

}  // namespace

int http_status(ErrorKind kind, std::string_view code) {
  const CodeRow* row = find_code(kCodes, code);
  return row != nullptr ? row->status : row_of(kind).status;
}

std::string error_body(const Error& error, std::string_view param) {
  if (param.empty()) {
    const ParamRow* row = find_code(kParams, error.code());
    if (row != nullptr) param = row->param;
  }
  json::Writer w;
  w.begin_object().key("error").begin_object();
  w.key("message").string(error.detail());
  w.key("type").string(row_of(error.kind()).type);
  w.key("param");
  if (param.empty()) {
    w.null();
  } else {
    w.string(param);
  }
  w.key("code").string(error.code());
  w.end_object().end_object();
  return w.take();
}

RetryAdvice retry_advice(const Error& error, bool charged, std::uint32_t suggested_s) {
  RetryAdvice advice;
  advice.forbid_retry = charged;
  if (error.kind() == ErrorKind::busy) {
    advice.retry_after_s = suggested_s != 0 ? suggested_s : kBusyRetrySeconds;
  } else if (error.kind() == ErrorKind::unavailable) {
    advice.retry_after_s = suggested_s != 0 ? suggested_s : kUnavailableRetrySeconds;
  }
  return advice;
}

std::string error_event(const Error& error) {
  std::string out;
  append_sse_data(out, error_body(error));
  return out;
}

}  // namespace cocoon::http
