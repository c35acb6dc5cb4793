#include "session/replay_table.h"

#include <algorithm>

namespace cocoon::session {

void ReplayTable::expire(UnixTime now) {
  latest_ = std::max(latest_, now);
  while (!by_expiry_.empty() && by_expiry_.begin()->first < latest_) {
    expiry_.erase(by_expiry_.begin()->second);
    by_expiry_.erase(by_expiry_.begin());
  }
}

Status ReplayTable::add(const RequestHash& hash, UnixTime not_after, UnixTime now) {
  expire(now);
  const UnixTime until = not_after + limits::kClockSkew;
  if (until < latest_) {
    return Error(ErrorKind::timeout, "request_expired",
                 "the request's not_after has passed, so it cannot be told from a replay.");
  }
  if (expiry_.count(hash) != 0) {
    return Error(ErrorKind::protocol, "replayed_request",
                 "this worker has seen the same sealed request before.");
  }
  if (expiry_.size() >= capacity_) {
    return Error(ErrorKind::busy, "replay_table_full",
                 "this worker cannot remember more requests for now; try another one.");
  }
  expiry_.emplace(hash, by_expiry_.emplace(until, hash));
  return ok();
}

void ReplayTable::forget(const RequestHash& hash) {
  const auto at = expiry_.find(hash);
  if (at == expiry_.end()) return;
  by_expiry_.erase(at->second);
  expiry_.erase(at);
}

}  // namespace cocoon::session
