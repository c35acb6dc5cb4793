#include "ledger/local_tables.h"

#include "base/limits.h"

namespace cocoon::ledger {
namespace {

using store::Statement;

/// "CCld"
constexpr std::int32_t kApplicationId = 0x43436c64;
constexpr std::int32_t kSchemaVersion = 1;

// Amounts are 64-bit integers that never exceed what was issued, which LocalLedger keeps below
// 2^63; times are Unix milliseconds. Finished messages and transfers stay, as the ledger's history.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE settings (name INTEGER PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE totals (name INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE registry (version INTEGER PRIMARY KEY, effective INTEGER NOT NULL,
  snapshot BLOB NOT NULL);
CREATE TABLE channels (id BLOB PRIMARY KEY, opened INTEGER NOT NULL, client BLOB NOT NULL,
  proxy BLOB NOT NULL, phase INTEGER NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX channels_by_parties ON channels (client, proxy, opened);
CREATE TABLE proxies (account BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE epochs (account BLOB PRIMARY KEY, record BLOB NOT NULL, signature BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE accounts (id BLOB PRIMARY KEY, balance INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE beacons (height INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL,
  progress INTEGER NOT NULL, kind INTEGER NOT NULL, subject BLOB NOT NULL, sender BLOB NOT NULL,
  value INTEGER NOT NULL, amount INTEGER NOT NULL, body BLOB NOT NULL, signature BLOB NOT NULL,
  second_signature BLOB NOT NULL, error_kind INTEGER NOT NULL DEFAULT 0,
  error_code TEXT NOT NULL DEFAULT '', error_detail TEXT NOT NULL DEFAULT '');
CREATE INDEX messages_pending ON messages (due, id) WHERE progress = 0;
CREATE TABLE transfers (id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL,
  progress INTEGER NOT NULL, from_kind INTEGER NOT NULL, from_id BLOB NOT NULL,
  to_kind INTEGER NOT NULL, to_id BLOB NOT NULL, amount INTEGER NOT NULL, reason INTEGER NOT NULL,
  from_stake INTEGER NOT NULL);
CREATE INDEX transfers_pending ON transfers (due, id) WHERE progress = 0;
)sql";

std::int64_t milliseconds(UnixTime t) {
  return t.time_since_epoch().count();
}
UnixTime unix_milliseconds(std::int64_t ms) {
  return UnixTime(Millis(ms));
}
std::int64_t number(Nano amount) {
  return static_cast<std::int64_t>(amount.value);
}
Nano nano(std::int64_t value) {
  return Nano{static_cast<std::uint64_t>(value)};
}
template <class E>
std::int64_t code(E value) {
  return static_cast<std::int64_t>(value);
}

Error damaged(std::string_view what) {
  return Error(ErrorKind::io, "file_damaged",
               "a row of the ledger file cannot be read back: " + std::string(what));
}

/// The state in column 0 of the next row, if there is one.
template <class T>
Result<std::optional<T>> next_state(Statement& query) {
  COCOON_TRY(const bool row, query.step());
  if (!row) return std::optional<T>();
  COCOON_TRY(T state, T::decode(query.blob(0)));
  return std::optional<T>(std::move(state));
}

template <class T>
Result<std::vector<T>> all_states(Statement& query) {
  std::vector<T> out;
  for (;;) {
    COCOON_TRY(auto state, next_state<T>(query));
    if (!state) return out;
    out.push_back(std::move(*state));
  }
}

Result<std::optional<ports::Beacon>> next_beacon(Statement& query) {
  COCOON_TRY(const bool row, query.step());
  if (!row) return std::optional<ports::Beacon>();
  const auto hash = to_array<32>(query.blob(2));
  if (!hash) return damaged("beacon");
  return std::optional<ports::Beacon>(
      {*hash, static_cast<std::uint64_t>(query.integer(0)), unix_milliseconds(query.integer(1))});
}

}  // namespace

Result<LocalTables> LocalTables::open(const std::string& path, bool must_exist) {
  store::DatabaseOptions options;
  options.path = path;
  options.application_id = kApplicationId;
  options.schema_version = kSchemaVersion;
  options.schema = kSchema;
  options.must_exist = must_exist;
  COCOON_TRY(store::Database database, store::Database::open(options));
  return LocalTables(std::move(database));
}

Result<std::int64_t> LocalTables::setting(Setting name) {
  COCOON_TRY(Statement query, database_.prepare("SELECT value FROM settings WHERE name = ?"));
  COCOON_TRY(const bool row, query.bind(code(name)).step());
  return row ? query.integer(0) : 0;
}

Status LocalTables::put_setting(Setting name, std::int64_t value) {
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)"));
  return put.bind(code(name)).bind(value).run();
}

Result<std::optional<billing::Registry>> LocalTables::registry_row(std::string_view sql,
                                                                   UnixTime now) {
  COCOON_TRY(Statement query, database_.prepare(sql));
  query.bind(milliseconds(now));
  return next_state<billing::Registry>(query);
}

Result<std::optional<billing::Registry>> LocalTables::registry_at(UnixTime now) {
  return registry_row(
      "SELECT snapshot FROM registry WHERE effective <= ? ORDER BY version DESC LIMIT 1", now);
}

Result<std::optional<billing::Registry>> LocalTables::registry_after(UnixTime now) {
  return registry_row(
      "SELECT snapshot FROM registry WHERE effective > ? ORDER BY version DESC LIMIT 1", now);
}

Result<std::uint64_t> LocalTables::newest_registry_version() {
  COCOON_TRY(Statement query, database_.prepare("SELECT max(version) FROM registry"));
  COCOON_TRY(const bool row, query.step());
  return static_cast<std::uint64_t>(row ? query.integer(0) : 0);
}

Status LocalTables::put_registry(const billing::Registry& registry) {
  COCOON_TRY(Statement put, database_.prepare("INSERT INTO registry VALUES (?, ?, ?)"));
  return put.bind(static_cast<std::int64_t>(registry.version))
      .bind(milliseconds(registry.effective))
      .bind(ByteView(registry.encode()))
      .run();
}

Status LocalTables::erase_registry(std::uint64_t version) {
  COCOON_TRY(Statement erase, database_.prepare("DELETE FROM registry WHERE version = ?"));
  return erase.bind(static_cast<std::int64_t>(version)).run();
}

Result<std::optional<billing::ChannelState>> LocalTables::channel(const ChannelId& id) {
  COCOON_TRY(Statement query, database_.prepare("SELECT state FROM channels WHERE id = ?"));
  query.bind(id.view());
  return next_state<billing::ChannelState>(query);
}

Result<std::optional<billing::ChannelState>> LocalTables::find_channel(const AccountId& client,
                                                                       const AccountId& proxy) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT state FROM channels WHERE client = ? AND proxy = ? AND "
                               "phase < ? ORDER BY opened DESC LIMIT 1"));
  query.bind(client.view()).bind(proxy.view()).bind(code(billing::ChannelPhase::closed));
  return next_state<billing::ChannelState>(query);
}

