#include "gateway/route.h"

#include "http/openai.h"

namespace cocoon::gateway {
namespace {

constexpr std::string_view kModelPrefix = "/v1/models/";

struct Page {
  std::string_view path;
  RouteKind kind;
};
constexpr Page kPages[] = {
    {"/v1/models", RouteKind::models},
    {"/healthz", RouteKind::health},
    {"/metrics", RouteKind::metrics},
    {"/v1/cocoon/evidence", RouteKind::evidence},
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

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
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

std::string_view allowed_methods(std::string_view path) {
  const auto route = route_of_path(path);
  if (!route) return {};
  return route->kind == RouteKind::inference ? "POST" : "GET, HEAD";
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace cocoon::gateway
