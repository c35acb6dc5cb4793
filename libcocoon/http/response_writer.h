#pragma once
/// @file HTTP/1.1 responses as a server writes them (RFC 9112).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/header.h"
#include "http/request_head.h"

namespace cocoon::http {

/// The reason phrase of a status: "OK"; "Unknown" where there is none.
std::string_view reason_phrase(int status);

/// Serialises the response to one request. Everything is appended to `out`, nothing is kept.
///
/// Either fixed(), or begin_stream(), any number of chunk(), end_stream(). informational_continue()
/// may come before. Control characters in header values become spaces, so that text from outside
/// cannot end a header.
class ResponseWriter {
 public:
  /// For `request`, as far as framing depends on it.
  /// @param close_after the server will not read another request from this connection
  ResponseWriter(const RequestHead& request, bool close_after);
  /// For a request whose head could not be read: HTTP/1.1, and the connection closes.
  ResponseWriter() = default;

  /// `100 Continue`: the caller may send its body.
  static void informational_continue(std::string& out);

  /// A whole response. `headers` must not contain framing headers (Content-Length, Connection,
  /// Transfer-Encoding): those come from here.
  void fixed(std::string& out, int status, std::span<const Header> headers,
             std::string_view body) const;

  /// The head of a response whose length is not known: chunked, or up to the end of the connection
  /// for a caller that speaks HTTP/1.0.
  void begin_stream(std::string& out, int status, std::span<const Header> headers) const;
  /// One piece of the body, as one chunk. An empty piece is left out: it would end the body.
  void chunk(std::string& out, std::string_view data) const;
  void end_stream(std::string& out) const;

  /// Whether the connection stays open behind the response. Never for HTTP/1.0.
  bool keeps_alive() const { return keep_alive_; }

 private:
  void head(std::string& out, int status, std::span<const Header> headers) const;

  bool chunked_ = true;
  bool keep_alive_ = false;
  bool without_body_ = false;  // the answer to HEAD
};

}  // namespace cocoon::http
