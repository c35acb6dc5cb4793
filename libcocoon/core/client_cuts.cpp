/// ClientCore: requests that ended here before the proxy had said what they cost. Their caps stay
/// reserved until it says so; the charge stays unproved until the worker's receipt proves it.

#include <algorithm>

#include "core/client_core.h"
#include "core/usage_bounds.h"

namespace cocoon::core {

/// The request ends here, and what it cost is not known yet.
void ClientCore::leave_cut(const Request& request, CutBy by) {
  ProxyLink* proxy = find_proxy(request.peer);
  if (proxy == nullptr || proxy->channel == nullptr || !request.sealed) return;
  Cut cut;
  cut.cap = request.cap;
  cut.peer = request.peer;
  cut.stream = request.stream;
  cut.candidates = request.candidates;
  cut.registry_version = request.registry_version;
  cut.sealed_at = request.sealed_at;
  cut.bounds = usage_bounds(request.plan, request.answer_bytes);
  // What has not come was not served: reasoning, too, has its bytes in what was streamed.
  cut.bounds.output_tokens = std::min(cut.bounds.output_tokens, request.answer_bytes);
  if (request.answer_bytes == 0 && by != CutBy::caller) cut.bounds.prompt_tokens = 0;
  proxy->channel->cuts.emplace(request.sealed->hash(), std::move(cut));
}

/// The proxy has ended a request. What it charges all the same is for what came of an answer that
/// was cut, and the receipt that proves it follows. @return what is acknowledged
Nano ClientCore::settle_reset(ProxyLink& proxy, const Request& request, const wire::Reset& reset,
                              Now now) {
  const Nano cost = std::min(reset.cost, cost_of_mark(request));
  if (cost.value == 0) {
    (void)settle(*proxy.channel, request.sealed->hash(), cost, billing::Proof::none);
  } else {
    leave_cut(request, CutBy::network);
    settle_crossed(proxy, reset.stream, {{}, cost, {}, reset.charged_total}, now);
  }
  return cost;
}

void ClientCore::charge_cut(Channel& channel, Cut& cut, const RequestHash& hash, Nano cost,
                            Now now) {
  cut.settled = true;
  cut.since = now.mono;
  if (auto settled = settle(channel, hash, cost, billing::Proof::none); !settled) {
    return report(LogLevel::error, "a charge was refused: " + settled.error().detail());
  }
  cut.cost = saturating_add(cut.cost, cost);
  cut.unproved = saturating_add(cut.unproved, cost);
}

/// A new connection: what ran on one that is gone, and was not settled by name, has cost what the
/// proxy's cumulative charge has beyond what is settled, up to the caps. What still runs explains
/// up to its own caps first: its ends may be on their way on another connection.
void ClientCore::settle_lost(Channel& channel, Nano charged, Now now) {
  const auto lost = [&](const Cut& cut) { return !cut.settled && find_proxy(cut.peer) == nullptr; };
  Nano running = channel.meter.running();
  for (const auto& [hash, cut] : channel.cuts) {
    if (lost(cut)) running = floor_sub(running, cut.cap);
  }
  Nano unexplained = floor_sub(charged, saturating_add(channel.meter.spent(), running));
  for (auto& [hash, cut] : channel.cuts) {
    if (!lost(cut)) continue;
    const Nano cost = std::min(unexplained, cut.cap);
    unexplained = floor_sub(unexplained, cost);
    charge_cut(channel, cut, hash, cost, now);
  }
}

/// The proxy says what a cut request cost, or shows what proves it.
void ClientCore::settle_cut(ProxyLink& proxy, const wire::Settlement& said, Now now) {
  if (proxy.channel == nullptr) return;
  Channel& channel = *proxy.channel;
  const auto at = channel.cuts.find(said.request);
  if (at == channel.cuts.end()) return;  // settled already, or none of ours
  Cut& cut = at->second;
  if (!std::exchange(cut.named, true)) {
    if (!cut.settled) {
      charge_cut(channel, cut, said.request, said.cost, now);
    } else {
      charge_late(channel, cut, said, now);
    }
  }
  if (!said.receipt.empty() && cut.unproved.value > 0) {
    auto proved = cost_proved(cut, said.request, proxy.account, said.receipt);
    if (proved) {
      channel.meter.prove(std::min(cut.unproved, *proved));
      channel.dirty = true;
    } else {
      report(LogLevel::warning,
             "a receipt does not prove what it was shown for: " + proved.error().detail());
    }
    cut.unproved = Nano{0};  // one receipt per request
  }
  if (cut.unproved.value == 0) channel.cuts.erase(at);
  voucher_due_.push_back(proxy.peer);
  advance_ = true;
}

/// The proxy may have found the connection dead, and have charged, only after the statement that
/// settled the request. Where that had the charge already, the sum leaves no room for it.
void ClientCore::charge_late(Channel& channel, Cut& cut, const wire::Settlement& said, Now now) {
  const Nano room =
      std::min(floor_sub(cut.cap, cut.cost), floor_sub(said.charged_total, channel.meter.spent()));
  const Nano cost = std::min(said.cost, room);
  if (cost.value > 0 && channel.meter.admit(said.request, cost)) {
    charge_cut(channel, cut, said.request, cost, now);
  }
}

/// The proxy had ended the stream before it saw our reset; its last frame says what was charged.
void ClientCore::settle_crossed(ProxyLink& proxy, StreamId stream, wire::Settlement said, Now now) {
  if (proxy.channel == nullptr) return;
  for (const auto& [hash, cut] : proxy.channel->cuts) {
    if (cut.peer != proxy.peer || cut.stream != stream) continue;
    said.request = hash;
    return settle_cut(proxy, said, now);
  }
}

/// What the worker's receipt says that the request cost, as far as that has reached us: a proxy
/// that holds answers back gets no more than max_exposure for all of them.
Result<Nano> ClientCore::cost_proved(const Cut& cut, const RequestHash& hash,
                                     const AccountId& proxy, ByteView bytes) {
  COCOON_TRY(const billing::SignedReceipt signed_receipt, billing::SignedReceipt::decode(bytes));
  const billing::Receipt& receipt = signed_receipt.receipt;
  const auto worker = std::find_if(cut.candidates.begin(), cut.candidates.end(),
                                   [&](const Worker& w) { return w.account == receipt.worker; });
  if (worker == cut.candidates.end()) {
    return Error(ErrorKind::protocol, "receipt_mismatch",
                 "the receipt is of a worker that the request was not sealed for");
  }
  COCOON_CHECK(receipts_.verify(signed_receipt, worker->boot_key));
  COCOON_TRY(const billing::Registry* registry,
             registry_.priced(cut.registry_version, cut.sealed_at));
  billing::ReceiptTerms terms;
  terms.network = identity_.network;
  terms.request = hash;
  terms.proxy = proxy;
  terms.worker = worker->account;
  terms.registry_version = cut.registry_version;
  terms.coefficient_e3 = worker->coefficient_e3;
  terms.cap = cut.cap;
  // The worker may have been ahead of what reached us; the cap bounds it, and so does the clamp.
  terms.bounds = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
  COCOON_CHECK(billing::check_receipt(receipt, terms, registry->prices));
  return billing::cost(billing::clamp(receipt.tokens, cut.bounds), receipt.coefficient_e3,
                       registry->prices);
}

/// Receipts that have not come by now do not come any more.
void ClientCore::forget_cuts(Now now) {
  for (auto& [id, channel] : channels_) {
    std::erase_if(channel->cuts, [&](const auto& entry) {
      return entry.second.settled && now.mono - entry.second.since > limits::kCutRemembered;
    });
  }
}

}  // namespace cocoon::core
