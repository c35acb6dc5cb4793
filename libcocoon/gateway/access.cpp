#include "gateway/access.h"

#include <algorithm>

#include "http/header.h"

namespace cocoon::gateway {
namespace {

/// `host` without `:port`. Brackets of IPv6 addresses stay.
std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  return has_port ? host.substr(0, colon) : host;
}

/// Four numbers with points between them, the first 127: no name can look like that.
bool is_loopback_v4(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int parts = 0;
  std::size_t digits = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++parts;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return parts == 3 && digits > 0;
}

bool is_allowed_host(const AccessRules& rules, std::string_view host) {
  if (is_loopback_host(host)) return true;
  return std::any_of(rules.hosts.begin(), rules.hosts.end(), [&](const std::string& allowed) {
    return http::equal_ignoring_case(allowed, host) ||
           http::equal_ignoring_case(allowed, without_port(host));
  });
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return http::equal_ignoring_case(type, "application/json");
}

Status check_key(AccessRules& rules, const http::RequestHead& head) {
  if (!rules.key_accepted) return ok();
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = head.header("authorization").value_or("");
  const bool bearer = given.size() > kScheme.size() &&
                      http::equal_ignoring_case(given.substr(0, kScheme.size()), kScheme);
  if (bearer && rules.key_accepted(given.substr(kScheme.size()))) return ok();
  return Error(ErrorKind::unauthorized, "invalid_api_key",
               bearer
                   ? "This API key is not one of the gateway's (`api_keys` in its configuration)."
                   : "The gateway wants an API key: Authorization: Bearer KEY.");
}

Status check_media(const http::RequestHead& head) {
  const auto type = head.header("content-type");
  if (!type || !is_json(*type)) {
    return Error(ErrorKind::invalid_argument, "media_type_not_json",
                 "The body must be JSON, with Content-Type: application/json.");
  }
  const auto coding = head.header("content-encoding");
  if (coding && !http::equal_ignoring_case(*coding, "identity")) {
    return Error(ErrorKind::invalid_argument, "media_type_not_json",
                 "The body must not be compressed: send no Content-Encoding.");
  }
  return ok();
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string_view name = without_port(host);
  return http::equal_ignoring_case(name, "localhost") || name == "[::1]" || is_loopback_v4(name);
}

Status check_caller(const AccessRules& rules, const http::RequestHead& head) {
  const auto host = head.header("host");
  if (!host || !is_allowed_host(rules, *host)) {
    return Error(
        ErrorKind::unauthorized, "host_not_allowed",
        "The Host header names neither loopback nor one of the gateway's hosts. To reach the "
        "gateway under this name, add it to `allowed_hosts` in its configuration.");
  }
  const auto origin = head.header("origin");
  if (origin &&
      std::find(rules.origins.begin(), rules.origins.end(), *origin) == rules.origins.end()) {
    return Error(ErrorKind::unauthorized, "origin_not_allowed",
                 "Web pages of this origin may not use the gateway. To let them, add the origin to "
                 "`allowed_origins` in its configuration.");
  }
  return ok();
}

Status check_route_access(AccessRules& rules, const http::RequestHead& head, const Route& route) {
  if (route.kind != RouteKind::health && route.kind != RouteKind::preflight) {
    COCOON_CHECK(check_key(rules, head));
  }
  if (route.kind == RouteKind::inference) COCOON_CHECK(check_media(head));
  return ok();
}

}  // namespace cocoon::gateway
