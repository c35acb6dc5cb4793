// modules: billing
// covers: libcocoon/billing/channel_contract.cpp libcocoon/billing/proxy_contract.cpp
/// @file A contract as a ledger has stored it, as any bytes: what is read is written as it was
/// read, and whatever message comes next, no nanoton appears or is lost, and the state that follows
/// can be stored and read again. The first byte of the input says which contract it is, the second
/// how the bytes that follow are mended; none of them is a contract that is not deployed yet.

#include <algorithm>

#include "base/limits.h"
#include "billing/contract.h"
#include "fuzz/billing_script.h"
#include "fuzz/require.h"

namespace {

using namespace cocoon;
using namespace cocoon::billing;
using fuzz::client;
using fuzz::key;
using fuzz::proxy;
using fuzz::require;
using fuzz::Step;

__extension__ using Uint128 = unsigned __int128;

const NetworkId kNetwork{{1}};
AccountId worker(std::uint8_t number) {
  return AccountId{{std::uint8_t(number % 4)}};
}

/// The stored bytes, then the messages to the contract.
struct Input : fuzz::BillingScript {
  using BillingScript::BillingScript;

  void put(std::size_t at, ByteView bytes) {
    if (at + bytes.size() > stored.size()) return;
    std::copy(bytes.begin(), bytes.end(), stored.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void put(std::size_t at, std::uint64_t sum) { put(at, ByteWriter().u64be(sum).take()); }
  std::uint64_t sum(std::size_t at) const {
    return at + 8 > stored.size() ? 0 : ByteReader(ByteView(stored).subspan(at, 8)).u64be();
  }
};

Uint128 total(const std::vector<Transfer>& transfers) {
  Uint128 out = 0;
  for (const Transfer& t : transfers) out += t.amount.value;
  return out;
}

/// A contract, and what it has sent that may come back.
template <class State>
struct Contract {
  std::optional<State> state;
  std::vector<Transfer> sent;
  UnixTime now = unix_seconds(1'700'000'000);
  /// Whatever it does, it can pay.
  bool genuine = true;

  /// The transfer to bounce: one that was sent, once; or one that never was.
  Transfer coming_back(const Step& step, const Transfer& forged) {
    if (sent.empty() || step.which >= 128) {
      genuine = genuine && step.amount == Nano{0};
      return forged;
    }
    const auto at = sent.begin() + step.which % static_cast<std::ptrdiff_t>(sent.size());
    const Transfer out = *at;
    sent.erase(at);
    return out;
  }

  /// @param in what comes with the message; @param held what a state holds
  template <class Message>
  bool take(const Message& message, Nano in, Uint128 (*held)(const State&)) {
    auto step = apply(state, message, now);
    if (!step) {
      require(!step.error().detail().empty());
      require(!genuine || step.error().kind() != ErrorKind::internal);
      return false;
    }
    const Uint128 before = state ? held(*state) : 0;
    require(before + in.value == held(step->state) + total(step->transfers));
    const auto again = State::decode(step->state.encode());
    require(again && *again == step->state);
    require(!state || (state->terms == step->state.terms && state->phase <= step->state.phase));
    state = std::move(step->state);
    for (const Transfer& t : step->transfers) {
      require(t.amount > Nano{0});
      sent.push_back(t);
    }
    return true;
  }
};

/// @return whether there is a contract, stored soundly or not deployed yet
template <class State>
bool load(Contract<State>& contract, const Bytes& stored, std::string_view bad) {
  if (stored.empty()) return true;
  auto state = State::decode(stored);
  if (!state) {
    require(state.error().code() == bad);
    return false;
  }
  require(state->encode() == stored);
  require(!to_string(state->phase).empty() && to_string(state->phase) != "unknown");
  contract.state = std::move(state).value();
  return true;
}

// --- A channel ---

using Channel = Contract<ChannelState>;

ChannelTerms channel_terms() {
  return {kNetwork, client(), proxy(), client(), {}, Seconds{3600}, Nano{1000}, Nano{50}};
}

Uint128 channel_holds(const ChannelState& s) {
  return s.balance.value;
}

SignedVoucher voucher(const ChannelState& s, const Step& step) {
  Voucher v{s.terms.network, s.id(), Nano{step.amount.value / 2}, step.amount, worker(step.which)};
  if (step.which / 4 % 8 == 1) v.network.bytes[1] ^= 1;
  if (step.which / 4 % 8 == 2) v.channel.bytes[1] ^= 1;
  return sign(v, key(step.which / 4 % 8 == 3 ? 2 : 1));
}

Signed<CloseAgreement> agreement(const ChannelState& s, const Step& step) {
  CloseAgreement a{s.terms.network, s.id(), step.amount, worker(step.which)};
  if (step.which / 4 % 8 == 1) a.network.bytes[1] ^= 1;
  if (step.which / 4 % 8 == 2) a.channel.bytes[1] ^= 1;
  return sign(a, key(step.which / 4 % 8 == 3 ? 2 : 1));
}

void redeem(Channel& c, const Step& step, bool present) {
  const ChannelState before = *c.state;
  const SignedVoucher v = voucher(before, step);
  const AccountId sender = step.which / 4 % 8 == 4 ? client() : proxy();
  const Nano claim = step.which >= 128 ? saturating_add(step.amount, Nano{1}) : step.amount;
  const bool taken = present ? c.take(Present{sender, v, claim}, Nano{0}, channel_holds)
                             : c.take(Redeem{sender, v}, Nano{0}, channel_holds);
  if (!taken) return;
  require(sender == before.terms.proxy && signed_by(v, before.terms.signer.bytes));
  require(v.value.network == before.terms.network && v.value.channel == before.id());
  require(before.phase != ChannelPhase::closed);
  require(!present || (before.phase == ChannelPhase::closing && claim <= v.value.authorised));
  const Nano entitled = std::min(present ? claim : v.value.spent, before.deposited);
  require(c.state->claimed == std::max(before.claimed, entitled));
  require(c.state->settled == c.state->claimed);
}

void close_by_agreement(Channel& c, const Step& step) {
  const ChannelState before = *c.state;
  const auto by_signer = agreement(before, step);
  const crypto::Signature by_proxy =
      key(step.which / 4 % 8 == 4 ? 1 : 2).sign(by_signer.value.encode());
  if (!c.take(CloseByAgreement{by_signer, by_proxy}, Nano{0}, channel_holds)) return;
  require(step.which / 4 % 8 == 0 || step.which / 4 % 8 > 4);
  require(c.state->claimed == step.amount && before.claimed <= step.amount);
  require(c.state->phase == ChannelPhase::closed && c.state->balance == c.state->terms.rent);
}

void act(Channel& c, const Step& step) {
  c.now += Seconds(60) * step.which;
  if (!c.state || step.what % 9 == 0) {
    ChannelTerms terms = channel_terms();
    if (step.which % 4 == 1) terms.close_delay = Seconds{-1};
    if (step.which % 4 == 2) terms.close_delay = limits::kMaxCloseDelay + Seconds{1};
    const AccountId sender = step.which % 4 == 3 ? proxy() : client();
    const Nano in = saturating_add(step.amount, terms.rent);
    c.take(OpenChannel{terms, sender, step.amount}, in, channel_holds);
    return;
  }
  const bool was_open = c.state->phase == ChannelPhase::open;
  const Nano claimed = c.state->claimed;
  switch (step.what % 9) {
    case 1: require(!c.take(TopUp{step.amount}, step.amount, channel_holds) || was_open); break;
    case 2: redeem(c, step, false); break;
    case 3: redeem(c, step, true); break;
    case 4: {
      const AccountId sender = step.which % 4 == 0   ? worker(0)
                               : step.which % 2 == 0 ? proxy()
                                                     : client();
      require(!c.take(StartClose{sender}, Nano{0}, channel_holds) || was_open);
      break;
    }
    case 5: {
      const UnixTime final_at = c.state->final_at;
      if (!c.take(Finalise{}, Nano{0}, channel_holds)) break;
      require(c.now >= final_at && c.state->balance == c.state->terms.rent);
      break;
    }
    case 6: close_by_agreement(c, step); break;
    case 7: c.take(Resend{}, Nano{0}, channel_holds); break;
    default: {
      const Transfer forged{
          step.which % 2 == 0 ? Party::channel(c.state->id()) : Party::proxy(proxy()),
          Party::proxy(proxy()),
          step.amount,
          step.which % 4 < 2 ? TransferReason::settlement : TransferReason::refund,
          {}};
      const Transfer back = c.coming_back(step, forged);
      c.take(ChannelBounce{back}, back.amount, channel_holds);
    }
  }
  require(c.state->claimed >= claimed);
}

/// Makes the sums of stored bytes add up, and the parties those whose keys are here.
void mend_channel(Input& in) {
  constexpr std::size_t kClient = 4 + 16;
  constexpr std::size_t kRent = kClient + 3 * 32 + 16 + 2 * 8;
  constexpr std::size_t kDeposited = kRent + 8 + 1;
  if ((in.mend & 1) != 0) {
    in.put(kDeposited + 8,
           in.sum(kDeposited) + in.sum(kRent) - in.sum(kDeposited + 24) - in.sum(kDeposited + 32));
  }
  if ((in.mend & 2) == 0) return;
  in.put(kClient, client().view());
  in.put(kClient + 32, proxy().view());
  in.put(kClient + 64, client().view());
}

void channel(Input in) {
  mend_channel(in);
  Channel contract;
  if (!load(contract, in.stored, "bad_channel_state")) return;
  while (in.more()) act(contract, in.next());
}

// --- A proxy's contract ---

using Proxy = Contract<ProxyState>;

Uint128 proxy_holds(const ProxyState& s) {
  return Uint128{s.pool.value} + s.fees.value + s.stake.value + s.due.value;
}

SignedPayout payout(const ProxyState& s, const Step& step) {
  PayoutVoucher v{s.terms.network, s.terms.account, worker(step.which), step.amount};
  if (step.which / 4 % 8 == 1) v.network.bytes[1] ^= 1;
  if (step.which / 4 % 8 == 2) v.proxy.bytes[1] ^= 1;
  return sign(v, key(step.which / 4 % 8 == 3 ? 1 : 2));
}

void cash_out(Proxy& p, const Step& step) {
  const ProxyState before = *p.state;
  const SignedPayout v = payout(before, step);
  if (!p.take(CashOut{v}, Nano{0}, proxy_holds)) return;
  require(signed_by(v, before.terms.account.bytes) && v.value.proxy == before.terms.account);
  const Nano paid = p.state->paid_to(v.value.worker);
  require(paid > before.paid_to(v.value.worker) && paid <= v.value.owed);
  // The pool comes first, and what is missing then is empty.
  require(p.state->stake == before.stake || p.state->pool == Nano{0});
  require(paid == v.value.owed || p.state->backing() == Nano{0});
}

void take_fees(Proxy& p, const AccountId& sender) {
  const ProxyState before = *p.state;
  if (!p.take(TakeFees{sender}, Nano{0}, proxy_holds)) return;
  require(sender == before.terms.account);
  require(floor_sub(p.state->fees_taken, before.fees_taken) <= before.unlocked_fees());
}

void finish(Proxy& p, const AccountId& sender) {
  const ProxyState before = *p.state;
  if (!p.take(FinishWithdrawal{sender}, Nano{0}, proxy_holds)) return;
  require(sender == before.terms.account && p.now >= before.final_at);
  require(before.phase != ProxyPhase::open && p.state->phase == ProxyPhase::closed);
  require(p.state->due == Nano{0});
  require(before.phase == ProxyPhase::closed || proxy_holds(*p.state) == 0);
}

void act(Proxy& p, const Step& step) {
  p.now += Seconds(60) * step.which;
  const AccountId sender = step.which % 4 == 3 ? client() : proxy();
  if (!p.state || step.what % 10 == 0) {
    ProxyTerms terms{kNetwork, proxy(), Seconds{7200}, Nano{1000}};
    if (step.which % 4 == 1) terms.withdraw_delay = Seconds{-1};
    if (step.which % 4 == 2) terms.withdraw_delay = limits::kMaxCloseDelay + Seconds{1};
    p.take(DeployProxy{terms, std::uint32_t{step.which} * 100, step.amount}, step.amount,
           proxy_holds);
    return;
  }
  switch (step.what % 10) {
    case 1: p.take(AddStake{step.amount}, step.amount, proxy_holds); return;
    case 2: p.take(Receive{step.amount}, step.amount, proxy_holds); return;
    case 3: return cash_out(p, step);
    case 4: p.take(PayoutDelivered{step.amount}, Nano{0}, proxy_holds); return;
    case 5: return take_fees(p, sender);
    case 6: p.take(StartWithdrawal{sender}, Nano{0}, proxy_holds); return;
    case 7: return finish(p, sender);
    case 8: p.take(SetWorkerShare{std::uint32_t{step.which} * 100}, Nano{0}, proxy_holds); return;
    default: {
      const TransferReason reasons[] = {TransferReason::payout, TransferReason::fee,
                                        TransferReason::withdrawal};
      const Transfer forged{Party::proxy(step.which % 2 == 0 ? p.state->terms.account : client()),
                            Party::account(worker(step.which)), step.amount,
                            reasons[step.which % 3], Nano{step.amount.value / 3}};
      const Transfer back = p.coming_back(step, forged);
      p.take(ProxyBounce{back}, back.amount, proxy_holds);
    }
  }
}

/// See mend_channel().
void mend_proxy(Input& in) {
  constexpr std::size_t kAccount = 4 + 16;
  constexpr std::size_t kPool = kAccount + 32 + 2 * 8 + 1 + 4;
  constexpr std::size_t kReceived = kPool + 4 * 8;
  constexpr std::size_t kPaid = kPool + 10 * 8 + 8 + 4;
  if ((in.mend & 1) != 0) {
    std::uint64_t out = in.sum(kPool + 64) + in.sum(kPool + 72);
    for (std::size_t at = kPool; at < kReceived; at += 8) out += in.sum(at);
    for (std::size_t at = kPaid; at + 40 <= in.stored.size(); at += 40) out += in.sum(at + 32);
    in.put(kReceived + 8, out - in.sum(kReceived));
  }
  if ((in.mend & 2) != 0) in.put(kAccount, proxy().view());
}

void proxy_contract(Input in) {
  mend_proxy(in);
  Proxy contract;
  if (!load(contract, in.stored, "bad_proxy_state")) return;
  contract.genuine = in.stored.empty();  // its sums may end at 2^64
  while (in.more()) act(contract, in.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const Input in(ByteView(data + 1, size - 1));
  if (data[0] % 2 == 0) {
    channel(in);
  } else {
    proxy_contract(in);
  }
  return 0;
}
