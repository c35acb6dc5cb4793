#pragma once
/// @file The requests that a worker has seen (docs/protocol.md "What a worker checks").

#include <map>
#include <unordered_map>

#include "base/ids.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::session {

/// Remembers every request hash until its `not_after` and limits::kClockSkew have passed.
class ReplayTable {
 public:
  /// @param capacity entries at most, about 150 bytes each.
  explicit ReplayTable(std::size_t capacity = limits::kMaxReplayEntries) : capacity_(capacity) {}

  /// Remembers `hash`.
  /// Errors: protocol/replayed_request, where it is remembered already; busy/replay_table_full.
  Status add(const RequestHash& hash, UnixTime not_after, UnixTime now);
  /// Forgets a request whose engine never started, so that the same bytes may be tried again.
  void forget(const RequestHash& hash);

  std::size_t size() const { return expiry_.size(); }

 private:
  using ByExpiry = std::multimap<UnixTime, RequestHash>;

  void expire(UnixTime now);

  std::size_t capacity_;
  UnixTime latest_{};  // the clock may jump back; what it showed once has passed
  ByExpiry by_expiry_;
  std::unordered_map<RequestHash, ByExpiry::iterator> expiry_;
};

}  // namespace cocoon::session
