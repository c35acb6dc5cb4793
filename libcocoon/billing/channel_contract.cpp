#include "billing/channel_contract.h"

#include <algorithm>

#include "base/limits.h"
#include "billing/contract_arithmetic.h"

namespace cocoon::billing {
namespace {

using Step = Result<ChannelStep>;

Transfer settlement_of(const ChannelState& s, Nano amount) {
  return {
      Party::channel(s.id()), Party::proxy(s.terms.proxy), amount, TransferReason::settlement, {}};
}

Transfer refund_of(const ChannelState& s, Nano amount) {
  return {Party::channel(s.id()), Party::account(s.leftovers), amount, TransferReason::refund, {}};
}

/// Sends what the proxy is entitled to and has not been sent.
Status settle(ChannelState& s, std::vector<Transfer>& out) {
  const Nano pay = floor_sub(s.claimed, s.settled);
  if (pay == Nano{0}) return ok();
  COCOON_CHECK(move_amount(s.balance, s.settled, pay));
  out.push_back(settlement_of(s, pay));
  return ok();
}

/// Sends everything but the rent: first to the proxy what it is entitled to, the rest back.
Status pay_out(ChannelState& s, std::vector<Transfer>& out) {
  COCOON_CHECK(settle(s, out));
  const Nano rest = floor_sub(s.balance, s.terms.rent);
  if (rest == Nano{0}) return ok();
  COCOON_CHECK(move_amount(s.balance, s.refunded, rest));
  out.push_back(refund_of(s, rest));
  return ok();
}

/// Entitles the proxy to `amount` in all, as far as the deposit reaches, and pays the difference.
Step claim(ChannelState s, Nano amount) {
  s.claimed = std::max(s.claimed, std::min(amount, s.deposited));
  ChannelStep step{std::move(s), {}};
  COCOON_CHECK(settle(step.state, step.transfers));
  if (step.transfers.empty()) {
    return refused("nothing_to_pay", "the channel has paid all that this voucher entitles to");
  }
  return step;
}

Status check_voucher(const ChannelState& s, const AccountId& sender, const SignedVoucher& voucher) {
  if (s.phase == ChannelPhase::closed) {
    return refused("channel_closed", "the channel is closed for good; its vouchers pay nothing");
  }
  if (sender != s.terms.proxy) {
    return Error(ErrorKind::unauthorized, "wrong_sender", "only the channel's proxy may present");
  }
  if (voucher.value.network != s.terms.network) {
    return refused("wrong_network", "the voucher is of another network");
  }
  if (voucher.value.channel != s.id()) {
    return refused("wrong_channel", "the voucher is for another channel");
  }
  if (!signed_by(voucher, s.terms.signer.bytes)) {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "the voucher is not signed by the channel's signer");
  }
  return ok();
}

void remember(ChannelState& s, const Voucher& v) {
  const bool newer = v.authorised > s.best_authorised ||
                     (v.authorised == s.best_authorised && v.spent > s.best_spent);
  if (!newer) return;
  s.best_authorised = v.authorised;
  s.best_spent = v.spent;
  s.leftovers = v.leftovers;
}

Step open_channel(const OpenChannel& m) {
  if (m.sender != m.terms.client) {
    return Error(ErrorKind::unauthorized, "wrong_sender", "a channel is opened by its own client");
  }
  if (m.deposit < m.terms.min_deposit) {
    return refused("deposit_too_small", "the deposit must be at least " +
                                            std::to_string(m.terms.min_deposit.value) + " nanoton");
  }
  if (m.terms.close_delay < Seconds{0} || m.terms.close_delay > limits::kMaxCloseDelay) {
    return refused("bad_terms", "the closing delay must be between 0 and 90 days");
  }
  ChannelState s;
  s.terms = m.terms;
  s.deposited = m.deposit;
  s.balance = m.terms.rent;
  s.leftovers = m.terms.client;
  COCOON_CHECK(receive_amount(s.balance, m.deposit));
  return ChannelStep{std::move(s), {}};
}

Step on(ChannelState, const OpenChannel&, UnixTime) {
  return refused("channel_exists", "there is, or was, a channel at this address: draw a new nonce");
}

Step on(ChannelState s, const TopUp& m, UnixTime) {
  if (s.phase != ChannelPhase::open) {
    return refused("channel_not_open", "a closing or closed channel takes no deposit");
  }
  COCOON_CHECK(receive_amount(s.deposited, m.amount));
  COCOON_CHECK(receive_amount(s.balance, m.amount));
  return ChannelStep{std::move(s), {}};
}

Step on(ChannelState s, const Redeem& m, UnixTime) {
  COCOON_CHECK(check_voucher(s, m.sender, m.voucher));
  remember(s, m.voucher.value);
  return claim(std::move(s), m.voucher.value.spent);
}

Step on(ChannelState s, const StartClose& m, UnixTime now) {
  const bool party =
      m.sender == s.terms.client || m.sender == s.terms.signer || m.sender == s.terms.proxy;
  if (!party) {
    return Error(ErrorKind::unauthorized, "wrong_sender",
                 "only the channel's client, its signer or its proxy may close it");
  }
  if (s.phase != ChannelPhase::open) {
    return refused("channel_not_open", "the channel is closing or closed already");
  }
  s.phase = ChannelPhase::closing;
  s.final_at = now + s.terms.close_delay;
  return ChannelStep{std::move(s), {}};
}

Step on(ChannelState s, const Present& m, UnixTime) {
  COCOON_CHECK(check_voucher(s, m.sender, m.voucher));
  if (s.phase != ChannelPhase::closing) {
    return refused("channel_not_closing",
                   "what is authorised is paid only while the channel closes: start a close first");
  }
  if (m.claim > m.voucher.value.authorised) {
    return refused("claim_not_authorised", "the voucher authorises less than is claimed");
  }
  remember(s, m.voucher.value);
  return claim(std::move(s), m.claim);
}

Step on(ChannelState s, const Finalise&, UnixTime now) {
  if (s.phase != ChannelPhase::closing) {
    return refused("channel_not_closing", "the channel is not closing");
  }
  if (now < s.final_at) {
    return refused("too_early", "the channel can be finalised from Unix time " +
                                    std::to_string(to_unix_seconds(s.final_at)) + " on");
  }
  ChannelStep step{std::move(s), {}};
  COCOON_CHECK(pay_out(step.state, step.transfers));
  step.state.phase = ChannelPhase::closed;
  return step;
}

Status check_agreement(const ChannelState& s, const CloseByAgreement& m) {
  const CloseAgreement& a = m.by_signer.value;
  if (s.phase == ChannelPhase::closed) {
    return refused("channel_closed", "the channel is closed already");
  }
  if (a.network != s.terms.network) {
    return refused("wrong_network", "the agreement is of another network");
  }
  if (a.channel != s.id()) return refused("wrong_channel", "the agreement is for another channel");
  if (!signed_by(m.by_signer, s.terms.signer.bytes) ||
      !crypto::verify(s.terms.proxy.bytes, a.encode(), m.by_proxy)) {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "a close agreement needs the signatures of the channel's signer and its proxy");
  }
  if (a.total < s.claimed || a.total > s.deposited) {
    return refused("agreement_out_of_range",
                   "the agreed total must be between what was claimed and what was deposited");
  }
  return ok();
}

