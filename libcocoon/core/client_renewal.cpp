/// ClientCore: fresh connections replace old ones, before the evidence of the proxy runs out. The
/// old one serves until the fresh one is ready; then it finishes what runs on it.

#include <algorithm>

#include "core/client_core.h"

namespace cocoon::core {

MonoTime ClientCore::renewal_due(const ProxyLink& proxy) const {
  return core::renewal_due(proxy, proxy.state == ProxyState::ready && !draining_);
}

void ClientCore::renew_due(Now now) {
  for (auto old = proxies_.begin(); old != proxies_.end(); ++old) {
    if (renewal_due(*old) > now.mono) continue;
    connect(put_fresh(proxies_, old));
  }
}

/// Whether an answer of any kind is waited for there.
bool ClientCore::in_use(const ProxyLink& proxy) const {
  const auto asked_there = [&proxy](const ModelsAsk& ask) { return ask.peer == proxy.peer; };
  if (!proxy.streams.empty() ||
      std::any_of(models_asked_.begin(), models_asked_.end(), asked_there))
    return true;
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

}  // namespace cocoon::core