Result<std::vector<billing::ChannelState>> LocalTables::channels() {
  COCOON_TRY(Statement query, database_.prepare("SELECT state FROM channels ORDER BY opened"));
  return all_states<billing::ChannelState>(query);
}

Status LocalTables::put_channel(const billing::ChannelState& state) {
  COCOON_TRY(
      Statement put,
      database_.prepare("INSERT INTO channels VALUES (?1, (SELECT count(*) FROM channels), ?2, ?3, "
                        "?4, ?5) ON CONFLICT (id) DO UPDATE SET phase = ?4, state = ?5"));
  return put.bind(state.id().view())
      .bind(state.terms.client.view())
      .bind(state.terms.proxy.view())
      .bind(code(state.phase))
      .bind(ByteView(state.encode()))
      .run();
}

Result<std::optional<billing::ProxyState>> LocalTables::proxy(const AccountId& account) {
  COCOON_TRY(Statement query, database_.prepare("SELECT state FROM proxies WHERE account = ?"));
  query.bind(account.view());
  return next_state<billing::ProxyState>(query);
}

Result<std::vector<billing::ProxyState>> LocalTables::proxies() {
  COCOON_TRY(Statement query, database_.prepare("SELECT state FROM proxies ORDER BY account"));
  return all_states<billing::ProxyState>(query);
}

Status LocalTables::put_proxy(const billing::ProxyState& state) {
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO proxies VALUES (?, ?)"));
  return put.bind(state.terms.account.view()).bind(ByteView(state.encode())).run();
}

Result<std::optional<billing::SignedEpoch>> LocalTables::epoch(const AccountId& account) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT record, signature FROM epochs WHERE account = ?"));
  COCOON_TRY(const bool row, query.bind(account.view()).step());
  if (!row) return std::optional<billing::SignedEpoch>();
  COCOON_TRY(auto record, billing::EpochRecord::decode(query.blob(0)));
  const auto signature = to_array<64>(query.blob(1));
  if (!signature) return damaged("epoch record");
  return std::optional<billing::SignedEpoch>({record, *signature});
}

Status LocalTables::put_epoch(const AccountId& account, const billing::SignedEpoch& record) {
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)"));
  return put.bind(account.view())
      .bind(ByteView(record.value.encode()))
      .bind(ByteView(record.signature))
      .run();
}

