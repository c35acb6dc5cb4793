#include "io/address.h"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"

namespace cocoon::io {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

Error bad_address(std::string_view text, std::string_view why) {
  return Error(ErrorKind::invalid_argument, "bad_address",
               fmt::format("\"{}\" {}: write HOST:PORT, [IPV6]:PORT or unix:/PATH",
                           text.substr(0, limits::kMaxHostNameBytes), why));
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_host_name(std::string_view host) {
  for (const char c : host) {
    if (!is_host_character(c)) return false;
  }
  return !host.empty() && host.size() <= limits::kMaxHostNameBytes;
}

bool is_numeric_v6(std::string_view host) {
  for (const char c : host) {
    // '%' introduces a zone, as in fe80::1%eth0.
    if (!is_host_character(c) && c != ':' && c != '%') return false;
  }
  return host.find(':') != std::string_view::npos && host.size() <= limits::kMaxHostNameBytes;
}

}  // namespace

std::string Address::text() const {
  if (is_unix()) return std::string(kUnixPrefix) + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Address> Address::parse(std::string_view text) {
  Address out;
  if (text.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    out.unix_path = text.substr(kUnixPrefix.size());
    if (out.unix_path.empty()) return bad_address(text, "names no path");
    if (out.unix_path.size() > limits::kMaxUnixPathBytes) {
      return bad_address(text, fmt::format("has a path over {} bytes", limits::kMaxUnixPathBytes));
    }
    if (out.unix_path.find('\0') != std::string::npos) {
      return bad_address(text, "has a zero byte in its path");
    }
    return out;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text, "has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_numeric_v6(host)) return bad_address(text, "has no IPv6 address in its brackets");
  } else if (!is_host_name(host)) {
    return bad_address(text, "has no valid host name");
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return bad_address(text, "has no port between 0 and 65535");
  }
  out.host = host;
  return out;
}

}  // namespace cocoon::io
