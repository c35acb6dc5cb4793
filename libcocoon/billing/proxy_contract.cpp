#include "billing/proxy_contract.h"

#include <algorithm>

#include "base/limits.h"
#include "billing/contract_arithmetic.h"
#include "billing/price.h"

namespace cocoon::billing {
namespace {

__extension__ using Uint128 = unsigned __int128;
using Step = Result<ProxyStep>;

Transfer to_owner(const ProxyState& s, Nano amount, TransferReason reason) {
  return {Party::proxy(s.terms.account), Party::account(s.terms.account), amount, reason, {}};
}

Status check_sender(const ProxyState& s, const AccountId& sender) {
  if (sender == s.terms.account) return ok();
  return Error(ErrorKind::unauthorized, "wrong_sender", "only the proxy's own account may do this");
}

Step deploy(const DeployProxy& m) {
  if (m.stake < m.terms.min_stake) {
    return refused("stake_too_small", "the stake must be at least " +
                                          std::to_string(m.terms.min_stake.value) + " nanoton");
  }
  if (m.terms.withdraw_delay < Seconds{0} || m.terms.withdraw_delay > limits::kMaxCloseDelay) {
    return refused("bad_terms", "the withdrawal delay must be between 0 and 90 days");
  }
  ProxyState s;
  s.terms = m.terms;
  s.worker_share_e4 = m.worker_share_e4;
  s.stake = m.stake;
  s.staked = m.stake;
  return ProxyStep{std::move(s), {}};
}

Step on(ProxyState, const DeployProxy&, UnixTime) {
  return refused("proxy_exists", "this account has, or had, a proxy contract: use a new account");
}

Step on(ProxyState s, const AddStake& m, UnixTime) {
  if (s.phase != ProxyPhase::open) {
    return refused("proxy_not_open", "a closing or closed proxy contract takes no stake");
  }
  COCOON_CHECK(receive_amount(s.staked, m.amount));
  COCOON_CHECK(receive_amount(s.stake, m.amount));
  return ProxyStep{std::move(s), {}};
}

Step on(ProxyState s, const Receive& m, UnixTime) {
  if (s.phase == ProxyPhase::closed) {
    return refused("proxy_closed", "the proxy contract is closed; the money goes back");
  }
  const Nano share = worker_share(m.amount, s.worker_share_e4);
  COCOON_CHECK(receive_amount(s.received, m.amount));
  COCOON_CHECK(receive_amount(s.pool_total, share));
  COCOON_CHECK(receive_amount(s.pool, share));
  COCOON_CHECK(receive_amount(s.fees, floor_sub(m.amount, share)));
  return ProxyStep{std::move(s), {}};
}

Step on(ProxyState s, const CashOut& m, UnixTime) {
  const PayoutVoucher& v = m.voucher.value;
  if (v.network != s.terms.network) {
    return refused("wrong_network", "the payout voucher is of another network");
  }
  if (v.proxy != s.terms.account) {
    return refused("wrong_proxy", "the payout voucher is by another proxy");
  }
  if (!signed_by(m.voucher, s.terms.account.bytes)) {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "the payout voucher is not signed by the proxy's account key");
  }
  const Nano wanted = floor_sub(v.owed, s.paid_to(v.worker));
  const Nano pay = std::min(wanted, s.backing());
  if (pay == Nano{0}) {
    return refused("nothing_to_pay", wanted == Nano{0}
                                         ? "the worker was paid all that this voucher owes"
                                         : "pool and stake are empty; the voucher stays valid");
  }
  const Nano from_pool = std::min(pay, s.pool);
  const Nano from_stake = floor_sub(pay, from_pool);
  Nano& paid = s.paid[v.worker];
  COCOON_CHECK(move_amount(s.pool, paid, from_pool));
  COCOON_CHECK(move_amount(s.stake, paid, from_stake));
  const Transfer payout{Party::proxy(s.terms.account), Party::account(v.worker), pay,
                        TransferReason::payout, from_stake};
  return ProxyStep{std::move(s), {payout}};
}

Step on(ProxyState s, const PayoutDelivered& m, UnixTime) {
  COCOON_CHECK(receive_amount(s.delivered, m.amount));
  return ProxyStep{std::move(s), {}};
}

Step on(ProxyState s, const TakeFees& m, UnixTime) {
  COCOON_CHECK(check_sender(s, m.sender));
  const Nano take = std::min(s.unlocked_fees(), s.fees);
  if (take == Nano{0}) {
    return refused("nothing_to_pay", "fees unlock in proportion to the payouts made to workers");
  }
  COCOON_CHECK(move_amount(s.fees, s.fees_taken, take));
  const Transfer fee = to_owner(s, take, TransferReason::fee);
  return ProxyStep{std::move(s), {fee}};
}

Step on(ProxyState s, const StartWithdrawal& m, UnixTime now) {
  COCOON_CHECK(check_sender(s, m.sender));
  if (s.phase != ProxyPhase::open) {
    return refused("proxy_not_open", "the proxy contract is closing or closed already");
  }
  s.phase = ProxyPhase::closing;
  s.final_at = now + s.terms.withdraw_delay;
  return ProxyStep{std::move(s), {}};
}

Step on(ProxyState s, const FinishWithdrawal& m, UnixTime now) {
  COCOON_CHECK(check_sender(s, m.sender));
  if (s.phase == ProxyPhase::open) {
    return refused("proxy_not_closing", "the withdrawal has not been started");
  }
  if (now < s.final_at) {
    return refused("too_early", "stake and remainder can be withdrawn from Unix time " +
                                    std::to_string(to_unix_seconds(s.final_at)) + " on");
  }
  // Once closed, what is in the pool has bounced back from a worker and stays the worker's.
  if (s.phase == ProxyPhase::closing) {
    COCOON_CHECK(move_amount(s.stake, s.due, s.stake));
    COCOON_CHECK(move_amount(s.pool, s.due, s.pool));
    COCOON_CHECK(move_amount(s.fees, s.due, s.fees));
  }
  const Nano amount = s.due;
  if (amount == Nano{0} && s.phase == ProxyPhase::closed) {
    return refused("nothing_to_pay", "everything was withdrawn");
  }
  s.phase = ProxyPhase::closed;
  COCOON_CHECK(move_amount(s.due, s.withdrawn, amount));
  ProxyStep step{std::move(s), {}};
  if (amount > Nano{0}) {
    step.transfers.push_back(to_owner(step.state, amount, TransferReason::withdrawal));
  }
  return step;
}

Step on(ProxyState s, const SetWorkerShare& m, UnixTime) {
  s.worker_share_e4 = m.worker_share_e4;
  return ProxyStep{std::move(s), {}};
}

Status restore_payout(ProxyState& s, const Transfer& t) {
  const auto worker = s.paid.find(AccountId{t.to.id});
  const auto from_pool = checked_sub(t.amount, t.from_stake);
  if (worker == s.paid.end() || !from_pool) {
    return refused("wrong_proxy", "this contract has not sent that payout");
  }
  COCOON_CHECK(move_amount(worker->second, s.pool, *from_pool));
  return move_amount(worker->second, s.stake, t.from_stake);
}

Step on(ProxyState s, const ProxyBounce& m, UnixTime) {
  const Transfer& t = m.transfer;
  if (t.from != Party::proxy(s.terms.account)) {
    return refused("wrong_proxy", "this contract has not sent that transfer");
  }
  if (t.reason == TransferReason::payout) {
    COCOON_CHECK(restore_payout(s, t));
  } else if (t.reason == TransferReason::fee) {
    COCOON_CHECK(move_amount(s.fees_taken, s.fees, t.amount));
  } else {
    COCOON_CHECK(move_amount(s.withdrawn, s.due, t.amount));
  }
  return ProxyStep{std::move(s), {}};
}

constexpr std::string_view kStateMagic = "CSP1";

void write_sums(ByteWriter& out, const ProxyState& s) {
  for (Nano sum : {s.pool, s.fees, s.stake, s.due, s.received, s.staked, s.pool_total, s.delivered,
                   s.fees_taken, s.withdrawn}) {
    out.u64be(sum.value);
  }
}

void read_sums(ByteReader& in, ProxyState& s) {
  for (Nano* sum : {&s.pool, &s.fees, &s.stake, &s.due, &s.received, &s.staked, &s.pool_total,
                    &s.delivered, &s.fees_taken, &s.withdrawn}) {
    sum->value = in.u64be();
  }
}

/// The invariant that the header states.
bool sound(const ProxyState& s) {
  Uint128 out = Uint128{s.pool.value} + s.fees.value + s.stake.value + s.due.value +
                s.fees_taken.value + s.withdrawn.value;
  for (const auto& [worker, paid] : s.paid) out += paid.value;
  return out == Uint128{s.received.value} + s.staked.value && s.pool_total <= s.received;
}

}  // namespace