Result<Nano> LocalTables::balance(const AccountId& account) {
  COCOON_TRY(Statement query, database_.prepare("SELECT balance FROM accounts WHERE id = ?"));
  COCOON_TRY(const bool row, query.bind(account.view()).step());
  return row ? nano(query.integer(0)) : Nano{0};
}

Result<std::vector<std::pair<AccountId, Nano>>> LocalTables::balances() {
  COCOON_TRY(Statement query, database_.prepare("SELECT id, balance FROM accounts ORDER BY id"));
  std::vector<std::pair<AccountId, Nano>> out;
  for (;;) {
    COCOON_TRY(const bool row, query.step());
    if (!row) return out;
    const auto id = to_array<32>(query.blob(0));
    if (!id) return damaged("account");
    out.emplace_back(AccountId{*id}, nano(query.integer(1)));
  }
}

Status LocalTables::put_balance(const AccountId& account, Nano amount) {
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO accounts VALUES (?, ?)"));
  return put.bind(account.view()).bind(number(amount)).run();
}

Result<Nano> LocalTables::total(Total name) {
  COCOON_TRY(Statement query, database_.prepare("SELECT amount FROM totals WHERE name = ?"));
  COCOON_TRY(const bool row, query.bind(code(name)).step());
  return row ? nano(query.integer(0)) : Nano{0};
}

Status LocalTables::put_total(Total name, Nano amount) {
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO totals VALUES (?, ?)"));
  return put.bind(code(name)).bind(number(amount)).run();
}

Result<std::optional<ports::Beacon>> LocalTables::newest_beacon() {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT height, time, hash FROM beacons ORDER BY height DESC "
                               "LIMIT 1"));
  return next_beacon(query);
}

Result<std::optional<ports::Beacon>> LocalTables::beacon_at(std::uint64_t height) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT height, time, hash FROM beacons WHERE height = ?"));
  query.bind(static_cast<std::int64_t>(height));
  return next_beacon(query);
}

Status LocalTables::put_beacon(const ports::Beacon& beacon) {
  COCOON_TRY(Statement put, database_.prepare("INSERT INTO beacons VALUES (?, ?, ?)"));
  return put.bind(static_cast<std::int64_t>(beacon.height))
      .bind(milliseconds(beacon.time))
      .bind(ByteView(beacon.hash))
      .run();
}

Status LocalTables::erase_beacons_before(UnixTime time) {
  COCOON_TRY(Statement erase, database_.prepare("DELETE FROM beacons WHERE time < ?"));
  return erase.bind(milliseconds(time)).run();
}

Result<MessageId> LocalTables::put_message(const LocalMessage& m, UnixTime due) {
  COCOON_TRY(Statement put,
             database_.prepare("INSERT INTO messages (due, progress, kind, subject, sender, value, "
                               "amount, body, signature, second_signature) "
                               "VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?)"));
  COCOON_CHECK(put.bind(milliseconds(due))
                   .bind(code(m.kind))
                   .bind(ByteView(m.subject))
                   .bind(m.sender.view())
                   .bind(number(m.value))
                   .bind(number(m.amount))
                   .bind(ByteView(m.body))
                   .bind(ByteView(m.signature))
                   .bind(ByteView(m.second_signature))
                   .run());
  return database_.last_insert_id();
}

Result<std::optional<QueuedMessage>> LocalTables::due_message(UnixTime now) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT id, kind, subject, sender, value, amount, body, signature, "
                               "second_signature FROM messages WHERE progress = 0 AND due <= ? "
                               "ORDER BY due, id LIMIT 1"));
  COCOON_TRY(const bool row, query.bind(milliseconds(now)).step());
  if (!row) return std::optional<QueuedMessage>();
  QueuedMessage out;
  out.id = query.integer(0);
  out.message.kind = static_cast<MessageKind>(query.integer(1));
  const auto subject = to_array<32>(query.blob(2));
  const auto sender = to_array<32>(query.blob(3));
  if (!subject || !sender) return damaged("message");
  out.message.subject = *subject;
  out.message.sender.bytes = *sender;
  out.message.value = nano(query.integer(4));
  out.message.amount = nano(query.integer(5));
  out.message.body = to_bytes(query.blob(6));
  out.message.signature = to_bytes(query.blob(7));
  out.message.second_signature = to_bytes(query.blob(8));
  return std::optional<QueuedMessage>(std::move(out));
}

