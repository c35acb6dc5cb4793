#pragma once
/// @file When to try a proxy again.
///
/// A row of failures ends with a connection that was of use. That it came about says little: who is
/// refused at once, each time, would else connect several times a second for ever, with a handshake
/// and a challenge each.

#include <algorithm>
#include <list>
#include <utility>

#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"

namespace cocoon::core {

/// The wait after `failures` failures in a row (≥ 1): doubled each time, then between half and all
/// of it, so that the clients of a restarted proxy do not come all at once.
inline Millis reconnect_wait(std::uint32_t failures, Random& random) {
  const std::uint32_t doublings = std::min<std::uint32_t>(failures - 1, 16);
  const auto longest = limits::kReconnectLongest.count();
  const auto wait = std::min<Millis::rep>(limits::kReconnectFirst.count() << doublings, longest);
  return Millis(wait / 2 +
                static_cast<Millis::rep>(random.below(static_cast<std::uint64_t>(wait / 2 + 1))));
}

/// The failures of one endpoint in a row.
class FailureRow {
 public:
  /// A connection is ready.
  void ready(Now now) { ready_since_ = now.mono; }
  /// It was of use: work, pay or an answer came by it.
  void proved() {
    count_ = 0;
    renewed_until_ = {};
  }
  /// It is gone. @return when to try again.
  MonoTime failed(Random& random, Now now) {
    const MonoTime since = std::exchange(ready_since_, kNever);
    if (since != kNever && now.mono - since >= limits::kConnectionProved) proved();
    return now.mono + reconnect_wait(++count_, random);
  }
  /// The endpoint was to be tried again at `due`, and is needed now: the row begins anew. Once
  /// only, until a connection was of use or the longest wait is over: two proxies that both turn us
  /// away must not send us to and fro. @return when to try again.
  MonoTime needed(MonoTime due, Random& random, Now now) {
    if (now.mono < renewed_until_) return due;
    renewed_until_ = now.mono + limits::kReconnectLongest;
    count_ = 1;
    return std::min(due, now.mono + reconnect_wait(count_, random));
  }
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t count_ = 0;
  MonoTime ready_since_ = kNever;  ///< of the present connection
  MonoTime renewed_until_{};       ///< needed() changes nothing before
};

/// A proxy that was used is gone, or says that it will be. Where it was the last one, those that
/// wait for their turn are tried soon, however long they have been away.
template <class L>
void try_those_left(std::list<L>& links, Random& random, Now now) {
  using State = decltype(L::state);
  for (const L& link : links) {
    if (link.state == State::ready && !link.going_away) return;
  }
  for (L& link : links) {
    if (link.state != State::waiting) continue;
    link.retry_at = link.failures.needed(link.retry_at, random, now);
  }
}

}  // namespace cocoon::core
