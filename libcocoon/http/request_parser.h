#pragma once
/// @file HTTP/1.1 requests as a server reads them (RFC 9112), strict.
///
/// http_parser reads the head; it is lenient where request smuggling begins (space before a colon,
/// bare LF, folded lines), so every head passes our own checks first. Bodies are framed here,
/// because http_parser does not check the line ends of chunks.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "cocoon/result.h"
#include "http/request_head.h"

namespace cocoon::http {

/// Reads one request after another from a connection.
///
///     parser.next(input)     consumes from the front of `input` and says what it found
///
/// After `complete` nothing of the next request has been consumed: a caller that answers in order
/// simply waits before it calls next() again. After `error` the connection is of no further use:
/// where the next request would begin is unknown.
class RequestParser {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< all input is consumed
    head,       ///< head() is there; body and complete follow
    body,       ///< body() is a part of the body: a view of `input`
    complete,   ///< the request has ended
    error       ///< error() says why; answer with http_status(kind, code), then close
  };

  /// @param max_body_bytes a longer body is refused: from its Content-Length, or where it exceeds
  explicit RequestParser(std::size_t max_body_bytes = limits::kDefaultMaxRequestBytes)
      : max_body_bytes_(max_body_bytes) {}

  Event next(std::string_view& input);

  /// Valid from Event::head until next() is called after Event::complete.
  const RequestHead& head() const { return head_; }
  /// Valid after Event::body, as long as the input.
  std::string_view body() const { return body_; }
  /// @pre next() has returned Event::error. Kinds: invalid_argument, too_large. Codes:
  /// "http_malformed", "http_smuggling", "http_host_invalid", "http_version_unsupported",
  /// "transfer_coding_unknown", "expectation_unknown", "request_line_too_long",
  /// "header_too_large", "body_too_large".
  const Error& error() const { return *error_; }

  /// Nothing of a request has been read since the last one ended: an idle connection.
  bool idle() const { return state_ == State::head && (finished_ || head_bytes_.empty()); }
  /// The head is complete, and the request is not.
  bool in_body() const { return state_ != State::head && state_ != State::failed; }

 private:
  enum class State : std::uint8_t {
    head,
    fixed_body,       // remaining_ bytes follow
    chunk_size,       // hexadecimal digits
    chunk_extension,  // up to CR
    chunk_size_lf,
    chunk_data,     // remaining_ bytes follow
    chunk_data_cr,  // CR LF behind the data
    chunk_data_lf,
    last_cr,  // the empty line behind the last chunk
    last_lf,
    failed
  };

  Event fail(Error error);
  Event read_head(std::string_view& input);
  Event finish_head();
  Event read_body(std::string_view& input);
  Event complete();
  std::optional<Error> check_head_part(std::string_view part);
  std::optional<Error> take_framing(char c);
  std::optional<Error> take_chunk_size(char c);
  std::optional<Error> take_chunk_extension(char c);
  void expect(char c, char wanted, State then, std::optional<Error>& fault);

  std::size_t max_body_bytes_;
  State state_ = State::head;
  std::string head_bytes_;
  std::size_t line_begin_ = 0;  // in head_bytes_
  bool finished_ = false;       // head_bytes_ belongs to a request that has ended
  RequestHead head_;
  std::string_view body_;
  std::uint64_t remaining_ = 0;   // of a fixed body, or of a chunk
  std::uint64_t body_bytes_ = 0;  // of the chunks begun so far
  unsigned size_digits_ = 0;
  std::size_t extension_bytes_ = 0;
  std::optional<Error> error_;
};

}  // namespace cocoon::http
