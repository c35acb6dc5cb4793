#pragma once
/// @file Which of the gateway's pages a request is for.

#include <string>
#include <string_view>

#include "cocoon/request.h"
#include "cocoon/result.h"
#include "http/request_head.h"

namespace cocoon::gateway {

enum class RouteKind : std::uint8_t {
  inference,  ///< POST of one of the endpoints
  models,     ///< GET /v1/models
  model,      ///< GET /v1/models/{id}
  health,     ///< GET /healthz
  metrics,    ///< GET /metrics
  evidence,   ///< GET /v1/cocoon/evidence
  market,     ///< GET /v1/cocoon/market
  preflight   ///< OPTIONS of any of them, by a browser
};

struct Route {
  RouteKind kind{};
  Endpoint endpoint{};      ///< inference
  std::string model_id;     ///< model; percent-decoded
  Preference preference{};  ///< inference
};

/// The route of a request, by method and path; a query is ignored.
/// Errors: not_found/path_not_found; invalid_argument/method_not_allowed, with the methods that
/// allowed_methods() gives.
Result<Route> find_route(const http::RequestHead& head);

/// What the caller says by `X-Cocoon-Prefer`; balanced where it says nothing.
/// Errors: invalid_argument/bad_preference.
Result<Preference> find_preference(const http::RequestHead& head);

/// For `Allow`: the methods of a path that exists; empty for another.
std::string_view allowed_methods(std::string_view path);

}  // namespace cocoon::gateway
