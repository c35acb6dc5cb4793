#pragma once
/// @file When to try a proxy again.

#include <algorithm>

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

}  // namespace cocoon::core
