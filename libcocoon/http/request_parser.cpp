#include "http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon::http {
namespace {

/// Digits of a chunk size: what fits 64 bits.
constexpr unsigned kMaxSizeDigits = 16;

Error malformed(std::string detail) {
  return Error(ErrorKind::invalid_argument, "http_malformed", std::move(detail));
}

Error body_too_large(std::size_t limit) {
  return Error(ErrorKind::too_large, "body_too_large",
               fmt::format("The request body exceeds {} bytes.", limit));
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

RequestParser::Event RequestParser::next(std::string_view& input) {
  switch (state_) {
    case State::failed: return Event::error;
    case State::head: return read_head(input);
    default: return read_body(input);
  }
}

RequestParser::Event RequestParser::fail(Error error) {
  state_ = State::failed;
  error_ = std::move(error);
  return Event::error;
}

RequestParser::Event RequestParser::complete() {
  state_ = State::head;
  finished_ = true;
  return Event::complete;
}

RequestParser::Event RequestParser::read_head(std::string_view& input) {
  if (finished_) {
    head_bytes_.clear();
    line_begin_ = 0;
    finished_ = false;
  }
  while (!input.empty()) {
    const std::string_view part = input.substr(0, input.find('\n') + 1);
    if (auto fault = check_head_part(part.empty() ? input : part)) return fail(std::move(*fault));
    if (part.empty()) {
      head_bytes_ += input;
      input = {};
      return Event::need_more;
    }
    head_bytes_ += part;
    input.remove_prefix(part.size());
    const bool line_is_empty = head_bytes_.size() - line_begin_ == 2;
    if (line_is_empty && line_begin_ != 0) return finish_head();
    // Empty lines before a request are to be ignored (RFC 9112 section 2.2).
    if (line_is_empty) head_bytes_.clear();
    line_begin_ = head_bytes_.size();
  }
  return Event::need_more;
}

/// Checks a part of a line that is about to be added to the head, line end included where it is
/// there. Made as bytes come, so that a caller with wrong line ends is told at once and does not
/// wait for an end that it believes to have sent.
std::optional<Error> RequestParser::check_head_part(std::string_view part) {
  const std::size_t limit =
      line_begin_ == 0 ? limits::kMaxHttpRequestLineBytes : limits::kMaxHttpHeaderBytes;
  const std::size_t room = limit - head_bytes_.size();
  bool after_cr = !head_bytes_.empty() && head_bytes_.back() == '\r';
  for (const char c : part.substr(0, room)) {
    if (after_cr != (c == '\n')) return malformed("Lines of a request head must end with CR LF.");
    after_cr = c == '\r';
    const auto code = static_cast<unsigned char>(c);
    if ((code < ' ' && c != '\r' && c != '\n' && c != '\t') || code == 0x7f) {
      return malformed("The request head has a control character.");
    }
  }
  if (part.size() <= room) return std::nullopt;
  if (line_begin_ == 0) {
    return Error(ErrorKind::too_large, "request_line_too_long",
                 fmt::format("The request line exceeds {} bytes.", limit));
  }
  return Error(ErrorKind::too_large, "header_too_large",
               fmt::format("The request head exceeds {} bytes.", limit));
}

RequestParser::Event RequestParser::finish_head() {
  auto head = parse_request_head(head_bytes_);
  if (!head) return fail(std::move(head).error());
  head_ = std::move(head).value();
  if (head_.content_length > max_body_bytes_) return fail(body_too_large(max_body_bytes_));
  state_ = head_.chunked ? State::chunk_size : State::fixed_body;
  remaining_ = head_.content_length;
  body_bytes_ = 0;
  size_digits_ = 0;
  extension_bytes_ = 0;
  return Event::head;
}

RequestParser::Event RequestParser::read_body(std::string_view& input) {
  while (true) {
    const bool data = state_ == State::fixed_body || state_ == State::chunk_data;
    if (state_ == State::fixed_body && remaining_ == 0) return complete();
    if (input.empty()) return Event::need_more;
    if (data) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
      body_ = input.substr(0, size);
      input.remove_prefix(size);
      remaining_ -= size;
      if (state_ == State::chunk_data && remaining_ == 0) state_ = State::chunk_data_cr;
      return Event::body;
    }
    const char c = input.front();
    input.remove_prefix(1);
    if (auto fault = take_framing(c)) return fail(std::move(*fault));
    if (state_ == State::head) return complete();
  }
}

/// One byte of what surrounds the chunks' data (RFC 9112 section 7.1).
std::optional<Error> RequestParser::take_framing(char c) {
  std::optional<Error> fault;
  switch (state_) {
    case State::chunk_size: return take_chunk_size(c);
    case State::chunk_extension: return take_chunk_extension(c);
    case State::chunk_size_lf:
      expect(c, '\n', remaining_ == 0 ? State::last_cr : State::chunk_data, fault);
      break;
    case State::chunk_data_cr: expect(c, '\r', State::chunk_data_lf, fault); break;
    case State::chunk_data_lf:
      size_digits_ = 0;
      remaining_ = 0;
      expect(c, '\n', State::chunk_size, fault);
      break;
    case State::last_cr:
      if (c != '\r') return malformed("Trailers behind a chunked body are not accepted.");
      state_ = State::last_lf;
      break;
    default: expect(c, '\n', State::head, fault); break;
  }
  return fault;
}

void RequestParser::expect(char c, char wanted, State then, std::optional<Error>& fault) {
  if (c == wanted) {
    state_ = then;
  } else {
    fault = malformed("A chunk and its size must be followed by CR LF.");
  }
}

std::optional<Error> RequestParser::take_chunk_size(char c) {
  if (const auto digit = hex_digit(c)) {
    if (++size_digits_ > kMaxSizeDigits) return malformed("A chunk size has too many digits.");
    remaining_ = remaining_ << 4 | *digit;
    return std::nullopt;
  }
  if (size_digits_ == 0 || (c != '\r' && c != ';')) {
    return malformed("A chunk must begin with its size in hexadecimal digits.");
  }
  if (remaining_ > max_body_bytes_ - body_bytes_) return body_too_large(max_body_bytes_);
  body_bytes_ += remaining_;
  state_ = c == ';' ? State::chunk_extension : State::chunk_size_lf;
  return std::nullopt;
}

std::optional<Error> RequestParser::take_chunk_extension(char c) {
  if (c == '\r') {
    state_ = State::chunk_size_lf;
    return std::nullopt;
  }
  const bool visible = (c >= ' ' && c <= '~') || c == '\t';
  if (!visible || ++extension_bytes_ > limits::kMaxHttpChunkExtensionBytes) {
    return malformed("The chunk extensions are too long or have a control character.");
  }
  return std::nullopt;
}

}  // namespace cocoon::http
