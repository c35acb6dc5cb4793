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

/// What is in force as the difference of two sums that only grow; nothing lacks where it is there.
Nano lacking(Nano wanted, Nano there) {
  return floor_sub(wanted, there);
}

}  // namespace

bool PlannedWrite::needs_registry(const Write& write) {
  return std::holds_alternative<ports::OpenChannel>(write) ||
         std::holds_alternative<ports::DeployProxy>(write);
}

billing::ChannelTerms PlannedWrite::channel_terms(const ports::OpenChannel& open) const {
  billing::ChannelTerms terms;
  terms.network = site_.network;
  terms.client = self_;
  terms.proxy = open.proxy;
  terms.signer = self_;
  terms.nonce = open.nonce;
  terms.close_delay = registry_->client_close_delay;
  terms.min_deposit = registry_->min_deposit;
  terms.rent = registry_->tombstone_rent;
  return terms;
}

/// The message of a write to a channel, as the rules have it.
std::optional<billing::ChannelMessage> PlannedWrite::channel_message(
    const ContractView& seen) const {
  using Message = std::optional<billing::ChannelMessage>;
  return std::visit(
      Overloaded{
          [&](const ports::OpenChannel& w) -> Message {
            return billing::OpenChannel{channel_terms(w), self_, w.deposit};
          },
          [&](const ports::TopUpChannel& w) -> Message {
            const Nano there = seen.channel ? seen.channel->deposited : Nano{};
            return billing::TopUp{lacking(w.deposited, there)};
          },
          [&](const ports::RedeemVoucher& w) -> Message {
            return billing::Redeem{self_, w.voucher};
          },
          [&](const ports::PresentVoucher& w) -> Message {
            return billing::Present{self_, w.voucher, w.claim};
          },
          [&](const ports::StartChannelClose&) -> Message { return billing::StartClose{self_}; },
          [&](const ports::FinaliseChannel&) -> Message { return billing::Finalise{}; },
          [&](const ports::CloseChannelByAgreement& w) -> Message {
            return billing::CloseByAgreement{w.by_signer, w.by_proxy};
          },
          [](const auto&) -> Message { return std::nullopt; },
      },
      write_);
}

std::optional<billing::ProxyMessage> PlannedWrite::proxy_message(const ContractView& seen) const {
  using Message = std::optional<billing::ProxyMessage>;
  return std::visit(
      Overloaded{
          [&](const ports::DeployProxy& w) -> Message {
            const billing::ProxyTerms terms{site_.network, self_, registry_->proxy_close_delay,
                                            registry_->min_stake};
            return billing::DeployProxy{terms, registry_->prices.worker_share_e4, w.stake};
          },
          [&](const ports::AddProxyStake& w) -> Message {
            return billing::AddStake{lacking(w.staked, seen.proxy ? seen.proxy->staked : Nano{})};
          },
          [&](const ports::StartProxyWithdrawal&) -> Message {
            return billing::StartWithdrawal{self_};
          },
          [&](const ports::FinishProxyWithdrawal&) -> Message {
            return billing::FinishWithdrawal{self_};
          },
          [&](const ports::CashOutVoucher& w) -> Message { return billing::CashOut{w.voucher}; },
          [&](const ports::TakeProxyFees&) -> Message { return billing::TakeFees{self_}; },
          [](const auto&) -> Message { return std::nullopt; },
      },
      write_);
}

/// The channel that a write is for.
std::optional<ChannelId> PlannedWrite::channel() const {
  using Id = std::optional<ChannelId>;
  return std::visit(
      Overloaded{
          [&](const ports::OpenChannel& w) -> Id { return channel_terms(w).address(); },
          [](const ports::TopUpChannel& w) -> Id { return w.channel; },
          [](const ports::RedeemVoucher& w) -> Id { return w.channel; },
          [](const ports::PresentVoucher& w) -> Id { return w.channel; },
          [](const ports::StartChannelClose& w) -> Id { return w.channel; },
          [](const ports::FinaliseChannel& w) -> Id { return w.channel; },
          [](const ports::CloseChannelByAgreement& w) -> Id { return w.by_signer.value.channel; },
          [](const auto&) -> Id { return std::nullopt; },
      },
      write_);
}