Step on(ChannelState s, const CloseByAgreement& m, UnixTime) {
  COCOON_CHECK(check_agreement(s, m));
  s.claimed = m.by_signer.value.total;
  s.leftovers = m.by_signer.value.leftovers;
  ChannelStep step{std::move(s), {}};
  COCOON_CHECK(pay_out(step.state, step.transfers));
  step.state.phase = ChannelPhase::closed;
  return step;
}

Step on(ChannelState s, const Resend&, UnixTime) {
  if (s.phase != ChannelPhase::closed) {
    return refused("channel_not_closed", "only a closed channel sends again what bounced");
  }
  ChannelStep step{std::move(s), {}};
  COCOON_CHECK(pay_out(step.state, step.transfers));
  if (step.transfers.empty()) return refused("nothing_to_pay", "nothing has bounced");
  return step;
}

Step on(ChannelState s, const ChannelBounce& m, UnixTime) {
  if (m.transfer.from != Party::channel(s.id())) {
    return refused("wrong_channel", "this channel has not sent that transfer");
  }
  const bool settlement = m.transfer.reason == TransferReason::settlement;
  COCOON_CHECK(move_amount(settlement ? s.settled : s.refunded, s.balance, m.transfer.amount));
  return ChannelStep{std::move(s), {}};
}

