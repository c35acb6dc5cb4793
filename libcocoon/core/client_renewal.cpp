/// ClientCore: fresh connections replace old ones, before the evidence of the proxy runs out. The
/// old one serves until the fresh one is ready; then it finishes what runs on it.

#include <algorithm>

#include "core/client_core.h"

namespace cocoon::core {

/// When a fresh connection is to replace this one. Not while it replaces another itself: two are
/// enough.
MonoTime ClientCore::renewal_due(const ProxyLink& proxy) const {
  const bool can = proxy.state == ProxyState::ready && !proxy.replaced &&
                   proxy.replaces == nullptr && !draining_;
  return can ? proxy.renew_at : kNever;
}

void ClientCore::renew_due(Now now) {
  for (auto old = proxies_.begin(); old != proxies_.end(); ++old) {
    if (renewal_due(*old) > now.mono) continue;
    ProxyLink& fresh = *proxies_.emplace(old);
    fresh.endpoint = old->endpoint;
    fresh.replaces = &*old;
    old->replaced = true;
    connect(fresh);
  }
}

/// Whether an answer of any kind is waited for there.
bool ClientCore::in_use(const ProxyLink& proxy) const {
  if (!proxy.streams.empty() || !proxy.models_asked.empty()) return true;
  const auto unsettled = [&proxy](const auto& cut) {
    return cut.second.peer == proxy.peer && !cut.second.settled;
  };
  const auto& cuts = proxy.channel->cuts;
  if (std::any_of(cuts.begin(), cuts.end(), unsettled)) return true;
  return std::any_of(evidence_.begin(), evidence_.end(), [&proxy](const auto& entry) {
    return entry.second.state == EvidenceState::fetching && entry.second.from == proxy.peer;
  });
}

/// Ends the old connections that nothing needs any more. Only this side opens streams, so nothing
/// can be on its way.
void ClientCore::close_replaced() {
  for (const ProxyLink& fresh : proxies_) {
    ProxyLink* old = fresh.replaces;
    if (old == nullptr || fresh.state != ProxyState::ready) continue;
    if (old->state != ProxyState::ready || in_use(*old)) continue;
    old->state = ProxyState::closing;
    emit(Disconnect{old->peer});
  }
}

/// A replaced connection is gone, and with it its place.
void ClientCore::forget_replaced(ProxyLink& old) {
  for (ProxyLink& fresh : proxies_) {
    if (fresh.replaces == &old) fresh.replaces = nullptr;
  }
  proxies_.remove_if([&old](const ProxyLink& proxy) { return &proxy == &old; });
}

}  // namespace cocoon::core
