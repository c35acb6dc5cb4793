#include "unit/billing/market.h"

#include <algorithm>

namespace cocoon::billing::test {
namespace {

const ClientLimits kClientLimits{kMaxExposure, Nano{800}};
const ProxyLimits kProxyLimits{kMaxUnacknowledged, Nano{500}, Nano{1}};
const WorkerLimits kWorkerLimits{kMaxUnpaid, Nano{20}};

Nano minus(Nano a, Nano b) {
  return floor_sub(a, b);
}

}  // namespace

Market::Market(std::uint64_t seed) : proxy{key(10), {}, {}, {}, {}}, random(seed) {
  network.bytes = random.array<16>();
  proxy.book = std::make_unique<PayoutBook>(network, proxy.account.account_id());
  for (std::uint8_t i = 0; i < 2; ++i) {
    clients.push_back(
        {key(static_cast<std::uint8_t>(20 + i)), {}, {}, nullptr, {}, {}, {}, {}, {}});
    workers.push_back({key(static_cast<std::uint8_t>(30 + i)), nullptr, {}, {}, {}, {}, {}});
    make_worker_meter(workers.back());
  }
  for (Client& c : clients) {
    c.terms = {network,
               c.account.account_id(),
               proxy.account.account_id(),
               c.account.account_id(),
               random.array<16>(),
               kCloseDelay,
               kMinDeposit,
               kRent};
    c.channel = c.terms.address();
    const Nano deposit{kMinDeposit.value + random.below(30'000)};
    issued = plus(issued, plus(deposit, kRent));
    if (!tell(c.channel, OpenChannel{c.terms, c.account.account_id(), deposit})) {
      broken("a channel could not be opened");
    }
    make_meters(c);
  }
  make_proxy_meters();
  // In some histories the contract comes late: what is sent to it before must not be lost.
  if (random.chance(80)) deploy_contract();
  views_change();
}

void Market::note(std::string_view what) {
  history += std::string(what) + "; ";
  if (history.size() > 600) history.erase(0, history.size() - 600);
}

void Market::broken(std::string what) {
  if (violation.empty()) violation = std::move(what);
}

void Market::make_meters(Client& c) {
  c.meter = std::make_unique<ClientMeter>(network, c.channel, c.terms.signer,
                                          c.account.account_id(), kClientLimits);
  if (!c.snapshot.empty() && !c.meter->restore(c.snapshot)) broken("a client's snapshot is bad");
}

void Market::make_proxy_meters() {
  const AccountId own = proxy.account.account_id();
  for (const Client& c : clients) {
    auto& meter = proxy.meters[c.channel];
    meter = std::make_unique<ProxyMeter>(network, c.channel, c.terms.signer, own, kProxyLimits);
    const auto kept = proxy.snapshots.find(c.channel);
    if (kept != proxy.snapshots.end() && !meter->restore(kept->second)) {
      broken("a proxy's snapshot is bad");
    }
  }
  proxy.book = std::make_unique<PayoutBook>(network, own);
  for (const auto& [worker, snapshot] : proxy.book_snapshots) {
    if (!proxy.book->restore(snapshot)) broken("a payout snapshot is bad");
  }
}

void Market::make_worker_meter(Worker& w) {
  w.meter = std::make_unique<WorkerMeter>(network, proxy.account.account_id(),
                                          w.account.account_id(), kWorkerLimits);
  if (!w.snapshot.empty() && !w.meter->restore(w.snapshot)) broken("a worker's snapshot is bad");
}

Nano Market::in_flight_to(const AccountId& worker) const {
  Nano sum;
  for (const Transfer& t : flying) {
    if (t.reason == TransferReason::payout && t.to == Party::account(worker)) {
      sum = plus(sum, t.amount);
    }
  }
  return sum;
}

/// Everybody reads the ledger. (That some read late is covered by lost messages and crashes.)
void Market::views_change() {
  for (Client& c : clients) {
    c.meter->set_channel(channels.at(c.channel));
    proxy.meters.at(c.channel)->set_channel(channels.at(c.channel));
  }
  if (!contract) return;
  proxy.book->set_contract(*contract);
  for (Worker& w : workers) {
    const AccountId id = w.account.account_id();
    const Nano paid = contract->paid_to(id);
    w.meter->set_contract(paid, minus(paid, in_flight_to(id)), contract->backing());
  }
}

// --- Ledger ---

bool Market::tell(const ChannelId& id, const ChannelMessage& message) {
  const auto at = channels.find(id);
  const std::optional<ChannelState> before =
      at == channels.end() ? std::nullopt : std::optional(at->second);
  auto step = apply(before, message, now);
  if (!step) refusal = step.error().code();
  if (!step) return false;
  channels[id] = step->state;
  if (step->state.phase == ChannelPhase::closing) was_closing[id] = true;
  for (const Transfer& t : step->transfers) {
    Nano& sum = t.reason == TransferReason::settlement ? to_proxy[id] : to_client[id];
    sum = plus(sum, t.amount);
    flying.push_back(t);
  }
  return true;
}

bool Market::tell_contract(const ProxyMessage& message) {
  auto step = apply(contract, message, now);
  if (!step) refusal = step.error().code();
  if (!step) return false;
  contract = step->state;
  for (const Transfer& t : step->transfers) {
    if (t.reason == TransferReason::payout) {
      Nano& sum = to_worker[AccountId{t.to.id}];
      sum = plus(sum, t.amount);
    }
    if (t.reason == TransferReason::fee) {
      fees_taken = plus(fees_taken, t.amount);
      if (!fees_follow_payouts()) broken("fees left before the payouts that they are tied to");
    }
    if (t.reason == TransferReason::withdrawal &&
        (!withdrawal_started || now < *withdrawal_started + kWithdrawDelay)) {
      broken("stake or remainder left before the delay");
    }
    flying.push_back(t);
  }
  return true;
}

/// taken / all ≤ arrived / pool, without a division. It holds when fees leave: what comes in
/// afterwards may be split a little differently, because every split is rounded.
bool Market::fees_follow_payouts() const {
  Nano delivered;
  for (const auto& [worker, amount] : arrived) delivered = plus(delivered, amount);
  const Nano pool = contract->pool_total;
  const Nano all = minus(contract->received, pool);
  return fees_taken.value * pool.value <= all.value * std::min(delivered, pool).value;
}

void Market::arrive(const Transfer& t) {
  if (t.to.kind == Party::Kind::proxy) {
    if (!tell_contract(Receive{t.amount})) bounce(t);
    return;
  }
  Nano& balance = accounts[AccountId{t.to.id}];
  balance = plus(balance, t.amount);
  if (t.reason != TransferReason::payout) return;
  Nano& sum = arrived[AccountId{t.to.id}];
  sum = plus(sum, t.amount);
  if (!tell_contract(PayoutDelivered{t.amount})) broken("an arrived payout was refused");
}

void Market::bounce(const Transfer& t) {
  note("bounce");
  if (t.from.kind == Party::Kind::channel) {
    const ChannelId id{t.from.id};
    Nano& sum = t.reason == TransferReason::settlement ? to_proxy[id] : to_client[id];
    sum = minus(sum, t.amount);
    if (!tell(id, ChannelBounce{t})) broken("a channel refused its own bounce");
    return;
  }
  if (t.reason == TransferReason::payout) {
    Nano& sum = to_worker[AccountId{t.to.id}];
    sum = minus(sum, t.amount);
  }
  if (t.reason == TransferReason::fee) fees_taken = minus(fees_taken, t.amount);
  if (!tell_contract(ProxyBounce{t})) broken("the proxy contract refused its own bounce");
}

void Market::deliver_transfer() {
  if (flying.empty()) return;
  const std::size_t i = random.below(flying.size());
  const Transfer t = flying[i];
  flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(i));
  if (random.chance(25)) {
    bounce(t);
  } else {
    note("arrive");
    arrive(t);
  }
}

void Market::deploy_contract() {
  if (contract) return;
  const Nano stake{random.below(5'000)};
  issued = plus(issued, stake);
  const ProxyTerms terms{network, proxy.account.account_id(), kWithdrawDelay, Nano{0}};
  if (!tell_contract(DeployProxy{terms, kShareE4, stake})) broken("the contract was not deployed");
  note("deploy");
}

void Market::top_up() {
  Client& c = some_client();
  const Nano amount{1 + random.below(4'000)};
  if (!tell(c.channel, TopUp{amount})) return;
  issued = plus(issued, amount);
  note("top up");
}

/// A closed channel's address must stay taken.
void Market::reopen() {
  Client& c = some_client();
  const Nano deposit{kMinDeposit.value * 10};
  if (tell(c.channel, OpenChannel{c.terms, c.account.account_id(), deposit})) {
    broken("a channel was opened twice at one address");
  }
}

void Market::pass_time() {
  now += Seconds(static_cast<std::int64_t>(random.below(90)));
}

void Market::close_something() {
  Client& c = some_client();
  const ChannelState& state = channels.at(c.channel);
  if (state.phase == ChannelPhase::closed) {
    if (tell(c.channel, Resend{})) note("resend");
    return;
  }
  if (state.phase == ChannelPhase::closing) {
    const bool due = now >= state.final_at;
    if (tell(c.channel, Finalise{}) != due) broken("finalising did not follow the delay");
    note("finalise");
    return;
  }
  if (!random.chance(15)) return;
  if (random.chance(30)) {
    const Nano total{state.claimed.value +
                     random.below(minus(state.deposited, state.claimed).value + 1)};
    const CloseAgreement agreement{network, c.channel, total, c.account.account_id()};
    const bool closed = tell(c.channel, CloseByAgreement{sign(agreement, c.account),
                                                         proxy.account.sign(agreement.encode())});
    if (!closed || channels.at(c.channel).phase != ChannelPhase::closed) {
      broken("a cooperative close was not immediate");
    }
    c.most_authorised = std::max(c.most_authorised, total);
    c.most_spent = std::max(c.most_spent, total);
    note("close by agreement");
    return;
  }
  const AccountId by = random.chance(50) ? c.account.account_id() : proxy.account.account_id();
  if (!tell(c.channel, StartClose{by})) broken("a party could not start a close");
  note("start close");
}

// --- Requests ---

void Market::begin_request() {
  const std::size_t client = random.below(clients.size());
  const std::size_t worker = random.below(workers.size());
  Client& c = clients[client];
  const Running r{client, worker, RequestHash{random.array<32>()}, RunId{random.array<16>()},
                  Nano{1 + random.below(1'500)}};
  if (!c.meter->admit(r.request, r.cap)) return;
  if (c.meter->voucher_need() == VoucherNeed::required) {
    hand_over(c, sign(c.meter->next_voucher(), c.account));
  }
  ProxyMeter& meter = *proxy.meters.at(c.channel);
  const bool refused = !meter.reserve(r.request, r.cap);
  const bool no_worker =
      refused || !workers[worker].meter->reserve(r.run, worker_share(r.cap, kShareE4));
  if (no_worker) {
    if (!refused && !meter.charge(r.request, Nano{0})) broken("a reservation was lost");
    if (!c.meter->settle(r.request, Nano{0}, Proof::none)) broken("a refusal could not be settled");
    return;
  }
  running.push_back(r);
  note("request");
}

void Market::end_request() {
  if (running.empty()) return;
  const std::size_t i = random.below(running.size());
  const Running r = running[i];
  running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
  Client& c = clients[r.client];
  Worker& w = workers[r.worker];
  const Nano cost = random.up_to(r.cap);
  const Nano share = worker_share(cost, kShareE4);
  if (w.meter->earn(r.run, share)) {
    w.earned = plus(w.earned, share);
    w.snapshot = w.meter->snapshot();
  }
  // A proxy that has crashed since knows nothing of it, and charges nothing.
  ProxyMeter& meter = *proxy.meters.at(c.channel);
  const bool charged_now = bool(meter.charge(r.request, cost));
  if (charged_now) {
    charged[c.channel] = plus(charged[c.channel], cost);
    proxy.snapshots[c.channel] = meter.snapshot();
    if (!proxy.book->owe(w.account.account_id(), share)) broken("an amount overflowed");
    proxy.book_snapshots[w.account.account_id()] = proxy.book->snapshot(w.account.account_id());
  }
  const bool receipt_came = charged_now && random.chance(80);
  const Nano asked = charged_now ? cost : random.up_to(r.cap);  // a rogue may ask for what is not
  const bool settled =
      bool(c.meter->settle(r.request, asked, receipt_came ? Proof::receipt : Proof::none));
  if (settled && receipt_came) c.proved = plus(c.proved, cost);
  if (random.chance(60)) c.snapshot = c.meter->snapshot();
  note("end");
}

void Market::hand_over(Client& c, const SignedVoucher& voucher) {
  c.signed_vouchers.push_back(voucher);
  c.most_spent = std::max(c.most_spent, voucher.value.spent);
  c.most_authorised = std::max(c.most_authorised, voucher.value.authorised);
  if (random.chance(15)) return;  // lost
  ProxyMeter& meter = *proxy.meters.at(c.channel);
  if (!meter.accept(voucher)) broken("the proxy refused an honest voucher");
  Nano& most = acknowledged[c.channel];
  most = std::max(most, voucher.value.spent);
  proxy.snapshots[c.channel] = meter.snapshot();
}

void Market::send_voucher() {
  Client& c = some_client();
  if (c.meter->voucher_need() == VoucherNeed::none && random.chance(70)) return;
  hand_over(c, sign(c.meter->next_voucher(), c.account));
  note("voucher");
}

void Market::redeem_or_present() {
  Client& c = some_client();
  ProxyMeter& meter = *proxy.meters.at(c.channel);
  const auto redeem = meter.redeem_due(random.chance(50) ? Worth::any : Worth::usual);
  const auto present = meter.present_due();
  if (random.chance(20)) return;  // the message is lost
  if (!present && !redeem) return;
  const bool taken = present ? tell(c.channel, *present) : tell(c.channel, *redeem);
  note(present ? "present" : "redeem");
  if (!taken) only_because_of_a_late_view("a due voucher was refused");
}

/// Who acts on what the ledger said a while ago may be told that it is done already.
void Market::only_because_of_a_late_view(std::string_view what) {
  for (std::string_view late : {"nothing_to_pay", "channel_closed", "channel_not_closing"}) {
    if (refusal == late) return;
  }
  broken(std::string(what) + ": " + refusal);
}

/// Any voucher that was ever signed, perhaps altered.
SignedVoucher Market::some_voucher(bool& forged) {
  const Client& from = some_client();
  SignedVoucher v;
  if (!from.signed_vouchers.empty()) {
    v = from.signed_vouchers[random.below(from.signed_vouchers.size())];
  } else {
    v = sign(Voucher{network, from.channel, Nano{1}, Nano{1}, {}}, key(99));
  }
  forged = from.signed_vouchers.empty();
  const std::uint64_t how = random.below(8);
  if (how == 0) v.value.spent = plus(v.value.spent, Nano{1});
  if (how == 1) v.value.authorised = plus(v.value.authorised, Nano{1000});
  if (how == 2) v.value.network.bytes[0] ^= 1;
  if (how == 3) v.value.leftovers.bytes[0] ^= 1;
  if (how == 4) v.signature[5] ^= 1;
  if (how == 5) v = sign(v.value, key(99));
  forged = forged || how <= 5;
  return v;
}

/// A rogue proxy claims all it can, with old, foreign and altered vouchers too.
void Market::rogue_claims() {
  if (!random.chance(30)) return;
  Client& c = some_client();
  bool forged = false;
  const SignedVoucher v = some_voucher(forged);
  const bool foreign = v.value.channel != c.channel;
  const AccountId own = proxy.account.account_id();
  const AccountId sender = random.chance(80) ? own : key(99).account_id();
  const ChannelState before = channels.at(c.channel);
  const Nano claim =
      random.chance(70) ? v.value.authorised : Nano{random.below(v.value.authorised.value + 500)};
  const bool presenting = random.chance(50);
  const bool taken =
      presenting ? tell(c.channel, Present{sender, v, claim}) : tell(c.channel, Redeem{sender, v});
  if (!taken) {
    if (!(channels.at(c.channel) == before)) broken("a refused voucher changed the channel");
    return;
  }
  note("rogue claim");
  if (forged) broken("a forged voucher was accepted");
  if (foreign) broken("a foreign voucher was accepted");
  if (sender != own) broken("a voucher of a stranger's was accepted");
  if (before.phase == ChannelPhase::closed) broken("a closed channel took a voucher");
  if (presenting && before.phase != ChannelPhase::closing) {
    broken("an authorisation was paid outside a close");
  }
}

// --- Payouts ---

void Market::raise_payouts() {
  Worker& w = some_worker();
  const AccountId id = w.account.account_id();
  const auto raised = proxy.book->raise(id);
  if (!raised) return;
  proxy.book_snapshots[id] = proxy.book->snapshot(id);  // on disk before it is out
  const SignedPayout voucher = sign(*raised, proxy.account);
  w.signed_payouts.push_back(voucher);
  w.most_owed = std::max(w.most_owed, voucher.value.owed);
  note("payout voucher");
  if (random.chance(15)) return;  // lost
  if (!w.meter->accept(voucher)) broken("the worker refused an honest voucher");
  if (!w.best || w.best->value.owed < voucher.value.owed) w.best = voucher;
}

void Market::cash_out() {
  Worker& w = some_worker();
  const auto due = w.meter->cash_out_due(random.chance(60) ? Worth::any : Worth::usual);
  if (!due || !contract || random.chance(20)) return;
  note("cash out");
  if (!tell_contract(CashOut{*due})) only_because_of_a_late_view("a due payout was refused");
}

void Market::forged_cash_out() {
  if (!contract || !random.chance(30)) return;
  Worker& w = some_worker();
  if (w.signed_payouts.empty()) return;
  SignedPayout v = w.signed_payouts[random.below(w.signed_payouts.size())];
  const std::uint64_t how = random.below(6);
  if (how == 0) v.value.owed = plus(v.value.owed, Nano{1});
  if (how == 1) v.value.network.bytes[0] ^= 1;
  if (how == 2) v.value.worker = key(99).account_id();
  if (how == 3) v.value.proxy = key(99).account_id();
  if (how == 4) v = sign(v.value, key(99));
  const ProxyState before = *contract;
  const bool taken = tell_contract(CashOut{v});
  if (taken && how <= 4) broken("a forged payout voucher was accepted");
  if (!taken && !(*contract == before)) broken("a refused payout changed the contract");
}

void Market::fees_and_stake() {
  if (!contract) return deploy_contract();
  const AccountId own = proxy.account.account_id();
  const std::uint64_t what = random.below(40);
  if (what < 20) {
    if (tell_contract(TakeFees{own})) note("fees");
  } else if (what < 22) {
    if (tell_contract(TakeFees{key(99).account_id()})) broken("a stranger took fees");
  } else if (what < 26) {
    const Nano amount{random.below(500)};
    if (!tell_contract(AddStake{amount})) return;
    issued = plus(issued, amount);
    note("stake");
  } else if (what == 26) {
    if (!tell_contract(StartWithdrawal{own})) return;
    withdrawal_started = now;
    note("start withdrawal");
  } else if (what < 35) {
    if (tell_contract(FinishWithdrawal{own})) note("withdraw");
  } else if (tell_contract(FinishWithdrawal{key(99).account_id()})) {
    broken("a stranger withdrew the stake");
  }
}

// --- Crashes ---

void Market::crash_client() {
  Client& c = some_client();
  make_meters(c);
  std::vector<Running> kept;
  for (const Running& r : running) {
    if (clients[r.client].channel != c.channel) kept.push_back(r);
  }
  // The proxy and the workers go on; the client learns of the costs from nobody.
  running.swap(kept);
  note("client crash");
  views_change();
  ProxyMeter& meter = *proxy.meters.at(c.channel);
  if (random.chance(50) && meter.voucher() && !c.meter->adopt(*meter.voucher())) {
    broken("the client refused its own voucher");
  }
}

void Market::crash_proxy() {
  make_proxy_meters();
  note("proxy crash");
  views_change();
  for (Worker& w : workers) {
    if (w.best && !proxy.book->adopt(*w.best)) broken("the proxy refused its own payout voucher");
  }
}

void Market::crash_worker() {
  Worker& w = some_worker();
  make_worker_meter(w);
  note("worker crash");
  views_change();
  if (!w.signed_payouts.empty() && !w.meter->accept(w.signed_payouts.back())) {
    broken("the worker refused its voucher");
  }
  if (!w.signed_payouts.empty()) w.best = w.signed_payouts.back();
}

void Market::step() {
  using Step = void (Market::*)();
  struct Weighted {
    std::uint64_t weight;
    Step step;
  };
  static constexpr Weighted kSteps[] = {{20, &Market::begin_request},
                                        {20, &Market::end_request},
                                        {8, &Market::send_voucher},
                                        {8, &Market::redeem_or_present},
                                        {8, &Market::rogue_claims},
                                        {8, &Market::raise_payouts},
                                        {6, &Market::cash_out},
                                        {4, &Market::forged_cash_out},
                                        {14, &Market::deliver_transfer},
                                        {5, &Market::close_something},
                                        {2, &Market::top_up},
                                        {1, &Market::reopen},
                                        {4, &Market::fees_and_stake},
                                        {3, &Market::pass_time}};
  std::uint64_t total = 0;
  for (const Weighted& s : kSteps) total += s.weight;
  std::uint64_t pick = random.below(total);
  for (const Weighted& s : kSteps) {
    if (pick < s.weight) {
      (this->*s.step)();
      break;
    }
    pick -= s.weight;
  }
  if (random.chance(3)) crash_client();
  if (random.chance(3)) crash_proxy();
  if (random.chance(3)) crash_worker();
  if (random.chance(70)) views_change();
}

}  // namespace cocoon::billing::test
