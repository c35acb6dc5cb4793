#pragma once
/// @file The local ledger: registry, contracts and accounts of a development network, in one sqlite
/// file that all roles of a machine share. It stands in for TON: the contracts are the pure rules
/// of billing/, messages take a while, can bounce, and every step is one transaction.
///
/// It blocks (on the file's lock and on the disk) and has no clock: `now` comes in. It believes a
/// message's `sender`: whoever can write to the file could write anything. That is why its networks
/// are always of kind `dev`.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/admission.h"
#include "billing/contract.h"
#include "billing/registry.h"
#include "cocoon/result.h"
#include "ledger/local_message.h"
#include "ledger/local_tables.h"
#include "ports/ledger.h"

namespace cocoon::ledger {

/// A new beacon is made when the newest is older than this: about a block of a slow chain.
inline constexpr Seconds kBeaconInterval{60};
/// Beacons are kept for twice the age that evidence may have (limits::kMaxBeaconAge), in round
/// figures.
inline constexpr Seconds kBeaconHistory{50 * 3600};

/// How a new local ledger starts. `registry` has the network id, prices, delays, minima and lists;
/// its kind, version and time are set by create().
struct Genesis {
  billing::Registry registry;
  /// How long a message or a transfer is under way.
  Millis confirmation_delay{0};
  /// How long a change of the registry that loosens anything waits in the open.
  Seconds governance_delay{0};
};

/// Where all the money is.
struct Audit {
  Nano issued;     ///< development money that was ever made
  Nano accounts;   ///< in wallets
  Nano gas;        ///< burnt as fees of messages
  Nano messages;   ///< with messages under way
  Nano transfers;  ///< between contracts and accounts, under way
  Nano channels;   ///< held by channel contracts
  Nano proxies;    ///< held by proxy contracts
  /// issued = the sum of all others, to the nanoton.
  bool balanced() const;
};

/// Errors of all calls: io (see store::Database).
class LocalLedger {
 public:
  /// Makes a new ledger file (mode 0600). Errors: invalid_argument/bad_registry,
  /// invalid_argument/ledger_exists.
  static Result<LocalLedger> create(const std::string& path, Genesis genesis, UnixTime now);
  /// Errors: io/file_not_found; not_found/ledger_not_initialised.
  static Result<LocalLedger> open(const std::string& path);

  // --- Reads ---

  /// The registry in force at `now`. Errors: unavailable/no_registry.
  Result<billing::Registry> registry(UnixTime now);
  /// A change that waits out the governance delay.
  Result<std::optional<billing::Registry>> pending_registry(UnixTime now) {
    return tables_.registry_after(now);
  }
  Result<std::optional<billing::ChannelState>> channel(const ChannelId& id) {
    return tables_.channel(id);
  }
  /// The newest channel of this pair that is not closed.
  Result<std::optional<billing::ChannelState>> find_channel(const AccountId& client,
                                                            const AccountId& proxy) {
    return tables_.find_channel(client, proxy);
  }
  /// All, in the order of their opening.
  Result<std::vector<billing::ChannelState>> channels() { return tables_.channels(); }
  Result<std::optional<billing::ProxyState>> proxy(const AccountId& account) {
    return tables_.proxy(account);
  }
  Result<std::vector<billing::ProxyState>> proxies() { return tables_.proxies(); }
  /// What has arrived of what the proxy's contract sent to this worker, and what it could send.
  Result<ports::PayoutView> payout(const AccountId& proxy, const AccountId& worker);
  Result<std::optional<billing::SignedEpoch>> epoch(const AccountId& account) {
    return tables_.epoch(account);
  }
  Result<Nano> balance(const AccountId& account) { return tables_.balance(account); }
  Result<std::vector<std::pair<AccountId, Nano>>> balances() { return tables_.balances(); }
  Result<Audit> audit();

  /// The newest beacon; a new one is made where it is older than kBeaconInterval.
  Result<ports::Beacon> beacon(UnixTime now);
  /// Errors: not_found/beacon_unknown (never was, or older than kBeaconHistory).
  Result<ports::Beacon> beacon_at(std::uint64_t height);

  /// Changes whenever another connection has written to the file. Cheap: reads no table.
  Result<std::int64_t> data_version() { return tables_.database().data_version(); }

  // --- Messages ---

  /// Sends a message: takes value and gas from the sender's account, which is given development
  /// money where it lacks any, and queues it for after the confirmation delay.
  /// Errors: too_large/amount_overflow.
  Result<MessageId> submit(const LocalMessage& message, UnixTime now);
  /// Errors: not_found/message_unknown.
  Result<MessageStatus> status(MessageId id);
  /// Carries out everything that is due, whoever sent it.
  Status advance(UnixTime now);
  /// When the next message or transfer is due; none where nothing is under way.
  Result<std::optional<UnixTime>> next_due() { return tables_.next_due(); }

  // --- Registry ---

  using RegistryEdit = std::function<Status(billing::Registry&)>;

  /// Changes the registry, in one transaction: at once where the change only takes away, else
  /// after the governance delay. `edit` is called for the registry in force and for a pending one,
  /// so that a removal reaches both; it keeps lists sorted and may refuse.
  /// @return the registry that holds the change, with the time from which it counts
  /// Errors: those of `edit`; invalid_argument/bad_registry.
  Result<billing::Registry> edit_registry(const RegistryEdit& edit, UnixTime now);

 private:
  /// What a contract said to a message.
  struct Verdict {
    std::optional<Error> refusal;
  };

  explicit LocalLedger(LocalTables tables) : tables_(std::move(tables)) {}

  Status initialise(const Genesis& genesis, UnixTime now);
  Result<billing::Registry> edit_now(billing::Registry current,
                                     std::optional<billing::Registry> pending,
                                     const RegistryEdit& edit, UnixTime now);
  Result<billing::Registry> edit_later(billing::Registry base,
                                       const std::optional<billing::Registry>& pending,
                                       const RegistryEdit& edit, UnixTime effective);

  Status credit(const AccountId& account, Nano amount);
  Status add_to_total(Total name, Nano amount);
  Status take_from_sender(const AccountId& sender, Nano amount);

  Result<bool> advance_one(UnixTime now);
  Status execute(const QueuedMessage& queued, UnixTime now);
  Result<Verdict> to_contract(const LocalMessage& message, UnixTime now);
  Result<Verdict> to_channel(const LocalMessage& message, const billing::Registry& registry,
                             UnixTime now);
  Result<Verdict> to_proxy(const LocalMessage& message, const billing::Registry& registry,
                           UnixTime now);
  Result<Verdict> to_epochs(const LocalMessage& message, const billing::Registry& registry);
  Status send(const std::vector<billing::Transfer>& transfers, UnixTime now);
  Status deliver(const QueuedTransfer& queued, UnixTime now);
  Result<Verdict> receive(const billing::Transfer& transfer, UnixTime now);
  Result<Verdict> pay_in(const billing::Transfer& transfer, UnixTime now);
  Status bounce(const billing::Transfer& transfer, UnixTime now);

  LocalTables tables_;
};

}  // namespace cocoon::ledger
