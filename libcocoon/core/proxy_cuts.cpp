/// ProxyCore: what a request that was cut is charged, and the worker's receipt that proves it. The
/// client's stream is gone, so both travel as settlements: at once where it is connected, else when
/// it comes back.

#include <algorithm>

#include "core/proxy_core.h"

namespace cocoon::core {

void ProxyCore::leave_cut(const Request& request, Nano charged, Now now) {
  if (charged.value == 0) {  // where the client is gone, the next statement says the same
    for (const PeerId id : {request.channel->peer, request.client}) {
      Peer* client = find_peer(id);
      if (client == nullptr || client->state != PeerState::ready) continue;
      client->link.connection.send(wire::Settlement{
          .request = request.hash, .charged_total = request.channel->meter.charged()});
      return touch(id);
    }
    return;
  }
  while (cut_order_.size() >= limits::kMaxCutsRemembered) {
    cuts_.erase(cut_order_.front().second);
    cut_order_.pop_front();
  }
  Cut& cut = cuts_[request.hash];
  cut.channel = request.channel;
  cut.cost = charged;
  cut.worker = request.worker_account;
  if (request.receipt) cut.receipt = *request.receipt;  // all had come but not all was forwarded
  cut_order_.emplace_back(now.mono, request.hash);
  request.channel->cuts.push_back(request.hash);
  tell_cuts(*request.channel);
}

void ProxyCore::on_cut_receipt(const AccountId& worker, const RequestHash& request,
                               ByteView receipt) {
  const auto at = cuts_.find(request);
  if (receipt.empty() || at == cuts_.end() || at->second.worker != worker ||
      !at->second.receipt.empty()) {
    return;
  }
  at->second.receipt = to_bytes(receipt);  // the client, whose money it is, looks into it
  Channel& channel = *at->second.channel;
  const auto untold = std::find(channel.cuts.begin(), channel.cuts.end(), request);
  if (untold == channel.cuts.end()) channel.cuts.push_back(request);
  tell_cuts(channel);
}

void ProxyCore::tell_cuts(Channel& channel) {
  Peer* client = find_peer(channel.peer);
  if (client == nullptr || client->state != PeerState::ready) return;
  for (const RequestHash& request : std::exchange(channel.cuts, {})) {
    const auto at = cuts_.find(request);
    if (at == cuts_.end()) continue;  // forgotten
    client->link.connection.send(
        wire::Settlement{request, at->second.cost, at->second.receipt, channel.meter.charged()});
    if (!at->second.receipt.empty()) cuts_.erase(at);
  }
  touch(channel.peer);
}

void ProxyCore::forget_cuts(Now now) {
  while (!cut_order_.empty() && now.mono - cut_order_.front().first > limits::kCutRemembered) {
    cuts_.erase(cut_order_.front().second);
    cut_order_.pop_front();
  }
}

}  // namespace cocoon::core
