#pragma once
/// @file Parses the head of a request: see request_parser.h.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cocoon/result.h"
#include "http/header.h"

namespace cocoon::http {

/// What a request's head says. Views point into the bytes that it was parsed from.
struct RequestHead {
  std::string_view method;  ///< "GET", …
  std::string_view target;  ///< path and query as they came, beginning with '/'
  std::string_view path;    ///< target up to '?'
  std::string_view query;   ///< behind '?'; empty where there is none
  std::vector<Header> headers;
  unsigned version_minor = 1;  ///< 0 or 1
  bool keep_alive = false;     ///< the caller can send another request on this connection
  /// The caller sends the body only when told `100 Continue`.
  bool expect_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;  ///< 0 where chunked, or where there is no body

  bool has_body() const { return chunked || content_length != 0; }
  /// The value of the first header of that name, in any case; nothing where there is none.
  std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

/// Parses a complete head, empty line included. Errors: those of RequestParser that are about
/// heads.
/// @pre every CR is followed by an LF and every LF preceded by a CR; no other control characters
/// but tabs
Result<RequestHead> parse_request_head(std::string_view bytes);

}  // namespace cocoon::http
