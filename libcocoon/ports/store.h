#pragma once
/// @file Store port: a small key-value store with atomic batches, one per node.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"

namespace cocoon::ports {

/// Sets `key` to `value`, or removes it where `value` is empty.
struct StoreWrite {
  std::string key;
  std::optional<Bytes> value;
};

/// All or nothing. Batches take effect in the order in which they were given.
struct StoreBatch {
  std::vector<StoreWrite> writes;

  StoreBatch& put(std::string key, Bytes value) {
    writes.push_back({std::move(key), std::move(value)});
    return *this;
  }
  StoreBatch& remove(std::string key) {
    writes.push_back({std::move(key), std::nullopt});
    return *this;
  }
};

struct StoreEntry {
  std::string key;
  Bytes value;
};

class Store {
 public:
  virtual ~Store() = default;

  /// `done` is called once, on the owner's loop, when the batch is on disk (or never will be).
  /// Errors: io/store_failed, io/disk_full: nothing of the batch was written.
  virtual void commit(StoreBatch batch, Callback<void(Status)> done) = 0;

  /// All entries whose key begins with `prefix`, by key. Blocks: for start-up, before the loop.
  /// Errors: io/store_failed.
  virtual Result<std::vector<StoreEntry>> load(std::string_view prefix) = 0;
};

}  // namespace cocoon::ports
