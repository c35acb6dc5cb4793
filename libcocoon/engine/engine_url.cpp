#include "engine/engine_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/engine_client.h"
#include "io/address.h"

namespace cocoon::engine {
namespace {

Error bad_url(std::string_view text, std::string_view why) {
  return Error(ErrorKind::invalid_argument, "bad_engine_url",
               fmt::format("the engine's URL \"{}\" {}: write the server's base URL, such as "
                           "http://127.0.0.1:8000, or unix:/PATH",
                           text.substr(0, 200), why));
}

}  // namespace

Result<EngineUrl> EngineUrl::parse(std::string_view text) {
  EngineUrl out;
  out.shown = text;
  if (text.substr(0, 5) == "unix:") {
    auto address = io::Address::parse(text);
    if (!address) return bad_url(text, "names no usable socket");
    out.unix_socket = address->unix_path;
    out.base = "http://localhost";
    return out;
  }
  if (text.substr(0, 7) != "http://" && text.substr(0, 8) != "https://") {
    return bad_url(text, "does not begin with http://");
  }
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  if (text.size() > 3 && text.substr(text.size() - 3) == "/v1") {
    return bad_url(text, "ends in /v1, which is added by itself");
  }
  if (text.find_first_of("?# \t\r\n@") != std::string_view::npos) {
    return bad_url(text, "has a query, a user or white space");
  }
  out.base = text;
  if (!io::check_http_url(out.base)) return bad_url(text, "is no URL");
  return out;
}

bool EngineUrl::is_local() const {
  if (!unix_socket.empty()) return true;
  std::string_view host = std::string_view(base).substr(base.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('[')) return host.substr(0, host.find(']')) == "[::1";
  host = host.substr(0, host.find(':'));
  const auto numeric = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  return host == "localhost" ||
         (host.starts_with("127.") && std::all_of(host.begin(), host.end(), numeric));
}

Status check_engine_place(std::string_view url, bool development) {
  COCOON_TRY(const EngineUrl parsed, EngineUrl::parse(url));
  if (development || parsed.is_local()) return ok();
  return Error(
      ErrorKind::invalid_argument, "engine_not_local",
      fmt::format("the engine {} is not in this guest, and would be sent prompts in the "
                  "clear: outside development networks, run it here and write \"engine_url\" "
                  "with 127.0.0.1, localhost or [::1], or unix:/PATH",
                  parsed.shown));
}

io::HttpRequest EngineUrl::request(io::HttpMethod method, std::string_view path) const {
  io::HttpRequest out;
  out.method = method;
  out.url = base + std::string(path);
  out.unix_socket = unix_socket;
  return out;
}

}  // namespace cocoon::engine