std::string_view to_string(ProxyPhase phase) {
  switch (phase) {
    case ProxyPhase::open: return "open";
    case ProxyPhase::closing: return "closing";
    case ProxyPhase::closed: return "closed";
  }
  return "unknown";
}

Nano ProxyState::paid_to(const AccountId& worker) const {
  const auto at = paid.find(worker);
  return at == paid.end() ? Nano{0} : at->second;
}

Nano ProxyState::unlocked_fees() const {
  const Nano all = floor_sub(received, pool_total);
  if (pool_total == Nano{0}) return floor_sub(all, fees_taken);
  const Nano paid_part = std::min(delivered, pool_total);
  const Uint128 unlocked = Uint128{all.value} * paid_part.value / pool_total.value;
  return floor_sub(Nano{static_cast<std::uint64_t>(unlocked)}, fees_taken);
}

Bytes ProxyState::encode() const {
  ByteWriter out;
  out.bytes(as_bytes(kStateMagic)).bytes(terms.network.view()).bytes(terms.account.view());
  out.u64be(static_cast<std::uint64_t>(terms.withdraw_delay.count())).u64be(terms.min_stake.value);
  out.u8(static_cast<std::uint8_t>(phase)).u32be(worker_share_e4);
  write_sums(out, *this);
  out.u64be(static_cast<std::uint64_t>(final_at.time_since_epoch().count()));
  out.u32be(static_cast<std::uint32_t>(paid.size()));
  for (const auto& [worker, amount] : paid) out.bytes(worker.view()).u64be(amount.value);
  return out.take();
}

