#pragma once
/// @file Which proxies clients and workers may have to do with, and which ones they look for.

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <string>
#include <vector>

#include "billing/registry.h"
#include "codec/hex.h"

namespace cocoon::core {

/// That the registry in use lists the proxy: taking it out is what answers a stolen key. Where the
/// registry lists none, there is none, whoever is configured.
inline Status check_listed(const billing::Registry& registry, const AccountId& proxy) {
  if (registry.find_proxy(proxy) != nullptr) return ok();
  return Error(ErrorKind::unauthorized, "proxy_not_registered",
               fmt::format("version {} of the registry does not list proxy {}: use one that it "
                           "lists, or have its owner list this one",
                           registry.version, to_hex(proxy.bytes)));
}

/// Who names no proxies uses those that the registry lists, as they come and go: the endpoints for
/// which there is no link yet.
template <class Link>
std::vector<std::string> unknown_endpoints(const billing::Registry& registry,
                                           const std::list<Link>& links) {
  std::vector<std::string> out;
  for (const billing::ProxyEntry& proxy : registry.proxies) {
    const bool known = std::any_of(links.begin(), links.end(), [&proxy](const Link& link) {
      return link.endpoint == proxy.endpoint;
    });
    const bool twice = std::find(out.begin(), out.end(), proxy.endpoint) != out.end();
    if (!known && !twice) out.push_back(proxy.endpoint);
  }
  return out;
}

inline bool lists_endpoint(const billing::Registry& registry, const std::string& endpoint) {
  return std::any_of(
      registry.proxies.begin(), registry.proxies.end(),
      [&endpoint](const billing::ProxyEntry& proxy) { return proxy.endpoint == endpoint; });
}

/// Drops the links to endpoints that the registry does not list any more, where nothing is under
/// way there, and connects those that are new in it.
template <class Link, class Connect>
void follow_endpoints(const billing::Registry& registry, std::list<Link>& links, Connect connect) {
  links.remove_if([&registry](const Link& link) {
    return link.state == decltype(link.state)::waiting && !lists_endpoint(registry, link.endpoint);
  });
  for (const std::string& endpoint : unknown_endpoints(registry, links)) {
    Link& link = links.emplace_back();
    link.endpoint = endpoint;
    connect(link);
  }
}

}  // namespace cocoon::core
