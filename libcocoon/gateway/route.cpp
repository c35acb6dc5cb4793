#include "gateway/route.h"

#include <optional>

#include "codec/percent.h"
#include "http/openai.h"

namespace cocoon::gateway {
namespace {

constexpr std::string_view kModelPrefix = "/v1/models/";

struct Page {
  std::string_view path;
  RouteKind kind;
};
constexpr Page kPages[] = {
    {"/v1/models", RouteKind::models},        {"/healthz", RouteKind::health},
    {"/metrics", RouteKind::metrics},         {"/v1/cocoon/evidence", RouteKind::evidence},
    {"/v1/cocoon/market", RouteKind::market},
};

std::optional<Route> route_of_path(std::string_view path) {
  Route route;
  if (const auto endpoint = http::endpoint_of(path)) {
    route.kind = RouteKind::inference;
    route.endpoint = *endpoint;
    return route;
  }
  for (const Page& page : kPages) {
    if (page.path != path) continue;
    route.kind = page.kind;
    return route;
  }
  if (path.size() <= kModelPrefix.size() || !path.starts_with(kModelPrefix)) return std::nullopt;
  auto id = percent_decode(path.substr(kModelPrefix.size()));
  if (!id) return std::nullopt;
  route.kind = RouteKind::model;
  route.model_id = std::move(*id);
  return route;
}

}  // namespace

Result<Route> find_route(const http::RequestHead& head) {
  auto route = route_of_path(head.path);
  if (!route) {
    return Error(
        ErrorKind::not_found, "path_not_found",
        "There is nothing at this path. The API is at /v1/chat/completions, "
        "/v1/completions, /v1/embeddings, /v1/responses and /v1/models; a client library's "
        "base URL must end in /v1.");
  }
  if (head.method == "OPTIONS") {
    route->kind = RouteKind::preflight;
    return *std::move(route);
  }
  const bool fits = route->kind == RouteKind::inference
                        ? head.method == "POST"
                        : head.method == "GET" || head.method == "HEAD";
  if (!fits) {
    return Error(ErrorKind::invalid_argument, "method_not_allowed",
                 "This path takes " + std::string(allowed_methods(head.path)) + ".");
  }
  return *std::move(route);
}

Result<Preference> find_preference(const http::RequestHead& head) {
  const std::string_view said = head.header("x-cocoon-prefer").value_or("balanced");
  if (said == "balanced") return Preference::balanced;
  if (said == "cheapest") return Preference::cheapest;
  if (said == "fastest") return Preference::fastest;
  return Error(ErrorKind::invalid_argument, "bad_preference",
               "The header X-Cocoon-Prefer is \"balanced\", \"cheapest\" or \"fastest\".");
}

std::string_view allowed_methods(std::string_view path) {
  const auto route = route_of_path(path);
  if (!route) return {};
  return route->kind == RouteKind::inference ? "POST" : "GET, HEAD";
}

}  // namespace cocoon::gateway
