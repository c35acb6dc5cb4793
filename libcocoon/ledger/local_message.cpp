#include "ledger/local_message.h"

#include <algorithm>
#include <array>

namespace cocoon::ledger {
namespace {

using billing::Signed;

Error bad_message() {
  return Error(ErrorKind::invalid_argument, "bad_message",
               "a message of the local ledger is not of its kind's form");
}

template <class T>
LocalMessage with_statement(MessageKind kind, const ByteArray<32>& subject, const AccountId& sender,
                            const Signed<T>& statement) {
  LocalMessage m;
  m.kind = kind;
  m.subject = subject;
  m.sender = sender;
  m.body = statement.value.encode();
  m.signature = to_bytes(statement.signature);
  return m;
}

template <class T>
Result<Signed<T>> statement_of(const LocalMessage& m) {
  COCOON_TRY(T value, T::decode(m.body));
  const auto signature = to_array<64>(m.signature);
  if (!signature) return bad_message();
  return Signed<T>{std::move(value), *signature};
}

Result<billing::ChannelMessage> open_message(const LocalMessage& m,
                                             const billing::Registry& registry) {
  ByteReader in(m.body);
  billing::OpenChannel open;
  open.terms.network = registry.network;
  open.terms.client = m.sender;
  open.terms.proxy.bytes = in.array<32>();
  open.terms.signer.bytes = in.array<32>();
  open.terms.nonce = in.array<16>();
  open.terms.close_delay = registry.client_close_delay;
  open.terms.min_deposit = registry.min_deposit;
  open.terms.rent = registry.tombstone_rent;
  open.sender = m.sender;
  if (!in.finished() || open.terms.address().bytes != m.subject) return bad_message();
  if (registry.find_proxy(open.terms.proxy) == nullptr) {
    return Error(ErrorKind::invalid_argument, "proxy_not_registered",
                 "the registry lists no such proxy; `cocoon-ledger show` lists those that it has");
  }
  const auto deposit = checked_sub(m.value, open.terms.rent);
  if (!deposit) {
    return Error(ErrorKind::invalid_argument, "deposit_too_small",
                 "the deposit does not even cover the channel's rent");
  }
  open.deposit = *deposit;
  return billing::ChannelMessage(std::move(open));
}

/// Codes that contract rules and decoders refuse with.
constexpr std::array<std::string_view, 31> kCodes{
    "agreement_out_of_range", "amount_overflow",  "bad_close_agreement",
    "bad_epoch_record",       "bad_message",      "bad_payout_voucher",
    "bad_signature",          "bad_terms",        "bad_voucher",
    "channel_closed",         "channel_exists",   "channel_not_closed",
    "channel_not_closing",    "channel_not_open", "claim_not_authorised",
    "deposit_too_small",      "epoch_not_newer",  "not_deployed",
    "nothing_to_pay",         "proxy_closed",     "proxy_exists",
    "proxy_not_closing",      "proxy_not_open",   "proxy_not_registered",
    "stake_too_small",        "too_early",        "unsound_state",
    "wrong_channel",          "wrong_network",    "wrong_proxy",
    "wrong_sender",
};

}  // namespace

std::string_view to_string(MessageKind kind) {
  switch (kind) {
    case MessageKind::open_channel: return "open_channel";
    case MessageKind::top_up: return "top_up";
    case MessageKind::redeem: return "redeem";
    case MessageKind::start_close: return "start_close";
    case MessageKind::present: return "present";
    case MessageKind::finalise: return "finalise";
    case MessageKind::close_by_agreement: return "close_by_agreement";
    case MessageKind::resend: return "resend";
    case MessageKind::deploy_proxy: return "deploy_proxy";
    case MessageKind::add_stake: return "add_stake";
    case MessageKind::cash_out: return "cash_out";
    case MessageKind::take_fees: return "take_fees";
    case MessageKind::start_withdrawal: return "start_withdrawal";
    case MessageKind::finish_withdrawal: return "finish_withdrawal";
    case MessageKind::publish_epoch: return "publish_epoch";
  }
  return "unknown";
}

LocalMessage open_channel(const billing::ChannelTerms& terms, Nano deposit) {
  LocalMessage m;
  m.kind = MessageKind::open_channel;
  m.subject = terms.address().bytes;
  m.sender = terms.client;
  m.value = saturating_add(deposit, terms.rent);
  m.body =
      ByteWriter().bytes(terms.proxy.view()).bytes(terms.signer.view()).bytes(terms.nonce).take();
  return m;
}

LocalMessage top_up(const AccountId& sender, const ChannelId& channel, Nano amount) {
  LocalMessage m = channel_order(MessageKind::top_up, sender, channel);
  m.value = amount;
  return m;
}

LocalMessage redeem(const AccountId& sender, const ChannelId& channel,
                    const billing::SignedVoucher& voucher) {
  return with_statement(MessageKind::redeem, channel.bytes, sender, voucher);
}

LocalMessage present(const AccountId& sender, const ChannelId& channel,
                     const billing::SignedVoucher& voucher, Nano claim) {
  LocalMessage m = with_statement(MessageKind::present, channel.bytes, sender, voucher);
  m.amount = claim;
  return m;
}

LocalMessage channel_order(MessageKind kind, const AccountId& sender, const ChannelId& channel) {
  LocalMessage m;
  m.kind = kind;
  m.subject = channel.bytes;
  m.sender = sender;
  return m;
}

LocalMessage close_by_agreement(const AccountId& sender,
                                const Signed<billing::CloseAgreement>& by_signer,
                                const crypto::Signature& by_proxy) {
  LocalMessage m = with_statement(MessageKind::close_by_agreement, by_signer.value.channel.bytes,
                                  sender, by_signer);
  m.second_signature = to_bytes(by_proxy);
  return m;
}

LocalMessage deploy_proxy(const AccountId& proxy, Nano stake) {
  LocalMessage m = proxy_order(MessageKind::deploy_proxy, proxy);
  m.value = stake;
  return m;
}

LocalMessage add_stake(const AccountId& proxy, Nano amount) {
  LocalMessage m = proxy_order(MessageKind::add_stake, proxy);
  m.value = amount;
  return m;
}

LocalMessage cash_out(const AccountId& sender, const billing::SignedPayout& voucher) {
  return with_statement(MessageKind::cash_out, voucher.value.proxy.bytes, sender, voucher);
}

LocalMessage proxy_order(MessageKind kind, const AccountId& proxy) {
  LocalMessage m;
  m.kind = kind;
  m.subject = proxy.bytes;
  m.sender = proxy;
  return m;
}

LocalMessage publish_epoch(const AccountId& account, const billing::SignedEpoch& record) {
  return with_statement(MessageKind::publish_epoch, account.bytes, account, record);
}

Result<billing::ChannelMessage> channel_message(const LocalMessage& m,
                                                const billing::Registry& registry) {
  switch (m.kind) {
    case MessageKind::open_channel: return open_message(m, registry);
    case MessageKind::top_up: return billing::ChannelMessage(billing::TopUp{m.value});
    case MessageKind::redeem: {
      COCOON_TRY(auto voucher, statement_of<billing::Voucher>(m));
      return billing::ChannelMessage(billing::Redeem{m.sender, std::move(voucher)});
    }
    case MessageKind::start_close: return billing::ChannelMessage(billing::StartClose{m.sender});
    case MessageKind::present: {
      COCOON_TRY(auto voucher, statement_of<billing::Voucher>(m));
      return billing::ChannelMessage(billing::Present{m.sender, std::move(voucher), m.amount});
    }
    case MessageKind::finalise: return billing::ChannelMessage(billing::Finalise{});
    case MessageKind::close_by_agreement: {
      COCOON_TRY(auto agreement, statement_of<billing::CloseAgreement>(m));
      const auto by_proxy = to_array<64>(m.second_signature);
      if (!by_proxy) return bad_message();
      return billing::ChannelMessage(billing::CloseByAgreement{std::move(agreement), *by_proxy});
    }
    case MessageKind::resend: return billing::ChannelMessage(billing::Resend{});
    default: return bad_message();
  }
}

Result<billing::ProxyMessage> proxy_message(const LocalMessage& m,
                                            const billing::Registry& registry) {
  switch (m.kind) {
    case MessageKind::deploy_proxy: {
      billing::DeployProxy deploy;
      deploy.terms = {registry.network, m.sender, registry.proxy_close_delay, registry.min_stake};
      deploy.worker_share_e4 = registry.prices.worker_share_e4;
      deploy.stake = m.value;
      return billing::ProxyMessage(std::move(deploy));
    }
    case MessageKind::add_stake: return billing::ProxyMessage(billing::AddStake{m.value});
    case MessageKind::cash_out: {
      COCOON_TRY(auto voucher, statement_of<billing::PayoutVoucher>(m));
      return billing::ProxyMessage(billing::CashOut{std::move(voucher)});
    }
    case MessageKind::take_fees: return billing::ProxyMessage(billing::TakeFees{m.sender});
    case MessageKind::start_withdrawal:
      return billing::ProxyMessage(billing::StartWithdrawal{m.sender});
    case MessageKind::finish_withdrawal:
      return billing::ProxyMessage(billing::FinishWithdrawal{m.sender});
    default: return bad_message();
  }
}

Result<billing::SignedEpoch> epoch_message(const LocalMessage& m) {
  return statement_of<billing::EpochRecord>(m);
}

Recipient recipient_of(MessageKind kind) {
  if (kind <= MessageKind::resend) return Recipient::channel;
  if (kind <= MessageKind::finish_withdrawal) return Recipient::proxy;
  return Recipient::epochs;
}

std::string_view known_code(std::string_view code) {
  const auto at = std::lower_bound(kCodes.begin(), kCodes.end(), code);
  return at != kCodes.end() && *at == code ? *at : "refused";
}

}  // namespace cocoon::ledger
