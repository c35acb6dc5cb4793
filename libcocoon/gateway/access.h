#pragma once
/// @file Who may use the gateway: a web page must not spend the deposit of the machine it is looked
/// at on (gateway.md "What is sent").

#include <string>
#include <string_view>
#include <vector>

#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "gateway/route.h"
#include "http/request_head.h"

namespace cocoon::gateway {

struct AccessRules {
  /// Accepted as `Host` beside loopback names; an entry without a port stands for any port.
  std::vector<std::string> hosts;
  /// Accepted as `Origin`, exactly ("https://app.example").
  std::vector<std::string> origins;
  /// Whether this is one of the local API keys, compared in constant time. Empty: none is needed.
  Callback<bool(std::string_view)> key_accepted;
};

/// Whether `host` (with or without port) names this machine, for this machine: localhost,
/// 127.0.0.0/8, [::1].
bool is_loopback_host(std::string_view host);

/// First check of a head, for every path. `Host` guards against DNS rebinding, `Origin` against
/// pages of other sites. Errors: unauthorized/host_not_allowed, unauthorized/origin_not_allowed.
Status check_caller(const AccessRules& rules, const http::RequestHead& head);

/// Second check, for the path's own rules: a key for all but /healthz and preflights; for inference
/// a body of type application/json without content coding (a form of a web page cannot have that).
/// Errors: unauthorized/invalid_api_key, invalid_argument/media_type_not_json.
Status check_route_access(AccessRules& rules, const http::RequestHead& head, const Route& route);

}  // namespace cocoon::gateway
