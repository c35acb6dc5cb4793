#pragma once
/// @file What a role that is stopped has kept of its accounts with others.

#include <optional>
#include <string_view>
#include <vector>

#include "account.h"
#include "store/store_file.h"

namespace cocoon::app {

/// While it is open, the role cannot start: its vouchers and its wallet are this program's.
class KeptState {
 public:
  /// One account with another party, under its name.
  struct Entry {
    ByteArray<32> id{};
    Bytes snapshot;
  };

  /// Errors: those of StoreFile::open(); busy/role_runs; not_found/no_state where the role has
  /// never run here.
  static Result<KeptState> open(const Place& place);

  /// All entries of a kind (core/store_keys.h). Errors: those of StoreFile::load().
  Result<std::vector<Entry>> load(std::string_view kind);

 private:
  explicit KeptState(store::StoreFile file) : file_(std::move(file)) {}
  store::StoreFile file_;
};

}  // namespace cocoon::app
