#pragma once
/// @file The Store port on sqlite3, with a thread of its own.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "ports/store.h"

namespace cocoon::store {

/// Batches that are given while one is being written go into the next transaction together, so
/// that a busy node pays one flush of the disk for many of them.
///
/// The first failure is for good: later batches would build on one that is missing, so all are
/// refused. What was on disk stays, and opening the file again starts from there.
class SqliteStore final : public ports::Store {
 public:
  /// Opens the file (blocking). Errors: those of StoreFile::open(); io where the system gives no
  /// thread.
  static Result<std::unique_ptr<SqliteStore>> open(
      const io::Context& context, const std::string& path,
      std::uint64_t max_bytes = limits::kMaxStoreBytes);

  /// Does not block. A batch that has not been answered may or may not be on disk; it never is in
  /// part. Nothing is called back.
  ~SqliteStore() override;

  void commit(ports::StoreBatch batch, Callback<void(Status)> done) override;
  Result<std::vector<ports::StoreEntry>> load(std::string_view prefix) override;

  /// Writes what is queued, answers it, closes the file, then calls `on_stopped`, last.
  /// From now on commit() does nothing and load() refuses. @pre not called before.
  void stop(Callback<void()> on_stopped);

 private:
  class State;
  explicit SqliteStore(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::store