namespace {

/// Whose contract a write to a proxy's contract is for.
AccountId proxy_of(const Write& write, const AccountId& self) {
  const auto* cash = std::get_if<ports::CashOutVoucher>(&write);
  return cash == nullptr ? self : cash->voucher.value.proxy;
}

}  // namespace

Result<ton::CellRef> PlannedWrite::body(const ContractView& first) const {
  using Body = Result<ton::CellRef>;
  return std::visit(
      Overloaded{
          [&](const ports::OpenChannel& w) -> Body {
            return ton::open_channel_body({self_, w.proxy, self_, w.nonce, w.deposit});
          },
          [&](const ports::TopUpChannel& w) -> Body {
            return ton::top_up_body(lacking(w.deposited, first.channel->deposited));
          },
          [&](const ports::DeployProxy& w) -> Body {
            return ton::deploy_proxy_body(self_, w.stake);
          },
          [&](const ports::AddProxyStake& w) -> Body {
            return ton::add_stake_body(lacking(w.staked, first.proxy->staked));
          },
          [](const ports::StartProxyWithdrawal&) -> Body { return ton::start_withdrawal_body(); },
          [](const ports::FinishProxyWithdrawal&) -> Body { return ton::finish_withdrawal_body(); },
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
      write_);
}

/// What a message pays in, with what the contract keeps of it for its storage.
Result<Nano> PlannedWrite::brings(const ContractView& first) const {
  const auto sum = [](Nano a, Nano b) -> Result<Nano> {
    const auto both = checked_add(a, b);
    if (both) return *both;
    return Error(ErrorKind::too_large, "amount_overflow", "the amount is larger than any wallet's");
  };
  if (const auto* w = std::get_if<ports::OpenChannel>(&write_)) {
    return sum(w->deposit, registry_->tombstone_rent);
  }
  if (const auto* w = std::get_if<ports::DeployProxy>(&write_)) {
    return sum(w->stake, ton::kProxyRent);
  }
  if (const auto* w = std::get_if<ports::TopUpChannel>(&write_)) {
    return lacking(w->deposited, first.channel->deposited);
  }
  if (const auto* w = std::get_if<ports::AddProxyStake>(&write_)) {
    return lacking(w->staked, first.proxy->staked);
  }
  return Nano{};
}

Result<PlannedWrite> PlannedWrite::plan(const TonSite& site, const AccountId& self, Write write,
                                        const billing::Registry* registry) {
  PlannedWrite out(site, self, std::move(write));
  if (registry != nullptr) out.registry_ = *registry;
  if (const auto channel = out.channel()) {
    COCOON_TRY(out.contract_, channel_at(site, *channel));
  } else if (std::holds_alternative<ports::PublishEpoch>(out.write_)) {
    COCOON_TRY(out.contract_, epoch_at(site, self));
  } else {
    COCOON_TRY(out.contract_, proxy_at(site, proxy_of(out.write_, self)));
  }
  return out;
}

Result<WalletOrder> PlannedWrite::order(const ContractView& first) const {
  WalletOrder out;
  out.to = needs_registry(write_) ? site_.root : contract_;
  COCOON_TRY(const Nano brought, brings(first));
  const auto value = checked_add(brought, Nano{limits::kTonMessageNano});
  if (!value) {
    return Error(ErrorKind::too_large, "amount_overflow", "the amount is larger than any wallet's");
  }
  out.value = *value;
  COCOON_TRY(out.body, body(first));
  if (std::holds_alternative<ports::PublishEpoch>(write_)) {
    COCOON_TRY(out.init, ton::first_epoch(site_.network, self_));
  }
  return out;
}

Result<ContractView> PlannedWrite::view(const AccountReading& account) const {
  ContractView out;
  if (const auto id = channel()) {
    COCOON_TRY(out.channel, view_channel(site_, *id, account));
  } else if (std::holds_alternative<ports::PublishEpoch>(write_)) {
    COCOON_TRY(out.epoch, view_epoch(site_, self_, account));
  } else {
    COCOON_TRY(out.proxy, view_proxy(site_, proxy_of(write_, self_), account));
  }
  return out;
}

Status PlannedWrite::allowed(const ContractView& seen, UnixTime now) const {
  if (const auto* open = std::get_if<ports::OpenChannel>(&write_);
      open != nullptr && registry_->find_proxy(open->proxy) == nullptr) {
    return Error(ErrorKind::invalid_argument, "proxy_not_registered",
                 "the registry on the ledger lists no such proxy");
  }
  if (const auto message = channel_message(seen)) {
    const auto step = billing::apply(seen.channel, *message, now);
    return step ? ok() : Status(step.error());
  }
  if (const auto message = proxy_message(seen)) {
    const auto step = billing::apply(seen.proxy, *message, now);
    return step ? ok() : Status(step.error());
  }
  return billing::epoch_follows(seen.epoch, std::get<ports::PublishEpoch>(write_).record, self_,
                                site_.network);
}

bool PlannedWrite::took_effect(const ContractView& first, const ContractView& seen) const {
  const auto& channel = seen.channel;
  const auto& proxy = seen.proxy;
  const auto closed = [&] { return channel && channel->phase == billing::ChannelPhase::closed; };
  return std::visit(
      Overloaded{
          [&](const ports::OpenChannel&) { return channel.has_value(); },
          [&](const ports::TopUpChannel& w) {
            return channel && channel->deposited >= w.deposited;
          },
          [&](const ports::DeployProxy&) { return proxy.has_value(); },
          [&](const ports::AddProxyStake& w) { return proxy && proxy->staked >= w.staked; },
          [&](const ports::StartProxyWithdrawal&) {
            return proxy && proxy->phase != billing::ProxyPhase::open;
          },
          [&](const ports::FinishProxyWithdrawal&) {
            return proxy && proxy->phase == billing::ProxyPhase::closed;
          },
          [&](const ports::PublishEpoch& w) { return seen.epoch && *seen.epoch == w.record; },
          [&](const ports::RedeemVoucher& w) {
            return channel && channel->claimed >= w.voucher.value.spent;
          },
          [&](const ports::PresentVoucher& w) { return channel && channel->claimed >= w.claim; },
          [&](const ports::CashOutVoucher& w) {
            const AccountId& worker = w.voucher.value.worker;
            return proxy && first.proxy && proxy->paid_to(worker) > first.proxy->paid_to(worker);
          },
          [&](const ports::StartChannelClose&) {
            return channel && channel->phase != billing::ChannelPhase::open;
          },
          [&](const ports::FinaliseChannel&) { return closed(); },
          [&](const ports::CloseChannelByAgreement&) { return closed(); },
          [&](const ports::TakeProxyFees&) {
            return proxy && first.proxy && proxy->fees_taken > first.proxy->fees_taken;
          },
      },
      write_);
}

/// Of a write whose effect is a state that may be there already, for whatever reason.
bool PlannedWrite::is_a_goal() const {
  return std::holds_alternative<ports::PublishEpoch>(write_) ||
         std::holds_alternative<ports::TopUpChannel>(write_) ||
         std::holds_alternative<ports::AddProxyStake>(write_);
}

std::optional<ports::LedgerReply> PlannedWrite::before(const ContractView& seen,
                                                       UnixTime now) const {
  if (is_a_goal() && took_effect(seen, seen)) return ports::Confirmed{};
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
