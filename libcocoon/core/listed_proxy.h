#pragma once
/// @file Whether clients and workers may have to do with a proxy.

#include <fmt/format.h>

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

}  // namespace cocoon::core
