#include "http/request_head.h"

#include <fmt/format.h>
#include <http_parser.h>

#include <algorithm>
#include <charconv>

#include "base/limits.h"

namespace cocoon::http {
namespace {

/// Headers of which a second one would be read by some and ignored by others.
constexpr std::string_view kSingleHeaders[] = {
    "host",   "content-length", "transfer-encoding", "content-type", "authorization",
    "origin", "expect"};

Error bad(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}
Error malformed(std::string detail) {
  return bad("http_malformed", std::move(detail));
}
Error smuggling(std::string detail) {
  return bad("http_smuggling", std::move(detail));
}

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&kMarks](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

/// `method SP target SP HTTP/1.x`, and nothing that a lenient reader would forgive.
Status check_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return malformed("The request line must be a method, a path and a version.");
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(line.substr(0, first))) return malformed("The method is no token.");
  if (target.empty() || target.front() != '/') {
    return malformed("The request target must be a path that begins with '/'.");
  }
  if (std::any_of(target.begin(), target.end(),
                  [](char c) { return c <= ' ' || c > '~' || c == '#'; })) {
    return malformed("The request target has a character that must be percent-encoded.");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return bad("http_version_unsupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  }
  return ok();
}

/// What http_parser forgives: space around names, folded lines, lines without a name.
Status check_field_lines(std::string_view lines) {
  while (lines != "\r\n") {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    if (!is_token(line.substr(0, line.find(':'))) || line.find(':') == std::string_view::npos) {
      return smuggling(
          "A header line must begin with a name and a colon, with no space before either.");
    }
  }
  return ok();
}

int take_url(http_parser* parser, const char* at, std::size_t length) {
  static_cast<RequestHead*>(parser->data)->target = {at, length};
  return 0;
}

int take_name(http_parser* parser, const char* at, std::size_t length) {
  auto& headers = static_cast<RequestHead*>(parser->data)->headers;
  if (headers.size() >= limits::kMaxHttpHeaders) return 1;
  headers.push_back({{at, length}, {}});
  return 0;
}

int take_value(http_parser* parser, const char* at, std::size_t length) {
  std::string_view value(at, length);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  static_cast<RequestHead*>(parser->data)->headers.back().value = value;
  return 0;
}

int take_end_of_head(http_parser* parser) {
  auto& head = *static_cast<RequestHead*>(parser->data);
  head.keep_alive = http_should_keep_alive(parser) != 0;
  parser->upgrade = 0;  // offers to change the protocol are ignored, as RFC 9110 7.8 allows
  return 0;
}

Error parser_error(http_errno fault) {
  switch (fault) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
      return smuggling("The length of the body is given wrongly, or in two ways.");
    case HPE_CB_header_field:
      return Error(ErrorKind::too_large, "header_too_large",
                   fmt::format("A request may have {} header fields.", limits::kMaxHttpHeaders));
    default: return malformed(fmt::format("The request head: {}.", http_errno_description(fault)));
  }
}

Status run_parser(std::string_view bytes, RequestHead& head) {
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &head;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = take_url;
  settings.on_header_field = take_name;
  settings.on_header_value = take_value;
  settings.on_headers_complete = take_end_of_head;
  const std::size_t used = http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
  if (HTTP_PARSER_ERRNO(&parser) != HPE_OK) return parser_error(HTTP_PARSER_ERRNO(&parser));
  if (used != bytes.size()) return malformed("The request head ends before its empty line.");
  head.method = http_method_str(static_cast<http_method>(parser.method));
  head.version_minor = parser.http_minor;
  return ok();
}

Status check_host(const RequestHead& head) {
  const auto host = head.header("host");
  const auto fits = [](char c) {
    return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  };
  if (!host || host->empty() || !std::all_of(host->begin(), host->end(), fits)) {
    return bad("http_host_invalid", "A request must have one Host header with a name or address.");
  }
  return ok();
}

/// How the body is delimited (RFC 9112 section 6), where there is exactly one way to read it.
Status read_framing(RequestHead& head) {
  if (const auto coding = head.header("transfer-encoding")) {
    if (head.version_minor == 0) return smuggling("HTTP/1.0 knows no Transfer-Encoding.");
    if (!equal_ignoring_case(*coding, "chunked")) {
      return bad("transfer_coding_unknown", "The only Transfer-Encoding accepted is `chunked`.");
    }
    head.chunked = true;
  }
  if (const auto length = head.header("content-length")) {
    if (head.chunked) return smuggling("Content-Length and Transfer-Encoding exclude each other.");
    const char* end = length->data() + length->size();
    const auto [stop, fault] = std::from_chars(length->data(), end, head.content_length);
    if (fault != std::errc() || stop != end) {
      return smuggling("Content-Length must be one decimal number.");
    }
  }
  if (const auto expect = head.header("expect")) {
    if (!equal_ignoring_case(*expect, "100-continue")) {
      return bad("expectation_unknown", "The only Expect accepted is `100-continue`.");
    }
    head.expect_continue = head.version_minor == 1 && head.has_body();
  }
  return ok();
}

}  // namespace

Result<RequestHead> parse_request_head(std::string_view bytes) {
  const std::size_t line_end = bytes.find("\r\n");
  COCOON_CHECK(check_request_line(bytes.substr(0, line_end)));
  COCOON_CHECK(check_field_lines(bytes.substr(line_end + 2)));
  RequestHead head;
  head.headers.reserve(16);
  COCOON_CHECK(run_parser(bytes, head));
  for (const std::string_view name : kSingleHeaders) {
    const auto same = [name](const Header& h) { return equal_ignoring_case(h.name, name); };
    if (std::count_if(head.headers.begin(), head.headers.end(), same) > 1) {
      return smuggling(fmt::format("There is more than one `{}` header.", name));
    }
  }
  COCOON_CHECK(check_host(head));
  COCOON_CHECK(read_framing(head));
  const std::size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != std::string_view::npos) head.query = head.target.substr(question + 1);
  return head;
}

}  // namespace cocoon::http
