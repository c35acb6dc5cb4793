#pragma once
/// @file One answer, from what the network says to the bytes of an HTTP response.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cocoon/request.h"
#include "cocoon/result.h"
#include "gateway/sse_filter.h"
#include "http/header.h"
#include "http/response_writer.h"

namespace cocoon::gateway {

/// The headers that every response of one request has: its id, and what a browser page of an
/// allowed origin needs.
struct CommonHeaders {
  std::string request_id;
  std::string origin;  ///< empty: not a browser
};

/// Writes one response: a whole one with fixed() or error(), or the answer to an inference request
/// with on_head(), on_bytes() and on_done().
///
/// An event stream goes out chunk by chunk. Any other answer is held, so that its length and cost
/// stand in the head, until it ends or exceeds limits::kMaxHeldAnswerBytes. The head is written
/// with the first byte of the body: until then a failure still has a status of its own.
class Answer {
 public:
  Answer(http::ResponseWriter writer, CommonHeaders headers)
      : writer_(writer), common_(std::move(headers)) {}

  /// What on_bytes() and on_done() have to know of an inference request.
  void expect(Endpoint endpoint, bool hide_usage) {
    endpoint_ = endpoint;
    hide_usage_ = hide_usage;
  }

  /// The connection closes behind this response, because where the next request would begin is not
  /// known. @pre nothing has been written
  void close_behind() { writer_ = http::ResponseWriter(); }

  /// A whole response.
  void fixed(std::string& out, int status, std::string_view content_type, std::string_view body,
             std::vector<http::Header> more = {});
  /// An error response, with what it says about trying again.
  void error(std::string& out, const Error& error, bool charged = false,
             std::uint32_t retry_after_s = 0, std::vector<http::Header> more = {});

  void on_head(const AnswerHead& head);
  /// Errors: upstream/sse_event_too_large: the request is to be cancelled, and fail() called.
  Status on_bytes(std::string& out, std::string_view bytes);
  /// The answer's end, good or bad.
  /// @return false where the response was cut short in a way that only a closed connection tells
  [[nodiscard]] bool on_done(std::string& out, const RequestOutcome& outcome);

  /// The status that the caller has seen; 0 where the response has not begun.
  int status() const { return sent_status_; }
  /// Whether a page of an allowed origin asks.
  bool for_browser() const { return !common_.origin.empty(); }
  /// Whether the connection may go on behind this response.
  bool keeps_alive() const { return writer_.keeps_alive(); }

 private:
  /// waiting → held → passing → ended, or waiting → streaming → ended, or waiting → ended.
  enum class State : std::uint8_t { waiting, held, passing, streaming, ended };

  std::vector<http::Header> headers() const;
  void begin(std::string& out);
  [[nodiscard]] bool fail(std::string& out, const RequestOutcome& outcome);
  void finish_held(std::string& out, const RequestOutcome& outcome);

  http::ResponseWriter writer_;
  CommonHeaders common_;
  Endpoint endpoint_ = Endpoint::chat_completions;
  bool hide_usage_ = false;
  State state_ = State::waiting;
  int status_ = 0;  // of the engine; 0: no head yet
  int sent_status_ = 0;
  std::string content_type_;
  std::string held_;
  std::string visible_;  // scratch: what of one piece is to be seen
  std::optional<SseFilter> filter_;
};

}  // namespace cocoon::gateway
