#include "http/response_writer.h"

#include <fmt/format.h>

#include <iterator>

namespace cocoon::http {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};
constexpr Reason kReasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    const auto code = static_cast<unsigned char>(c);
    out += code < ' ' || code == 0x7f ? ' ' : c;
  }
}

/// Statuses that never have a body, nor a Content-Length (RFC 9110 sections 15.2 and 15.3.5).
bool never_has_body(int status) {
  return status < 200 || status == 204;
}

}  // namespace

std::string_view reason_phrase(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Unknown";
}

ResponseWriter::ResponseWriter(const RequestHead& request, bool close_after)
    : chunked_(request.version_minor >= 1),
      keep_alive_(request.keep_alive && request.version_minor >= 1 && !close_after),
      without_body_(request.method == "HEAD") {}

void ResponseWriter::informational_continue(std::string& out) {
  out += "HTTP/1.1 100 Continue\r\n\r\n";
}

void ResponseWriter::head(std::string& out, int status, std::span<const Header> headers) const {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const Header& header : headers) {
    out += header.name;
    out += ": ";
    append_value(out, header.value);
    out += "\r\n";
  }
}

void ResponseWriter::fixed(std::string& out, int status, std::span<const Header> headers,
                           std::string_view body) const {
  head(out, status, headers);
  if (!never_has_body(status)) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", body.size());
  }
  out += keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n";
  if (!without_body_ && !never_has_body(status)) out += body;
}

void ResponseWriter::begin_stream(std::string& out, int status,
                                  std::span<const Header> headers) const {
  head(out, status, headers);
  if (chunked_) out += "Transfer-Encoding: chunked\r\n";
  out += keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n";
}

void ResponseWriter::chunk(std::string& out, std::string_view data) const {
  if (data.empty() || without_body_) return;
  if (!chunked_) {
    out += data;
    return;
  }
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", data.size());
  out += data;
  out += "\r\n";
}

void ResponseWriter::end_stream(std::string& out) const {
  if (chunked_ && !without_body_) out += "0\r\n\r\n";
}

}  // namespace cocoon::http