Status LocalTables::finish_message(MessageId id, const std::optional<Error>& refusal) {
  COCOON_TRY(Statement put,
             database_.prepare("UPDATE messages SET progress = ?, error_kind = ?, error_code = ?, "
                               "error_detail = ? WHERE id = ?"));
  const Progress progress = refusal ? Progress::bounced : Progress::confirmed;
  return put.bind(code(progress))
      .bind(refusal ? code(refusal->kind()) : 0)
      .bind(refusal ? refusal->code() : std::string_view())
      .bind(refusal ? std::string_view(refusal->detail()) : std::string_view())
      .bind(id)
      .run();
}

Result<std::optional<MessageStatus>> LocalTables::message_status(MessageId id) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT progress, error_kind, error_code, error_detail FROM "
                               "messages WHERE id = ?"));
  COCOON_TRY(const bool row, query.bind(id).step());
  if (!row) return std::optional<MessageStatus>();
  MessageStatus out;
  out.progress = static_cast<Progress>(query.integer(0));
  if (out.progress == Progress::bounced) {
    out.error.emplace(static_cast<ErrorKind>(query.integer(1)), known_code(query.text(2)),
                      query.text(3));
  }
  return std::optional<MessageStatus>(std::move(out));
}

Status LocalTables::put_transfer(const billing::Transfer& t, UnixTime due) {
  COCOON_TRY(Statement put,
             database_.prepare("INSERT INTO transfers (due, progress, from_kind, from_id, to_kind, "
                               "to_id, amount, reason, from_stake) "
                               "VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?)"));
  return put.bind(milliseconds(due))
      .bind(code(t.from.kind))
      .bind(ByteView(t.from.id))
      .bind(code(t.to.kind))
      .bind(ByteView(t.to.id))
      .bind(number(t.amount))
      .bind(code(t.reason))
      .bind(number(t.from_stake))
      .run();
}

Result<std::optional<QueuedTransfer>> LocalTables::due_transfer(UnixTime now) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT id, from_kind, from_id, to_kind, to_id, amount, reason, "
                               "from_stake FROM transfers WHERE progress = 0 AND due <= ? "
                               "ORDER BY due, id LIMIT 1"));
  COCOON_TRY(const bool row, query.bind(milliseconds(now)).step());
  if (!row) return std::optional<QueuedTransfer>();
  const auto from = to_array<32>(query.blob(2));
  const auto to = to_array<32>(query.blob(4));
  if (!from || !to) return damaged("transfer");
  QueuedTransfer out;
  out.id = query.integer(0);
  out.transfer.from = {static_cast<billing::Party::Kind>(query.integer(1)), *from};
  out.transfer.to = {static_cast<billing::Party::Kind>(query.integer(3)), *to};
  out.transfer.amount = nano(query.integer(5));
  out.transfer.reason = static_cast<billing::TransferReason>(query.integer(6));
  out.transfer.from_stake = nano(query.integer(7));
  return std::optional<QueuedTransfer>(out);
}

Status LocalTables::finish_transfer(std::int64_t id, Progress progress) {
  COCOON_TRY(Statement put, database_.prepare("UPDATE transfers SET progress = ? WHERE id = ?"));
  return put.bind(code(progress)).bind(id).run();
}

Result<std::optional<UnixTime>> LocalTables::next_due() {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT min(due) FROM (SELECT due FROM messages WHERE progress = 0 "
                               "UNION ALL SELECT due FROM transfers WHERE progress = 0) HAVING "
                               "count(*) > 0"));
  COCOON_TRY(const bool row, query.step());
  if (!row) return std::optional<UnixTime>();
  return std::optional<UnixTime>(unix_milliseconds(query.integer(0)));
}

Result<Nano> LocalTables::sum(std::string_view sql) {
  COCOON_TRY(Statement query, database_.prepare(sql));
  COCOON_TRY(const bool row, query.step());
  return row ? nano(query.integer(0)) : Nano{0};
}

Result<Nano> LocalTables::pending_value() {
  return sum("SELECT sum(value) FROM messages WHERE progress = 0");
}

Result<Nano> LocalTables::pending_transfers() {
  return sum("SELECT sum(amount) FROM transfers WHERE progress = 0");
}

Result<Nano> LocalTables::pending_payouts(const AccountId& proxy, const AccountId& worker) {
  COCOON_TRY(Statement query,
             database_.prepare("SELECT sum(amount) FROM transfers WHERE progress = 0 AND "
                               "from_id = ? AND to_id = ? AND reason = ?"));
  query.bind(proxy.view()).bind(worker.view()).bind(code(billing::TransferReason::payout));
  COCOON_TRY(const bool row, query.step());
  return row ? nano(query.integer(0)) : Nano{0};
}

}  // namespace cocoon::ledger