Result<ProxyState> ProxyState::decode(ByteView bytes) {
  const Error bad(ErrorKind::io, "bad_proxy_state", "the stored state of a proxy is damaged");
  ByteReader in(bytes);
  ProxyState s;
  if (as_text(in.take(kStateMagic.size())) != kStateMagic) return bad;
  s.terms.network.bytes = in.array<16>();
  s.terms.account.bytes = in.array<32>();
  const std::uint64_t delay = in.u64be();
  s.terms.min_stake.value = in.u64be();
  const std::uint8_t phase = in.u8();
  s.worker_share_e4 = in.u32be();
  read_sums(in, s);
  const std::uint64_t final_ms = in.u64be();
  const std::size_t workers = in.u32be();
  for (std::size_t i = 0; i < workers && !in.failed(); ++i) {
    const AccountId worker{in.array<32>()};
    // In order, as encode() writes them: each once, and one spelling of a state.
    if (!s.paid.empty() && worker <= s.paid.rbegin()->first) return bad;
    s.paid[worker].value = in.u64be();
  }
  const bool in_range = delay <= static_cast<std::uint64_t>(limits::kMaxCloseDelay.count()) &&
                        final_ms / 1000 <= limits::kMaxUnixSeconds &&
                        phase >= static_cast<std::uint8_t>(ProxyPhase::open) &&
                        phase <= static_cast<std::uint8_t>(ProxyPhase::closed);
  if (!in.finished() || !in_range) return bad;
  s.terms.withdraw_delay = Seconds(static_cast<std::int64_t>(delay));
  s.phase = static_cast<ProxyPhase>(phase);
  s.final_at = UnixTime(Millis(static_cast<std::int64_t>(final_ms)));
  if (!sound(s)) return bad;
  return s;
}

Result<ProxyStep> apply(const std::optional<ProxyState>& state, const ProxyMessage& message,
                        UnixTime now) {
  if (!state) {
    if (const auto* make = std::get_if<DeployProxy>(&message)) return deploy(*make);
    return Error(ErrorKind::not_found, "not_deployed", "there is no contract of this proxy");
  }
  return std::visit([&](const auto& m) { return on(*state, m, now); }, message);
}

}  // namespace cocoon::billing
