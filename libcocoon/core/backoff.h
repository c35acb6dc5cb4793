#pragma once
/// @file When to try a proxy again.
///
/// A row of failures ends with a connection that was of use. That it came about says little: who is
/// refused at once, each time, would else connect several times a second for ever, with a handshake
/// and a challenge each.

#include <algorithm>
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
  void proved() { count_ = 0; }
  /// It is gone. @return when to try again.
  MonoTime failed(Random& random, Now now) {
    const MonoTime since = std::exchange(ready_since_, kNever);
    if (since != kNever && now.mono - since >= limits::kConnectionProved) count_ = 0;
    return now.mono + reconnect_wait(++count_, random);
  }
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t count_ = 0;
  MonoTime ready_since_ = kNever;  ///< of the present connection
};

}  // namespace cocoon::core
