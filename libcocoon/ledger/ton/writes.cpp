#include "ledger/ton/writes.h"

#include "base/limits.h"
#include "ton/contract_address.h"
#include "ton/contract_message.h"

namespace cocoon::ledger {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

/// A signed statement with its bytes, which the message's cells copy.
template <class T>
struct Statement {
  explicit Statement(const billing::Signed<T>& s)
      : bytes(s.value.encode()), signed_bytes{bytes, s.signature} {}
  Bytes bytes;
  ton::SignedBytes signed_bytes;
};

/// The message of a write to a channel, as the rules have it.
std::optional<billing::ChannelMessage> channel_message(const Write& write, const AccountId& self) {
  using Message = std::optional<billing::ChannelMessage>;
  return std::visit(
      Overloaded{
          [&](const ports::RedeemVoucher& w) -> Message {
            return billing::Redeem{self, w.voucher};
          },
          [&](const ports::PresentVoucher& w) -> Message {
            return billing::Present{self, w.voucher, w.claim};
          },
          [&](const ports::StartChannelClose&) -> Message { return billing::StartClose{self}; },
          [&](const ports::FinaliseChannel&) -> Message { return billing::Finalise{}; },
          [&](const ports::CloseChannelByAgreement& w) -> Message {
            return billing::CloseByAgreement{w.by_signer, w.by_proxy};
          },
          [](const auto&) -> Message { return std::nullopt; },
      },
      write);
}

std::optional<billing::ProxyMessage> proxy_message(const Write& write, const AccountId& self) {
  using Message = std::optional<billing::ProxyMessage>;
  return std::visit(
      Overloaded{
          [&](const ports::CashOutVoucher& w) -> Message { return billing::CashOut{w.voucher}; },
          [&](const ports::TakeProxyFees&) -> Message { return billing::TakeFees{self}; },
          [](const auto&) -> Message { return std::nullopt; },
      },
      write);
}

std::optional<ChannelId> channel_of(const Write& write) {
  using Id = std::optional<ChannelId>;
  return std::visit(
      Overloaded{
          [](const ports::RedeemVoucher& w) -> Id { return w.channel; },
          [](const ports::PresentVoucher& w) -> Id { return w.channel; },
          [](const ports::StartChannelClose& w) -> Id { return w.channel; },
          [](const ports::FinaliseChannel& w) -> Id { return w.channel; },
          [](const ports::CloseChannelByAgreement& w) -> Id { return w.by_signer.value.channel; },
          [](const auto&) -> Id { return std::nullopt; },
      },
      write);
}

/// Whose contract a write to a proxy's contract is for.
AccountId proxy_of(const Write& write, const AccountId& self) {
  const auto* cash = std::get_if<ports::CashOutVoucher>(&write);
  return cash == nullptr ? self : cash->voucher.value.proxy;
}

Result<ton::CellRef> body_of(const Write& write) {
  using Body = Result<ton::CellRef>;
  return std::visit(
      Overloaded{
          [](const ports::PublishEpoch& w) -> Body {
            return ton::publish_epoch_body(Statement(w.record).signed_bytes);
          },
          [](const ports::RedeemVoucher& w) -> Body {
            return ton::redeem_body(Statement(w.voucher).signed_bytes);
          },
          [](const ports::PresentVoucher& w) -> Body {
            return ton::present_body(w.claim, Statement(w.voucher).signed_bytes);
          },
          [](const ports::CashOutVoucher& w) -> Body {
            return ton::cash_out_body(Statement(w.voucher).signed_bytes);
          },
          [](const ports::StartChannelClose&) -> Body { return ton::start_close_body(); },
          [](const ports::FinaliseChannel&) -> Body { return ton::finalise_body(); },
          [](const ports::CloseChannelByAgreement& w) -> Body {
            return ton::close_by_agreement_body(Statement(w.by_signer).signed_bytes, w.by_proxy);
          },
          [](const ports::TakeProxyFees&) -> Body { return ton::take_fees_body(); },
      },
      write);
}

}  // namespace

