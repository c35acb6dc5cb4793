#pragma once
/// @file Circuit breaker: takes a failing worker out of the choice, and tries it again with one
/// request at a time.

#include <cstdint>

#include "base/time.h"

namespace cocoon::routing {

enum class BreakerState : std::uint8_t {
  closed,    ///< serves
  open,      ///< gets nothing until a time
  half_open  ///< may run one request, whose end decides
};

enum class BreakerEvent : std::uint8_t { success, failure, time_up };

/// What an event did that is of interest outside: reopened: a trial failed.
enum class BreakerChange : std::uint8_t { none, opened, reopened, closed };

/// The breaker of one worker. All changes go through apply().
struct Breaker {
  BreakerState state = BreakerState::closed;
  std::uint32_t consecutive_failures = 0;
  /// How often it opened since it was last closed; the pause doubles each time.
  std::uint32_t openings = 0;
  MonoTime open_until{};  ///< where open
};

/// The transition function:
///  closed    + success → closed, failures forgotten
///  closed    + failure → open from the third in a row, for 1 s
///  open      + time_up → half_open (once open_until has passed; before it, nothing)
///  open      + success or failure → nothing: requests given before it opened
///  half_open + success → closed
///  half_open + failure → open, for twice as long as before, up to 60 s
///  closed or half_open + time_up → nothing
BreakerChange apply(Breaker& breaker, BreakerEvent event, MonoTime now);

}  // namespace cocoon::routing
