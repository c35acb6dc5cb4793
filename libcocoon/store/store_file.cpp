#include "store/store_file.h"

namespace cocoon::store {
namespace {

/// "CCst"
constexpr std::int32_t kApplicationId = 0x43437374;
constexpr std::int32_t kSchemaVersion = 1;
constexpr std::string_view kSchema =
    "CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";

/// The first key after all that begin with `prefix`; empty where there is none.
std::string after_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

}  // namespace

Result<StoreFile> StoreFile::open(const std::string& path, std::uint64_t max_bytes) {
  DatabaseOptions options;
  options.path = path;
  options.application_id = kApplicationId;
  options.schema_version = kSchemaVersion;
  options.schema = kSchema;
  options.exclusive = true;
  options.max_bytes = max_bytes;
  COCOON_TRY(Database database, Database::open(options));
  return StoreFile(std::move(database));
}

Status StoreFile::write(std::span<const ports::StoreBatch> batches) {
  COCOON_TRY(Transaction transaction, Transaction::begin(database_));
  for (const ports::StoreBatch& batch : batches) {
    for (const ports::StoreWrite& write : batch.writes) COCOON_CHECK(write_one(write));
  }
  return transaction.commit();
}

Status StoreFile::write_one(const ports::StoreWrite& write) {
  if (!write.value) {
    COCOON_TRY(Statement erase, database_.prepare("DELETE FROM entries WHERE key = ?"));
    return erase.bind(as_bytes(write.key)).run();
  }
  COCOON_TRY(Statement put, database_.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?)"));
  return put.bind(as_bytes(write.key)).bind(ByteView(*write.value)).run();
}

Result<std::vector<ports::StoreEntry>> StoreFile::load(std::string_view prefix) {
  const std::string end = after_prefix(prefix);
  const std::string_view sql =
      end.empty() ? "SELECT key, value FROM entries WHERE key >= ? ORDER BY key"
                  : "SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key";
  COCOON_TRY(Statement query, database_.prepare(sql));
  query.bind(as_bytes(prefix));
  if (!end.empty()) query.bind(as_bytes(end));
  std::vector<ports::StoreEntry> out;
  for (;;) {
    COCOON_TRY(const bool row, query.step());
    if (!row) return out;
    out.push_back({query.text(0), to_bytes(query.blob(1))});
  }
}

}  // namespace cocoon::store