constexpr std::string_view kStateMagic = "CSC1";

bool phase_known(std::uint8_t phase) {
  return phase >= static_cast<std::uint8_t>(ChannelPhase::open) &&
         phase <= static_cast<std::uint8_t>(ChannelPhase::closed);
}

/// The invariants that the header states.
bool sound(const ChannelState& s) {
  const auto in = checked_add(s.deposited, s.terms.rent);
  const auto sent = checked_add(s.settled, s.refunded);
  const auto out = sent ? checked_add(*sent, s.balance) : std::nullopt;
  const auto shared_out = checked_add(s.claimed, s.refunded);
  return in && out && *in == *out && s.settled <= s.claimed && shared_out &&
         *shared_out <= s.deposited && (s.phase == ChannelPhase::closed || s.refunded == Nano{0});
}

}  // namespace

std::string_view to_string(ChannelPhase phase) {
  switch (phase) {
    case ChannelPhase::open: return "open";
    case ChannelPhase::closing: return "closing";
    case ChannelPhase::closed: return "closed";
  }
  return "unknown";
}

ChannelId ChannelTerms::address() const {
  return channel_address(network, client, proxy, signer, nonce);
}

Bytes ChannelState::encode() const {
  ByteWriter out;
  out.bytes(as_bytes(kStateMagic)).bytes(terms.network.view()).bytes(terms.client.view());
  out.bytes(terms.proxy.view()).bytes(terms.signer.view()).bytes(terms.nonce);
  out.u64be(static_cast<std::uint64_t>(terms.close_delay.count()));
  out.u64be(terms.min_deposit.value).u64be(terms.rent.value);
  out.u8(static_cast<std::uint8_t>(phase));
  out.u64be(deposited.value).u64be(balance.value).u64be(claimed.value).u64be(settled.value);
  out.u64be(refunded.value).u64be(best_spent.value).u64be(best_authorised.value);
  out.bytes(leftovers.view());
  out.u64be(static_cast<std::uint64_t>(final_at.time_since_epoch().count()));
  return out.take();
}

Result<ChannelState> ChannelState::decode(ByteView bytes) {
  const Error bad(ErrorKind::io, "bad_channel_state", "the stored state of a channel is damaged");
  ByteReader in(bytes);
  ChannelState s;
  if (as_text(in.take(kStateMagic.size())) != kStateMagic) return bad;
  s.terms.network.bytes = in.array<16>();
  s.terms.client.bytes = in.array<32>();
  s.terms.proxy.bytes = in.array<32>();
  s.terms.signer.bytes = in.array<32>();
  s.terms.nonce = in.array<16>();
  const std::uint64_t delay = in.u64be();
  s.terms.min_deposit.value = in.u64be();
  s.terms.rent.value = in.u64be();
  const std::uint8_t phase = in.u8();
  s.deposited.value = in.u64be();
  s.balance.value = in.u64be();
  s.claimed.value = in.u64be();
  s.settled.value = in.u64be();
  s.refunded.value = in.u64be();
  s.best_spent.value = in.u64be();
  s.best_authorised.value = in.u64be();
  s.leftovers.bytes = in.array<32>();
  const std::uint64_t final_ms = in.u64be();
  const bool in_range = delay <= static_cast<std::uint64_t>(limits::kMaxCloseDelay.count()) &&
                        final_ms / 1000 <= limits::kMaxUnixSeconds && phase_known(phase);
  if (!in.finished() || !in_range) return bad;
  s.terms.close_delay = Seconds(static_cast<std::int64_t>(delay));
  s.phase = static_cast<ChannelPhase>(phase);
  s.final_at = UnixTime(Millis(static_cast<std::int64_t>(final_ms)));
  if (!sound(s)) return bad;
  return s;
}

Result<ChannelStep> apply(const std::optional<ChannelState>& state, const ChannelMessage& message,
                          UnixTime now) {
  if (!state) {
    if (const auto* open = std::get_if<OpenChannel>(&message)) return open_channel(*open);
    return Error(ErrorKind::not_found, "not_deployed", "there is no channel at this address");
  }
  return std::visit([&](const auto& m) { return on(*state, m, now); }, message);
}

}  // namespace cocoon::billing
