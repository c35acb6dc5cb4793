/// WorkerCore: fresh connections replace old ones, before a certificate at either end runs out. The
/// old one serves until the proxy has taken the fresh one in; then it finishes what runs on it.

#include "core/worker_core.h"

namespace cocoon::core {

void WorkerCore::on_certificate(const Hash& leaf_sha256, Now now) {
  // Records name the certificate that their connection showed, so a new one means new connections.
  leaf_sha256_ = leaf_sha256;
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state == ProxyState::ready) proxy.renew_at = now.mono;
  }
  renew_due(now);
}

MonoTime WorkerCore::renewal_due(const ProxyLink& proxy) const {
  return core::renewal_due(proxy, proxy.state == ProxyState::ready && !draining_);
}

void WorkerCore::renew_due(Now now) {
  for (auto old = proxies_.begin(); old != proxies_.end(); ++old) {
    if (renewal_due(*old) > now.mono) continue;
    connect(put_fresh(proxies_, old), now);
  }
}

/// The proxy gives nothing new to this connection. Where a fresh one replaces it, that is now in
/// use; the answer shows the proxy that this one is alive and finishes.
void WorkerCore::on_going_away(ProxyLink& proxy, std::string_view reason, Now now) {
  proxy.going_away = true;
  if (!draining_) {
    try_those_left(proxies_, random_, now);
  } else if (reason == kPaidReason) {
    for (ProxyLink& link : proxies_) link.paid = link.paid || link.account == proxy.account;
  }
  if (!proxy.replaced) return;
  proxy.link->connection.go_away("replaced", "a newer connection of this worker is used");
  touch(proxy.peer);
}

/// Ends the old connections on which nothing runs any more. Nothing can be on its way: the proxy's
/// goaway came after all that it opened.
void WorkerCore::close_replaced() {
  for (ProxyLink& old : proxies_) {
    if (!old.replaced || !old.going_away || old.state != ProxyState::ready) continue;
    if (!old.runs.empty()) continue;
    old.state = ProxyState::closing;
    emit(Disconnect{old.peer});
  }
}

}  // namespace cocoon::core
