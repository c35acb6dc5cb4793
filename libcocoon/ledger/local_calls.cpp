#include "ledger/local_calls.h"

namespace cocoon::ledger {
namespace {

using ports::LedgerReply;

/// What a write comes to: a message, or nothing where its effect is there already.
using Sent = std::variant<LedgerReply, LocalMessage>;

/// One overload per request: the reads return replies, the writes the message to send.
struct Visitor {
  LocalLedger& ledger;
  const AccountId& self;
  UnixTime now;

  Result<LedgerReply> operator()(const ports::ReadRegistry&) const {
    COCOON_TRY(auto registry, ledger.registry(now));
    return LedgerReply(ports::RegistryView{std::move(registry)});
  }
  Result<LedgerReply> operator()(const ports::ReadBeacon& r) const {
    COCOON_TRY(const auto beacon, r.height ? ledger.beacon_at(*r.height) : ledger.beacon(now));
    return LedgerReply(beacon);
  }
  Result<LedgerReply> operator()(const ports::ReadChannel& r) const {
    COCOON_TRY(auto channel, ledger.channel(r.channel));
    return LedgerReply(ports::ChannelView{std::move(channel)});
  }
  Result<LedgerReply> operator()(const ports::FindChannel& r) const {
    COCOON_TRY(auto channel, ledger.find_channel(r.client, r.proxy));
    return LedgerReply(ports::ChannelView{std::move(channel)});
  }
  Result<LedgerReply> operator()(const ports::ReadProxy& r) const {
    COCOON_TRY(auto proxy, ledger.proxy(r.account));
    return LedgerReply(ports::ProxyView{std::move(proxy)});
  }
  Result<LedgerReply> operator()(const ports::ReadPayout& r) const {
    COCOON_TRY(const auto view, ledger.payout(r.proxy, r.worker));
    return LedgerReply(view);
  }
  Result<LedgerReply> operator()(const ports::ReadEpoch& r) const {
    COCOON_TRY(auto newest, ledger.epoch(r.account));
    return LedgerReply(ports::EpochView{std::move(newest)});
  }

  Result<LedgerReply> operator()(const ports::ReadBalance& r) const {
    COCOON_TRY(const Nano balance, ledger.balance(r.account));
    return LedgerReply(ports::BalanceView{balance});
  }

  Result<Sent> operator()(const ports::OpenChannel& r) const {
    COCOON_TRY(const auto registry, ledger.registry(now));
    billing::ChannelTerms terms;
    terms.network = registry.network;
    terms.client = self;
    terms.proxy = r.proxy;
    terms.signer = self;
    terms.nonce = r.nonce;
    terms.rent = registry.tombstone_rent;
    return Sent(open_channel(terms, r.deposit));
  }
  Result<Sent> operator()(const ports::TopUpChannel& r) const {
    COCOON_TRY(const auto channel, ledger.channel(r.channel));
    const Nano before = channel ? channel->deposited : Nano{};
    if (before >= r.deposited) return Sent(LedgerReply(ports::Confirmed{}));
    return Sent(top_up(self, r.channel, floor_sub(r.deposited, before)));
  }
  Result<Sent> operator()(const ports::AddProxyStake& r) const {
    COCOON_TRY(const auto proxy, ledger.proxy(self));
    const Nano before = proxy ? proxy->staked : Nano{};
    if (before >= r.staked) return Sent(LedgerReply(ports::Confirmed{}));
    return Sent(add_stake(self, floor_sub(r.staked, before)));
  }
  LocalMessage operator()(const ports::DeployProxy& r) const { return deploy_proxy(self, r.stake); }
  LocalMessage operator()(const ports::StartProxyWithdrawal&) const {
    return proxy_order(MessageKind::start_withdrawal, self);
  }
  LocalMessage operator()(const ports::FinishProxyWithdrawal&) const {
    return proxy_order(MessageKind::finish_withdrawal, self);
  }
  LocalMessage operator()(const ports::PublishEpoch& r) const {
    return publish_epoch(self, r.record);
  }
  LocalMessage operator()(const ports::RedeemVoucher& r) const {
    return redeem(self, r.channel, r.voucher);
  }
  LocalMessage operator()(const ports::PresentVoucher& r) const {
    return present(self, r.channel, r.voucher, r.claim);
  }
  LocalMessage operator()(const ports::CashOutVoucher& r) const {
    return cash_out(self, r.voucher);
  }
  LocalMessage operator()(const ports::StartChannelClose& r) const {
    return channel_order(MessageKind::start_close, self, r.channel);
  }
  LocalMessage operator()(const ports::FinaliseChannel& r) const {
    return channel_order(MessageKind::finalise, self, r.channel);
  }
  LocalMessage operator()(const ports::CloseChannelByAgreement& r) const {
    return close_by_agreement(self, r.by_signer, r.by_proxy);
  }
  LocalMessage operator()(const ports::TakeProxyFees&) const {
    return proxy_order(MessageKind::take_fees, self);
  }
};

Result<CallStart> started(LocalLedger&, UnixTime, Result<LedgerReply> reply) {
  if (!reply) return std::move(reply).error();
  return CallStart(std::move(reply).value());
}

Result<CallStart> started(LocalLedger& ledger, UnixTime now, const LocalMessage& message) {
  COCOON_TRY(const MessageId id, ledger.submit(message, now));
  COCOON_CHECK(ledger.advance(now));
  COCOON_TRY(auto reply, finish_call(ledger, id));
  if (reply) return CallStart(std::move(*reply));
  return CallStart(id);
}

Result<CallStart> started(LocalLedger& ledger, UnixTime now, Result<Sent> sent) {
  if (!sent) return std::move(sent).error();
  if (auto* reply = std::get_if<LedgerReply>(&*sent)) return CallStart(std::move(*reply));
  return started(ledger, now, std::get<LocalMessage>(*sent));
}

}  // namespace

Result<CallStart> start_call(LocalLedger& ledger, const AccountId& self,
                             const ports::LedgerRequest& request, UnixTime now) {
  const Visitor visitor{ledger, self, now};
  return std::visit([&](const auto& r) { return started(ledger, now, visitor(r)); }, request);
}

Result<std::optional<LedgerReply>> finish_call(LocalLedger& ledger, MessageId message) {
  COCOON_TRY(auto status, ledger.status(message));
  switch (status.progress) {
    case Progress::pending: return std::optional<LedgerReply>();
    case Progress::confirmed: return std::optional<LedgerReply>(ports::Confirmed{});
    case Progress::bounced: break;
  }
  return std::optional<LedgerReply>(ports::Bounced{std::move(*status.error)});
}

}  // namespace cocoon::ledger
