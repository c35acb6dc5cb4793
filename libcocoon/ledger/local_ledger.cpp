#include "ledger/local_ledger.h"

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::ledger {
namespace {

using store::Transaction;

constexpr std::string_view kBeaconMagic = "CCL1";

/// Most development money that may ever be issued: the rows hold signed 64-bit integers. TON's
/// whole supply is about half of it.
constexpr Nano kMaxIssued{INT64_MAX};

ports::Beacon next_beacon(const std::optional<ports::Beacon>& last, UnixTime now) {
  ports::Beacon next;
  next.height = last ? last->height + 1 : 1;
  next.time = now;
  const Bytes numbers = ByteWriter()
                            .u64be(next.height)
                            .u64be(static_cast<std::uint64_t>(now.time_since_epoch().count()))
                            .take();
  next.hash = crypto::sha256({as_bytes(kBeaconMagic), last ? last->hash : Hash{}, numbers});
  return next;
}

bool same_content(billing::Registry a, const billing::Registry& b) {
  a.version = b.version;
  a.effective = b.effective;
  return a == b;
}

UnixTime whole_seconds(UnixTime t) {
  return unix_seconds(to_unix_seconds(t));
}

}  // namespace

bool Audit::balanced() const {
  Nano sum;
  for (Nano part : {accounts, gas, messages, transfers, channels, proxies}) {
    const auto more = checked_add(sum, part);
    if (!more) return false;
    sum = *more;
  }
  return sum == issued;
}

Result<LocalLedger> LocalLedger::create(const std::string& path, Genesis genesis, UnixTime now) {
  genesis.registry.kind = billing::NetworkKind::dev;
  genesis.registry.version = 1;
  genesis.registry.effective = whole_seconds(now);
  COCOON_CHECK(genesis.registry.validate());
  COCOON_TRY(LocalTables tables, LocalTables::open(path, false));
  LocalLedger ledger(std::move(tables));
  COCOON_CHECK(ledger.initialise(genesis, now));
  return ledger;
}

Status LocalLedger::initialise(const Genesis& genesis, UnixTime now) {
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  COCOON_TRY(const std::uint64_t version, tables_.newest_registry_version());
  if (version != 0) {
    return Error(ErrorKind::invalid_argument, "ledger_exists",
                 tables_.database().path() + " is a ledger already; name another file");
  }
  COCOON_CHECK(tables_.put_registry(genesis.registry));
  COCOON_CHECK(
      tables_.put_setting(Setting::confirmation_delay_ms, genesis.confirmation_delay.count()));
  COCOON_CHECK(tables_.put_setting(Setting::governance_delay_s, genesis.governance_delay.count()));
  COCOON_CHECK(tables_.put_beacon(next_beacon(std::nullopt, now)));
  return transaction.commit();
}

Result<LocalLedger> LocalLedger::open(const std::string& path) {
  const std::string advice = "; make it with `cocoon-ledger --ledger " + path + " init`";
  auto tables = LocalTables::open(path, true);
  if (!tables && tables.error().code() == "file_not_found") {
    return Error(tables.error().kind(), "file_not_found", tables.error().detail() + advice);
  }
  if (!tables) return tables.error();
  COCOON_TRY(const std::uint64_t version, tables->newest_registry_version());
  if (version == 0) {
    return Error(ErrorKind::not_found, "ledger_not_initialised", path + " is empty" + advice);
  }
  return LocalLedger(std::move(*tables));
}

Result<billing::Registry> LocalLedger::registry(UnixTime now) {
  COCOON_TRY(auto found, tables_.registry_at(now));
  if (found) return std::move(*found);
  return Error(ErrorKind::unavailable, "no_registry",
               "the ledger's first registry lies in the future: check this machine's clock");
}

Result<ports::PayoutView> LocalLedger::payout(const AccountId& proxy, const AccountId& worker) {
  // One transaction, so that the reads are of one moment; the same below.
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  ports::PayoutView view;
  COCOON_TRY(const auto state, tables_.proxy(proxy));
  if (!state) return view;
  COCOON_TRY(const Nano under_way, tables_.pending_payouts(proxy, worker));
  view.paid = state->paid_to(worker);
  view.arrived = floor_sub(view.paid, under_way);
  view.backing = state->backing();
  return view;
}

Result<Audit> LocalLedger::audit() {
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  Audit out;
  COCOON_TRY(out.issued, tables_.total(Total::issued));
  COCOON_TRY(out.gas, tables_.total(Total::gas));
  COCOON_TRY(out.messages, tables_.pending_value());
  COCOON_TRY(out.transfers, tables_.pending_transfers());
  COCOON_TRY(const auto balances, tables_.balances());
  for (const auto& [account, amount] : balances) {
    out.accounts = saturating_add(out.accounts, amount);
  }
  COCOON_TRY(const auto channels, tables_.channels());
  for (const auto& c : channels) out.channels = saturating_add(out.channels, c.balance);
  COCOON_TRY(const auto proxies, tables_.proxies());
  for (const auto& p : proxies) {
    for (Nano part : {p.pool, p.fees, p.stake, p.due}) {
      out.proxies = saturating_add(out.proxies, part);
    }
  }
  return out;
}

Result<ports::Beacon> LocalLedger::beacon(UnixTime now) {
  COCOON_TRY(auto newest, tables_.newest_beacon());
  if (newest && now < newest->time + kBeaconInterval) return *newest;
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  COCOON_TRY(newest, tables_.newest_beacon());  // another process may have been first
  if (newest && now < newest->time + kBeaconInterval) return *newest;
  const ports::Beacon next = next_beacon(newest, now);
  COCOON_CHECK(tables_.put_beacon(next));
  COCOON_CHECK(tables_.erase_beacons_before(now - kBeaconHistory));
  COCOON_CHECK(transaction.commit());
  return next;
}

Result<ports::Beacon> LocalLedger::beacon_at(std::uint64_t height) {
  COCOON_TRY(const auto found, tables_.beacon_at(height));
  if (found) return *found;
  return Error(ErrorKind::not_found, "beacon_unknown",
               "the ledger has no beacon " + std::to_string(height) + ", or no longer");
}

Status LocalLedger::credit(const AccountId& account, Nano amount) {
  COCOON_TRY(const Nano balance, tables_.balance(account));
  return tables_.put_balance(account, saturating_add(balance, amount));
}

Status LocalLedger::add_to_total(Total name, Nano amount) {
  COCOON_TRY(const Nano before, tables_.total(name));
  const auto sum = checked_add(before, amount);
  if (!sum || *sum > kMaxIssued) {
    return Error(ErrorKind::too_large, "amount_overflow",
                 "the amount is more than a ledger can hold");
  }
  return tables_.put_total(name, *sum);
}

Status LocalLedger::take_from_sender(const AccountId& sender, Nano amount) {
  COCOON_TRY(const Nano balance, tables_.balance(sender));
  COCOON_CHECK(add_to_total(Total::issued, floor_sub(amount, balance)));
  return tables_.put_balance(sender, floor_sub(balance, amount));
}

Result<MessageId> LocalLedger::submit(const LocalMessage& message, UnixTime now) {
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  COCOON_TRY(const billing::Registry rules, registry(now));
  COCOON_CHECK(take_from_sender(message.sender, saturating_add(message.value, rules.message_fee)));
  COCOON_CHECK(add_to_total(Total::gas, rules.message_fee));
  COCOON_TRY(const std::int64_t delay, tables_.setting(Setting::confirmation_delay_ms));
  COCOON_TRY(const MessageId id, tables_.put_message(message, now + Millis(delay)));
  COCOON_CHECK(transaction.commit());
  return id;
}

Result<MessageStatus> LocalLedger::status(MessageId id) {
  COCOON_TRY(auto found, tables_.message_status(id));
  if (found) return std::move(*found);
  return Error(ErrorKind::not_found, "message_unknown",
               "the ledger has no message " + std::to_string(id));
}

Result<billing::Registry> LocalLedger::edit_registry(const RegistryEdit& edit, UnixTime now) {
  COCOON_TRY(Transaction transaction, Transaction::begin(tables_.database()));
  COCOON_TRY(const billing::Registry current, registry(now));
  COCOON_TRY(auto pending, tables_.registry_after(now));
  COCOON_TRY(const std::int64_t delay, tables_.setting(Setting::governance_delay_s));
  billing::Registry edited = current;
  COCOON_CHECK(edit(edited));
  const bool tightens = same_content(billing::tightened(current, edited), edited);
  COCOON_TRY(billing::Registry result,
             tightens || delay == 0 ? edit_now(std::move(edited), std::move(pending), edit, now)
                                    : edit_later(pending ? *pending : current, pending, edit,
                                                 whole_seconds(now) + Seconds(delay)));
  COCOON_CHECK(transaction.commit());
  return result;
}

Result<billing::Registry> LocalLedger::edit_now(billing::Registry edited,
                                                std::optional<billing::Registry> pending,
                                                const RegistryEdit& edit, UnixTime now) {
  COCOON_TRY(const std::uint64_t newest, tables_.newest_registry_version());
  edited.version = newest + 1;
  edited.effective = whole_seconds(now);
  COCOON_CHECK(edited.validate());
  COCOON_CHECK(tables_.put_registry(edited));
  if (!pending) return edited;
  COCOON_CHECK(tables_.erase_registry(pending->version));
  // A change that does not apply to what is pending (removing what is not there) is none.
  billing::Registry later = *pending;
  if (edit(later)) pending = std::move(later);
  pending->version = edited.version + 1;
  COCOON_CHECK(pending->validate());
  COCOON_CHECK(tables_.put_registry(*pending));
  return edited;
}

Result<billing::Registry> LocalLedger::edit_later(billing::Registry base,
                                                  const std::optional<billing::Registry>& pending,
                                                  const RegistryEdit& edit, UnixTime effective) {
  COCOON_TRY(const std::uint64_t newest, tables_.newest_registry_version());
  COCOON_CHECK(edit(base));
  base.version = newest + 1;
  base.effective = effective;
  COCOON_CHECK(base.validate());
  if (pending) COCOON_CHECK(tables_.erase_registry(pending->version));
  COCOON_CHECK(tables_.put_registry(base));
  return base;
}

}  // namespace cocoon::ledger
