#pragma once
/// @file A node's store as a file, blocking. SqliteStore puts it behind a thread; simulations use
/// it as it is.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "cocoon/result.h"
#include "ports/store.h"
#include "store/database.h"

namespace cocoon::store {

/// One open file. It belongs to this process until the object goes: one signer, one file.
class StoreFile {
 public:
  /// Errors: those of Database::open(); file_in_use where another process has it.
  static Result<StoreFile> open(const std::string& path,
                                std::uint64_t max_bytes = limits::kMaxStoreBytes);

  /// Writes all batches, in order, in one transaction.
  /// Errors: those of Database::run(); then nothing of any batch was written.
  Status write(std::span<const ports::StoreBatch> batches);

  /// All entries whose key begins with `prefix`, by key.
  Result<std::vector<ports::StoreEntry>> load(std::string_view prefix);

 private:
  explicit StoreFile(Database database) : database_(std::move(database)) {}
  Status write_one(const ports::StoreWrite& write);

  Database database_;
};

}  // namespace cocoon::store
