#pragma once
/// @file The rows of the local ledger's file: every SQL statement of it, and no rule.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
#include "ports/ledger.h"
#include "store/database.h"

namespace cocoon::ledger {

/// What has become of a message or a transfer.
enum class Progress : std::uint8_t { pending = 0, confirmed = 1, bounced = 2 };

struct MessageStatus {
  Progress progress = Progress::pending;
  std::optional<Error> error;  ///< of a bounced message
};

struct QueuedMessage {
  MessageId id = 0;
  LocalMessage message;
};

struct QueuedTransfer {
  std::int64_t id = 0;
  billing::Transfer transfer;
};

/// Sums that belong to no contract.
enum class Total : std::uint8_t { issued = 1, gas = 2 };

/// Settings of the file, fixed at its making.
enum class Setting : std::uint8_t { confirmation_delay_ms = 1, governance_delay_s = 2 };

/// Errors of all: io (store::Database), io/file_damaged where a row cannot be read back.
class LocalTables {
 public:
  static Result<LocalTables> open(const std::string& path, bool must_exist);

  store::Database& database() { return database_; }

  Result<std::int64_t> setting(Setting name);
  Status put_setting(Setting name, std::int64_t value);

  /// The newest version whose time has come.
  Result<std::optional<billing::Registry>> registry_at(UnixTime now);
  /// The newest version whose time has not come.
  Result<std::optional<billing::Registry>> registry_after(UnixTime now);
  Result<std::uint64_t> newest_registry_version();
  Status put_registry(const billing::Registry& registry);
  Status erase_registry(std::uint64_t version);

  Result<std::optional<billing::ChannelState>> channel(const ChannelId& id);
  Result<std::optional<billing::ChannelState>> find_channel(const AccountId& client,
                                                            const AccountId& proxy);
  Result<std::vector<billing::ChannelState>> channels();
  Status put_channel(const billing::ChannelState& state);

  Result<std::optional<billing::ProxyState>> proxy(const AccountId& account);
  Result<std::vector<billing::ProxyState>> proxies();
  Status put_proxy(const billing::ProxyState& state);

  Result<std::optional<billing::SignedEpoch>> epoch(const AccountId& account);
  Status put_epoch(const AccountId& account, const billing::SignedEpoch& record);

  Result<Nano> balance(const AccountId& account);
  Result<std::vector<std::pair<AccountId, Nano>>> balances();
  Status put_balance(const AccountId& account, Nano amount);

  Result<Nano> total(Total name);
  Status put_total(Total name, Nano amount);

  Result<std::optional<ports::Beacon>> newest_beacon();
  Result<std::optional<ports::Beacon>> beacon_at(std::uint64_t height);
  Status put_beacon(const ports::Beacon& beacon);
  Status erase_beacons_before(UnixTime time);

  Result<MessageId> put_message(const LocalMessage& message, UnixTime due);
  Result<std::optional<QueuedMessage>> due_message(UnixTime now);
  Status finish_message(MessageId id, const std::optional<Error>& refusal);
  Result<std::optional<MessageStatus>> message_status(MessageId id);

  Status put_transfer(const billing::Transfer& transfer, UnixTime due);
  Result<std::optional<QueuedTransfer>> due_transfer(UnixTime now);
  Status finish_transfer(std::int64_t id, Progress progress);

  /// The earliest time at which a message or a transfer is due.
  Result<std::optional<UnixTime>> next_due();
  /// Money with pending messages, and with pending transfers.
  Result<Nano> pending_value();
  Result<Nano> pending_transfers();
  /// Of those, payouts of this proxy's to this worker.
  Result<Nano> pending_payouts(const AccountId& proxy, const AccountId& worker);

 private:
  explicit LocalTables(store::Database database) : database_(std::move(database)) {}
  Result<std::optional<billing::Registry>> registry_row(std::string_view sql, UnixTime now);
  Result<Nano> sum(std::string_view sql);

  store::Database database_;
};

}  // namespace cocoon::ledger
