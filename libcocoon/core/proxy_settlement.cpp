/// ProxyCore: charges, payouts, and what goes to the ledger and the store.

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "core/proxy_core.h"
#include "core/store_keys.h"
#include "core/usage_bounds.h"

namespace cocoon::core {

const billing::Prices* ProxyCore::prices_of(const Request& request) const {
  auto registry = registry_.priced(request.header.registry_version, request.admitted);
  return registry ? &(*registry)->prices : nullptr;
}

// --- The end of a request ---

Result<billing::Receipt> ProxyCore::check_receipt_of(const Request& request) {
  COCOON_TRY(const billing::SignedReceipt receipt,
             billing::SignedReceipt::decode(*request.receipt));
  COCOON_CHECK(receipts_.verify(receipt, request.worker_boot_key));
  COCOON_TRY(const billing::Registry* registry,
             registry_.priced(request.header.registry_version, request.admitted));
  billing::ReceiptTerms terms;
  terms.network = identity_.network;
  terms.request = request.hash;
  terms.proxy = identity_.account.account_id();
  terms.worker = request.worker_account;
  terms.registry_version = request.header.registry_version;
  terms.coefficient_e3 = request.coefficient_e3;
  terms.cap = request.header.cost_cap;
  terms.bounds = usage_bounds(request.header, request.answer_bytes);
  COCOON_CHECK(billing::check_receipt(receipt.receipt, terms, registry->prices));
  if (receipt.receipt.evidence != request.worker_evidence) {
    return Error(ErrorKind::protocol, "receipt_mismatch",
                 "the receipt names other evidence than the worker's record");
  }
  return receipt.receipt;
}

/// All of the answer has been forwarded, and the worker has sent its receipt.
void ProxyCore::complete(Request& request, Now now) {
  auto receipt = check_receipt_of(request);
  if (!receipt) {
    report(LogLevel::warning,
           fmt::format("worker {}: receipt refused: {}", short_hex(request.worker_account.bytes),
                       receipt.error().detail()));
    return worker_gave_up(request,
                          Error(ErrorKind::upstream, "bad_receipt",
                                "the worker's receipt was refused; nothing was charged"),
                          now);
  }
  const bool done = receipt->outcome == billing::Outcome::done;
  const Nano cost = receipt->outcome == billing::Outcome::failed ? Nano{0} : receipt->cost;
  const AccountId worker = request.worker_account;
  const billing::TokenCounts& tokens = receipt->tokens;
  request.mark = {tokens.prompt, tokens.cached, tokens.completion, tokens.reasoning};
  // An error that cost nothing is quick, and may be the client's doing: it says nothing of either.
  const bool counted = !(tokens == billing::TokenCounts{});
  const auto outcome = counted ? routing::Outcome::served : routing::Outcome::cancelled;
  leave_worker(request, done ? outcome : routing::Outcome::failed, now);
  const Nano charged = charge(request, cost, tokens);
  owe(request, worker, charged);
  ++(done ? counts_.requests_done : counts_.requests_failed);
  if (Peer* client = find_peer(request.client)) {
    wire::End end;
    end.stream = request.client_stream;
    end.receipt = *request.receipt;
    end.cost = charged;
    end.charged_total = request.channel->meter.charged();
    client->link.connection.send_end(end);
    client->requests.erase(request.client_stream);
    touch(request.client);
  }
  erase_request(request);
}

/// Ends the reservation. @return what was charged.
Nano ProxyCore::charge(Request& request, Nano cost, const billing::TokenCounts& tokens) {
  Channel& channel = *request.channel;
  if (auto status = channel.meter.charge(request.hash, cost); !status) {
    report(LogLevel::error, "a charge was refused: " + status.error().detail());
    return Nano{0};
  }
  if (cost.value == 0) return cost;
  channel.dirty = true;
  counts_.charged = saturating_add(counts_.charged, cost);
  if (options_.on_usage) {
    Usage usage;
    usage.prompt_tokens = tokens.prompt;
    usage.cached_tokens = tokens.cached;
    usage.completion_tokens = tokens.completion;
    usage.reasoning_tokens = tokens.reasoning;
    usage.cost_nano = cost.value;
    options_.on_usage(channel.client, channel.id, request.header.model, usage);
  }
  return cost;
}

/// The worker's share of what was charged.
void ProxyCore::owe(const Request& request, const AccountId& worker, Nano charged) {
  const auto* prices = prices_of(request);
  if (prices == nullptr || charged.value == 0) return;
  if (payouts_.owe(worker, billing::worker_share(charged, prices->worker_share_e4))) {
    dirty_workers_.insert(worker);
  }
}

/// All workers' averages are one value, some 80 bytes each. What a killed proxy forgets of them it
/// has measured again after a few answers.
void ProxyCore::store_reputation() {
  if (!std::exchange(reputation_dirty_, false)) return;
  ports::StoreBatch batch;
  batch.put(std::string(kReputationKey), scheduler_.reputation().snapshot());
  emit(WriteStore{std::move(batch)});
}

/// What the tokens of the last forwarded mark cost, within the request's bounds and cap.
Nano ProxyCore::cost_of_mark(const Request& request) const {
  const auto* prices = prices_of(request);
  if (prices == nullptr) return Nano{0};
  const billing::TokenCounts counts =
      billing::clamp(counts_of(request.mark), usage_bounds(request.header, request.answer_bytes));
  auto cost = billing::cost(counts, request.coefficient_e3, *prices);
  return cost ? std::min(*cost, request.header.cost_cap) : Nano{0};
}

// --- Ledger ---

void ProxyCore::settle_periodically(Now now) {
  forget_cuts(now);
  for (auto& [id, channel] : channels_) {
    redeem(*channel, billing::Worth::usual);
    present(*channel);
  }
  redeem_for_backing();
  if (!draining_) look_for_closing(now);
  send_payouts(payouts_.waiting());
  store_dirty();
  if (now.mono < next_reputation_) return;
  next_reputation_ = now.mono + limits::kReputationInterval;
  store_reputation();
}

void ProxyCore::settle_all(Now) {
  // What is worth less stays in the store, for the next run or `cocoon-wallet redeem`.
  for (auto& [id, channel] : channels_) redeem(*channel, billing::Worth::backing);
  send_payouts(payouts_.waiting());
  store_dirty();
  store_reputation();
}

/// Brings in what the workers' vouchers need beyond pool and stake, in the fewest messages: the
/// largest vouchers first, and no more of them than that, together with what is under way.
void ProxyCore::redeem_for_backing() {
  Nano need = payouts_.unbacked();  // a walk over all workers
  if (need == Nano{0}) return;
  const auto share = [this](Nano value) {
    return billing::worker_share(value, registry_.current()->prices.worker_share_e4);
  };
  std::vector<std::pair<Nano, Channel*>> worthwhile;
  for (auto& [id, channel] : channels_) {
    if (channel->busy) {
      need = floor_sub(need, share(channel->redeeming));
    } else if (channel->meter.redeem_due(billing::Worth::backing)) {
      worthwhile.emplace_back(channel->meter.redeemable(), channel.get());
    }
  }
  std::sort(worthwhile.begin(), worthwhile.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [value, channel] : worthwhile) {
    if (need == Nano{0}) return;
    redeem(*channel, billing::Worth::backing);
    need = floor_sub(need, share(value));
  }
}

/// A client that begins to close its channel tells nobody but the ledger, and what it was charged
/// has to be presented within the channel's delay. One channel a turn: thousands leave a ledger
/// room for everything else, and each has its turn several times within a delay. Where they are too
/// many for that, whichever has waited longest is next, so that each has one all the same.
void ProxyCore::look_for_closing(Now now) {
  const auto put_off = [now](Channel& channel) {
    constexpr int kLooksPerDelay = 4;
    channel.look_from = now.mono + Millis(channel.close_delay) / kLooksPerDelay;
  };
  Channel* next = nullptr;
  for (auto& [id, channel] : channels_) {
    if (channel->busy || channel->meter.unclaimed() == Nano{0}) continue;
    if (channel->look_from == MonoTime{}) put_off(*channel);  // it has just been read
    if (now.mono < channel->look_from) continue;
    if (next == nullptr || channel->look_from < next->look_from) next = channel.get();
  }
  const bool unseen = !looking_ && !unseen_.empty();
  if (unseen && (next == nullptr || unseen_.front().first <= next->look_from)) {
    return look_at_restored();
  }
  if (next == nullptr) return;
  put_off(*next);
  read_channel(*next);
}

/// A client of an earlier run may never come back, and close.
void ProxyCore::look_at_restored() {
  const ChannelId id = unseen_.front().second;
  unseen_.pop_front();
  if (channels_.count(id) != 0) return;
  looking_ = true;
  call_ledger(ports::ReadChannel{id}, ForRestored{id});
}

void ProxyCore::redeem(Channel& channel, billing::Worth worth) {
  if (channel.busy) return;
  const auto due = channel.meter.redeem_due(worth);
  if (!due) return;
  channel.redeeming = channel.meter.redeemable();
  channel.busy = true;
  channel.stale = true;
  call_ledger(ports::RedeemVoucher{channel.id, due->voucher}, ForChannel{channel.id});
}

void ProxyCore::present(Channel& channel) {
  if (channel.busy) return;
  const auto due = channel.meter.present_due();
  if (!due) return;
  channel.busy = true;
  channel.stale = true;
  call_ledger(ports::PresentVoucher{channel.id, due->voucher, due->claim}, ForChannel{channel.id});
}

void ProxyCore::read_channel(Channel& channel) {
  if (channel.busy) return;
  channel.busy = true;
  call_ledger(ports::ReadChannel{channel.id}, ForChannel{channel.id});
}

/// A channel may have been topped up since it was read. Vouchers, of which the other refusals
/// speak, the ledger does not know.
void ProxyCore::reread_refusing(Channel& channel, const Error& why, Now now) {
  if (why.code() == "deposit_exhausted" || why.code() == "channel_not_open") reread(channel, now);
}

/// Whoever asks for it, no more often than the ledger can bear.
void ProxyCore::reread(Channel& channel, Now now) {
  if (now.mono < channel.reread_from) return;
  channel.reread_from = now.mono + limits::kChannelReread;
  read_channel(channel);
}

void ProxyCore::read_contract() {
  if (contract_busy_) {
    contract_stale_ = true;  // what is on its way may be from before the newest payment
    return;
  }
  contract_busy_ = true;
  call_ledger(ports::ReadProxy{identity_.account.account_id()}, ForContract{});
}

void ProxyCore::on_channel_answer(const ChannelId& id, const LedgerAnswer& answer) {
  const auto at = channels_.find(id);
  if (at == channels_.end()) return;
  Channel& channel = *at->second;
  channel.busy = false;
  if (!answer) {
    channel.redeeming = {};
    report(LogLevel::warning, "ledger: " + answer.error().detail() + "; trying again later");
    return;
  }
  if (const auto* bounced = std::get_if<ports::Bounced>(&*answer)) {
    report(LogLevel::warning, "the ledger refused a voucher: " + bounced->error.detail());
  }
  if (const auto* view = std::get_if<ports::ChannelView>(&*answer)) {
    channel.redeeming = {};
    if (view->channel) channel.meter.set_channel(*view->channel);
    return;
  }
  // A voucher was paid (or refused): see what the ledger says now.
  if (std::exchange(channel.stale, false)) {
    read_channel(channel);
    read_contract();
  }
}

void ProxyCore::on_restored_answer(const ChannelId& id, const LedgerAnswer& answer, Now now) {
  looking_ = false;
  if (channels_.count(id) != 0) return;  // its client has come meanwhile
  if (!answer) {
    unseen_.emplace_back(now.mono, id);  // once more, after the others
    return;
  }
  const auto* view = std::get_if<ports::ChannelView>(&*answer);
  if (view == nullptr || !view->channel) return;
  if (view->channel->phase != billing::ChannelPhase::closed) channel_of(*view->channel);
}

void ProxyCore::on_contract_answer(const LedgerAnswer& answer) {
  contract_busy_ = false;
  if (std::exchange(contract_stale_, false)) read_contract();
  if (!answer) {
    report(LogLevel::warning, "ledger: " + answer.error().detail() + "; trying again later");
    return;
  }
  if (const auto* view = std::get_if<ports::ProxyView>(&*answer); view && view->proxy) {
    payouts_.set_contract(*view->proxy);
    set_contract_phase(view->proxy->phase);
    send_payouts(payouts_.waiting());
  }
}

/// A contract that closes is not opened again, and a closed one pays nobody: what ran for it would
/// be work for nothing. Workers stay, for the vouchers that they lack.
void ProxyCore::set_contract_phase(billing::ProxyPhase phase) {
  if (std::exchange(contract_phase_, phase) == phase) return;
  if (phase == billing::ProxyPhase::open) return;
  const Error why = unpaid();
  report(LogLevel::error, why.detail());
  for (auto& [id, peer] : peers_) {
    if (peer->role != wire::Role::client || peer->state != PeerState::ready) continue;
    peer->link.connection.go_away(why.code(), why.detail());
    touch(id);
  }
}

Error ProxyCore::unpaid() const {
  return Error(ErrorKind::unavailable, "draining",
               fmt::format("this proxy's contract is {}, so it takes no requests; use another one",
                           billing::to_string(contract_phase_)));
}

// --- Workers' vouchers and the store ---

/// On disk before they are out: one that this proxy forgot would be raised past its backing.
void ProxyCore::send_payouts(const std::vector<AccountId>& workers) {
  ports::StoreBatch batch;
  std::vector<billing::SignedPayout> raised;
  for (const AccountId& worker : workers) {
    const Peer* peer = listed_peer(worker);
    if (peer == nullptr || peer->state != PeerState::ready) continue;
    auto voucher = payouts_.raise(worker);
    if (!voucher) continue;
    raised.push_back(billing::sign(std::move(*voucher), identity_.account));
    batch.put(store_key(kPayoutKey, worker.view()), payouts_.snapshot(worker));
    dirty_workers_.erase(worker);
  }
  if (raised.empty()) return;
  const CallId call = next_call();
  unsent_payouts_.emplace(call, std::move(raised));
  emit(WriteStore{std::move(batch), call});
}

/// One that has left by then is told when it comes back.
void ProxyCore::on_stored(CallId call, Now) {
  auto stored = unsent_payouts_.extract(call);
  if (stored.empty()) return;
  for (const billing::SignedPayout& voucher : stored.mapped()) {
    Peer* peer = listed_peer(voucher.value.worker);
    if (peer == nullptr || peer->state != PeerState::ready) continue;
    send_payout(*peer, voucher);
    dismiss_paid(*peer);
  }
}

bool ProxyCore::has_unsent_payout(const AccountId& worker) const {
  return std::any_of(unsent_payouts_.begin(), unsent_payouts_.end(), [&](const auto& call) {
    return std::any_of(call.second.begin(), call.second.end(),
                       [&](const auto& voucher) { return voucher.value.worker == worker; });
  });
}

/// A worker may have begun to leave, and a request of its has ended.
void ProxyCore::note_leaving(const AccountId& worker) {
  const Peer* peer = listed_peer(worker);
  if (peer != nullptr && peer->going_away) leaving_.push_back(worker);
}

/// A worker that leaves does not wait for the next settlement, and may never come back: it takes
/// the voucher for its last answers along.
void ProxyCore::pay_leaving() {
  const auto leaving = std::exchange(leaving_, {});
  send_payouts(leaving);
  for (const AccountId& worker : leaving) {
    if (Peer* peer = listed_peer(worker)) dismiss_paid(*peer);
  }
}

/// The last word to a worker that leaves: no voucher comes after the one that it has.
void ProxyCore::dismiss_paid(Peer& peer) {
  if (!peer.going_away || payouts_.owed(peer.account) > payouts_.vouched(peer.account)) return;
  if (has_unsent_payout(peer.account)) return;
  const Peer* older = find_peer(peer.replaces);
  if (!peer.requests.empty() || (older != nullptr && !older->requests.empty())) return;
  peer.link.connection.go_away(kPaidReason, "this worker has vouchers for all that it is owed");
  touch(peer.link.peer);
}

void ProxyCore::send_payout(Peer& peer, const billing::SignedPayout& voucher) {
  const Bytes bytes = voucher.value.encode();
  wire::Payout message;
  message.voucher = bytes;
  message.signature = voucher.signature;
  if (const auto* rating = scheduler_.reputation().find(peer.account)) {
    message.rating = rating->figures();
  }
  peer.link.connection.send(message);
  touch(peer.link.peer);
}

/// The newest voucher may have been lost with the connection that it went over, or with what the
/// worker had not written when it was killed, and no other one comes before it has earned more.
void ProxyCore::repeat_payout(Peer& peer) {
  if (has_unsent_payout(peer.account)) return;  // it follows
  if (auto voucher = payouts_.newest(peer.account)) {
    send_payout(peer, billing::sign(std::move(*voucher), identity_.account));
  }
}

void ProxyCore::store_dirty() {
  ports::StoreBatch batch;
  for (auto& [id, channel] : channels_) {
    if (!std::exchange(channel->dirty, false)) continue;
    batch.put(store_key(kChannelKey, id.view()), channel->meter.snapshot());
  }
  for (const AccountId& worker : dirty_workers_) {
    batch.put(store_key(kPayoutKey, worker.view()), payouts_.snapshot(worker));
  }
  dirty_workers_.clear();
  if (batch.writes.empty()) return;
  emit(WriteStore{std::move(batch)});
  reputation_dirty_ = true;
}

}  // namespace cocoon::core
