#include <algorithm>

#include "billing/meter.h"
#include "billing/meter_errors.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kSnapshotMagic = "CMP1";

/// Fees are at most 0.5 % of the value settled (economics.md "Money out: the proxy's contract").
constexpr std::uint64_t kFeesPerValue = 200;
/// Where workers wait for it, 5 %: the registry's own measure of what is worth a message, since no
/// deposit and no payout is below 20 fees. Without such a floor each nanoton that a client
/// acknowledges would cost its proxy a fee.
constexpr std::uint64_t kFeesPerBacking = 20;

Nano times(Nano fee, std::uint64_t factor) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(fee.value, factor, &out) ? kMaxNano : Nano{out};
}

Nano least_worth(Worth worth, const ProxyLimits& limits) {
  switch (worth) {
    case Worth::usual: break;
    case Worth::backing: return least_for_backing(limits.redeem_fee);
    case Worth::any: return Nano{1};
  }
  return std::max(limits.value_at_risk, times(limits.redeem_fee, kFeesPerValue));
}

}  // namespace

Nano least_for_backing(Nano fee) {
  return std::max(Nano{1}, times(fee, kFeesPerBacking));
}

ProxyMeter::ProxyMeter(NetworkId network, ChannelId channel, AccountId signer,
                       AccountId own_account, ProxyLimits limits)
    : network_(network),
      channel_(channel),
      signer_(signer),
      own_account_(own_account),
      limits_(limits) {}

void ProxyMeter::set_channel(const ChannelState& state) {
  phase_ = state.phase;
  deposit_ = state.deposited;
  claimed_ = state.claimed;
  // What was claimed was charged, whatever this node remembers of it.
  charged_ = std::max(charged_, claimed_);
}

Status ProxyMeter::accept(const SignedVoucher& voucher) {
  if (voucher.value.network != network_) return foreign_statement("wrong_network", "network");
  if (voucher.value.channel != channel_) return foreign_statement("wrong_channel", "channel");
  if (voucher_ && voucher == *voucher_) return ok();
  if (!signed_by(voucher, signer_.bytes)) return not_own_signature();
  const bool older = voucher_ && (voucher.value.spent < voucher_->value.spent ||
                                  voucher.value.authorised < voucher_->value.authorised);
  if (older) return ok();
  voucher_ = voucher;
  // The client acknowledges more than is remembered here: a snapshot was lost.
  charged_ = std::max(charged_, voucher.value.spent);
  return ok();
}

Status ProxyMeter::adopt(const SignedStatement& statement) {
  if (statement.value.network != network_) return foreign_statement("wrong_network", "network");
  if (statement.value.channel != channel_) return foreign_statement("wrong_channel", "channel");
  if (!signed_by(statement, own_account_.bytes)) return not_own_signature();
  charged_ = std::max(charged_, statement.value.charged);
  return ok();
}

Status ProxyMeter::reserve(const RequestHash& request, Nano cap) {
  if (phase_ != ChannelPhase::open) {
    return payment_error("channel_not_open", "the payment channel is closing or closed");
  }
  if (reserved_.count(request) != 0) return duplicate_request();
  const Nano total = saturating_add(saturating_add(charged_, reserved_total_), cap);
  if (total > deposit_) {
    return payment_error("deposit_exhausted",
                         "the deposit does not cover this request: top up the channel");
  }
  if (total > authorised()) {
    return payment_error("not_authorised", "the voucher authorises " +
                                               std::to_string(authorised().value) +
                                               " nanoton, but " + std::to_string(total.value) +
                                               " are needed: send a higher voucher");
  }
  if (floor_sub(total, acknowledged()) > limits_.max_unacknowledged) {
    return payment_error("unacknowledged",
                         "more was used or reserved than may stay unacknowledged: send a voucher "
                         "that acknowledges what was charged");
  }
  reserved_.emplace(request, cap);
  reserved_total_ = saturating_add(reserved_total_, cap);
  return ok();
}

Status ProxyMeter::charge(const RequestHash& request, Nano cost) {
  const auto at = reserved_.find(request);
  if (at == reserved_.end()) return unknown_request();
  const Nano cap = at->second;
  reserved_.erase(at);
  reserved_total_ = floor_sub(reserved_total_, cap);
  if (cost > cap) return charge_over_cap(cost, cap);
  charged_ = saturating_add(charged_, cost);
  return ok();
}

Nano ProxyMeter::acknowledged() const {
  return voucher_ ? voucher_->value.spent : Nano{0};
}

Nano ProxyMeter::authorised() const {
  return voucher_ ? voucher_->value.authorised : Nano{0};
}

Nano ProxyMeter::unacknowledged() const {
  return floor_sub(charged_, acknowledged());
}

Nano ProxyMeter::redeemable() const {
  if (phase_ == ChannelPhase::closed) return Nano{0};
  return floor_sub(std::min(acknowledged(), deposit_), claimed_);
}

std::optional<Redeem> ProxyMeter::redeem_due(Worth worth) const {
  if (!voucher_ || redeemable() < least_worth(worth, limits_)) return std::nullopt;
  return Redeem{own_account_, *voucher_};
}

std::optional<Present> ProxyMeter::present_due() const {
  if (!voucher_ || phase_ != ChannelPhase::closing) return std::nullopt;
  const Nano claim = std::min({charged_, authorised(), deposit_});
  if (claim <= claimed_) return std::nullopt;
  return Present{own_account_, *voucher_, claim};
}

Bytes ProxyMeter::snapshot() const {
  ByteWriter out;
  out.bytes(as_bytes(kSnapshotMagic)).u64be(charged_.value).u8(voucher_ ? 1 : 0);
  if (voucher_) out.bytes(voucher_->value.encode()).bytes(voucher_->signature);
  return out.take();
}

Status ProxyMeter::restore(ByteView snapshot) {
  ByteReader in(snapshot);
  if (as_text(in.take(kSnapshotMagic.size())) != kSnapshotMagic) return bad_snapshot("channel");
  const Nano charged{in.u64be()};
  std::optional<SignedVoucher> voucher;
  const std::uint8_t vouchers = in.u8();
  if (vouchers == 1) {
    const ByteView bytes = in.take(Voucher::kBytes);
    auto opened = open_signed<Voucher>(bytes, in.take(64), signer_.bytes);
    if (!opened || opened->value.network != network_ || opened->value.channel != channel_) {
      return bad_snapshot("channel");
    }
    voucher = std::move(opened).value();
  }
  // What the client acknowledged was charged: accept() sees to it.
  const bool sound = vouchers <= 1 && (!voucher || voucher->value.spent <= charged);
  if (!in.finished() || !sound) return bad_snapshot("channel");
  charged_ = charged;
  voucher_ = voucher;
  return ok();
}

}  // namespace cocoon::billing