Result<PlannedWrite> PlannedWrite::plan(const TonSite& site, const AccountId& self, Write write) {
  PlannedWrite out(site, self, std::move(write));
  WalletOrder& order = out.order_;
  order.value = Nano{limits::kTonMessageNano};
  COCOON_TRY(order.body, body_of(out.write_));
  if (const auto channel = channel_of(out.write_)) {
    COCOON_TRY(order.to, channel_at(site, *channel));
  } else if (std::holds_alternative<ports::PublishEpoch>(out.write_)) {
    COCOON_TRY(order.init, ton::first_epoch(site.network, self));
    COCOON_TRY(order.to, epoch_at(site, self));
  } else {
    COCOON_TRY(order.to, proxy_at(site, proxy_of(out.write_, self)));
  }
  return out;
}

Result<ContractView> PlannedWrite::view(const AccountReading& account) const {
  ContractView out;
  if (const auto channel = channel_of(write_)) {
    COCOON_TRY(out.channel, view_channel(site_, *channel, account));
  } else if (std::holds_alternative<ports::PublishEpoch>(write_)) {
    COCOON_TRY(out.epoch, view_epoch(site_, self_, account));
  } else {
    COCOON_TRY(out.proxy, view_proxy(site_, proxy_of(write_, self_), account));
  }
  return out;
}

Status PlannedWrite::allowed(const ContractView& seen, UnixTime now) const {
  if (const auto message = channel_message(write_, self_)) {
    const auto step = billing::apply(seen.channel, *message, now);
    return step ? ok() : Status(step.error());
  }
  if (const auto message = proxy_message(write_, self_)) {
    const auto step = billing::apply(seen.proxy, *message, now);
    return step ? ok() : Status(step.error());
  }
  return billing::epoch_follows(seen.epoch, std::get<ports::PublishEpoch>(write_).record, self_,
                                site_.network);
}

bool PlannedWrite::took_effect(const ContractView& first, const ContractView& seen) const {
  const auto& channel = seen.channel;
  const auto closed = [&] { return channel && channel->phase == billing::ChannelPhase::closed; };
  return std::visit(
      Overloaded{
          [&](const ports::PublishEpoch& w) { return seen.epoch && *seen.epoch == w.record; },
          [&](const ports::RedeemVoucher& w) {
            return channel && channel->claimed >= w.voucher.value.spent;
          },
          [&](const ports::PresentVoucher& w) { return channel && channel->claimed >= w.claim; },
          [&](const ports::CashOutVoucher& w) {
            const AccountId& worker = w.voucher.value.worker;
            return seen.proxy && first.proxy &&
                   seen.proxy->paid_to(worker) > first.proxy->paid_to(worker);
          },
          [&](const ports::StartChannelClose&) {
            return channel && channel->phase != billing::ChannelPhase::open;
          },
          [&](const ports::FinaliseChannel&) { return closed(); },
          [&](const ports::CloseChannelByAgreement&) { return closed(); },
          [&](const ports::TakeProxyFees&) {
            return seen.proxy && first.proxy && seen.proxy->fees_taken > first.proxy->fees_taken;
          },
      },
      write_);
}

std::optional<ports::LedgerReply> PlannedWrite::before(const ContractView& seen,
                                                       UnixTime now) const {
  if (std::holds_alternative<ports::PublishEpoch>(write_) && took_effect(seen, seen)) {
    return ports::Confirmed{};
  }
  if (Status fine = allowed(seen, now); !fine) return ports::Bounced{std::move(fine).error()};
  return std::nullopt;
}

std::optional<ports::LedgerReply> PlannedWrite::after(const ContractView& first,
                                                      const ContractView& seen,
                                                      UnixTime now) const {
  if (took_effect(first, seen)) return ports::Confirmed{};
  if (Status fine = allowed(seen, now); !fine) return ports::Bounced{std::move(fine).error()};
  return std::nullopt;
}

}  // namespace cocoon::ledger
