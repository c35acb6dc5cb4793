// How the local ledger carries out messages and transfers: load a state, run the pure rule, store
// the new state and what it sends, in one transaction.

#include "ledger/local_ledger.h"

namespace cocoon::ledger {

using store::Transaction;

Status LocalLedger::advance(UnixTime now) {
  for (;;) {
    COCOON_TRY(const bool more, advance_one(now));
    if (!more) return ok();
  }
}

Result<bool> LocalLedger::advance_one(UnixTime now) {
  // Looking first costs no lock while nothing is due.
  COCOON_TRY(const auto due, tables_.next_due());
  if (!due || *due > now) return false;
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  COCOON_TRY(const auto message, tables_.due_message(now));
  if (message) {
    COCOON_CHECK(execute(*message, now));
  } else {
    COCOON_TRY(const auto transfer, tables_.due_transfer(now));
    if (!transfer) return false;  // another process was faster
    COCOON_CHECK(deliver(*transfer, now));
  }
  COCOON_CHECK(transaction.commit());
  return true;
}

Status LocalLedger::execute(const QueuedMessage& queued, UnixTime now) {
  COCOON_TRY(const Verdict verdict, to_contract(queued.message, now));
  if (verdict.refusal) COCOON_CHECK(credit(queued.message.sender, queued.message.value));
  return tables_.finish_message(queued.id, verdict.refusal);
}

Result<LocalLedger::Verdict> LocalLedger::to_contract(const LocalMessage& message, UnixTime now) {
  COCOON_TRY(const billing::Registry rules, registry(now));
  switch (recipient_of(message.kind)) {
    case Recipient::channel: return to_channel(message, rules, now);
    case Recipient::proxy: return to_proxy(message, rules, now);
    case Recipient::epochs: break;
  }
  return to_epochs(message, rules);
}

Result<LocalLedger::Verdict> LocalLedger::to_channel(const LocalMessage& message,
                                                     const billing::Registry& rules, UnixTime now) {
  const auto parsed = channel_message(message, rules);
  if (!parsed) return Verdict{parsed.error()};
  COCOON_TRY(const auto state, tables_.channel(ChannelId{message.subject}));
  const auto step = billing::apply(state, *parsed, now);
  if (!step) return Verdict{step.error()};
  COCOON_CHECK(tables_.put_channel(step->state));
  COCOON_CHECK(send(step->transfers, now));
  return Verdict{};
}

Result<LocalLedger::Verdict> LocalLedger::to_proxy(const LocalMessage& message,
                                                   const billing::Registry& rules, UnixTime now) {
  const auto parsed = proxy_message(message, rules);
  if (!parsed) return Verdict{parsed.error()};
  COCOON_TRY(const auto state, tables_.proxy(AccountId{message.subject}));
  const auto step = billing::apply(state, *parsed, now);
  if (!step) return Verdict{step.error()};
  COCOON_CHECK(tables_.put_proxy(step->state));
  COCOON_CHECK(send(step->transfers, now));
  return Verdict{};
}

Result<LocalLedger::Verdict> LocalLedger::to_epochs(const LocalMessage& message,
                                                    const billing::Registry& rules) {
  const AccountId account{message.subject};
  const auto record = epoch_message(message);
  if (!record) return Verdict{record.error()};
  COCOON_TRY(const auto newest, tables_.epoch(account));
  const Status follows = billing::epoch_follows(newest, *record, account, rules.network);
  if (!follows) return Verdict{follows.error()};
  COCOON_CHECK(tables_.put_epoch(account, *record));
  return Verdict{};
}

Status LocalLedger::send(const std::vector<billing::Transfer>& transfers, UnixTime now) {
  COCOON_TRY(const std::int64_t delay, tables_.setting(Setting::confirmation_delay_ms));
  for (const billing::Transfer& t : transfers) {
    COCOON_CHECK(tables_.put_transfer(t, now + Millis(delay)));
  }
  return ok();
}

Status LocalLedger::deliver(const QueuedTransfer& queued, UnixTime now) {
  COCOON_TRY(const Verdict verdict, receive(queued.transfer, now));
  if (!verdict.refusal) return tables_.finish_transfer(queued.id, Progress::confirmed);
  COCOON_CHECK(bounce(queued.transfer, now));
  return tables_.finish_transfer(queued.id, Progress::bounced);
}

Result<LocalLedger::Verdict> LocalLedger::receive(const billing::Transfer& transfer, UnixTime now) {
  if (transfer.to.kind == billing::Party::Kind::proxy) return pay_in(transfer, now);
  COCOON_CHECK(credit(AccountId{transfer.to.id}, transfer.amount));
  if (transfer.reason != billing::TransferReason::payout) return Verdict{};
  COCOON_TRY(const auto payer, tables_.proxy(AccountId{transfer.from.id}));
  COCOON_TRY(const auto step,
             billing::apply(payer, billing::PayoutDelivered{transfer.amount}, now));
  COCOON_CHECK(tables_.put_proxy(step.state));
  return Verdict{};
}

Result<LocalLedger::Verdict> LocalLedger::pay_in(const billing::Transfer& transfer, UnixTime now) {
  COCOON_TRY(const billing::Registry rules, registry(now));
  COCOON_TRY(auto state, tables_.proxy(AccountId{transfer.to.id}));
  if (state) {
    const billing::SetWorkerShare share{rules.prices.worker_share_e4};
    COCOON_TRY(auto shared, billing::apply(state, share, now));
    state = std::move(shared.state);
  }
  const auto step = billing::apply(state, billing::Receive{transfer.amount}, now);
  if (!step) return Verdict{step.error()};
  COCOON_CHECK(tables_.put_proxy(step->state));
  return Verdict{};
}

Status LocalLedger::bounce(const billing::Transfer& transfer, UnixTime now) {
  // Accounts of this ledger take everything: only what was sent to a proxy contract comes back.
  const ChannelId channel{transfer.from.id};
  COCOON_TRY(const auto state, tables_.channel(channel));
  COCOON_TRY(const auto step, billing::apply(state, billing::ChannelBounce{transfer}, now));
  return tables_.put_channel(step.state);
}

}  // namespace cocoon::ledger
