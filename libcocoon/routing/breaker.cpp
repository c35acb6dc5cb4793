#include "routing/breaker.h"

#include <algorithm>

namespace cocoon::routing {
namespace {

/// One failure may be the request's own; three in a row are the worker's.
constexpr std::uint32_t kFailuresToOpen = 3;
constexpr Seconds kFirstPause{1};
constexpr Seconds kLongestPause{60};

void open(Breaker& breaker, MonoTime now) {
  breaker.state = BreakerState::open;
  const std::uint32_t doublings = std::min(breaker.openings, 6u);  // 1 s · 2⁶ passes 60 s
  breaker.open_until = now + std::min(kFirstPause * (1 << doublings), kLongestPause);
  ++breaker.openings;
}

}  // namespace

BreakerChange apply(Breaker& breaker, BreakerEvent event, MonoTime now) {
  switch (breaker.state) {
    case BreakerState::closed:
      if (event == BreakerEvent::success) breaker.consecutive_failures = 0;
      if (event != BreakerEvent::failure || ++breaker.consecutive_failures < kFailuresToOpen) {
        return BreakerChange::none;
      }
      open(breaker, now);
      return BreakerChange::opened;
    case BreakerState::open:
      if (event == BreakerEvent::time_up && now >= breaker.open_until) {
        breaker.state = BreakerState::half_open;
      }
      return BreakerChange::none;
    case BreakerState::half_open:
      if (event == BreakerEvent::time_up) return BreakerChange::none;
      if (event == BreakerEvent::success) {
        breaker = Breaker{};
        return BreakerChange::closed;
      }
      open(breaker, now);
      return BreakerChange::reopened;
  }
  return BreakerChange::none;
}

}  // namespace cocoon::routing
