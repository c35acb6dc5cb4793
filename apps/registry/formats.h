#pragma once
/// @file Times, durations and fractions as people read them.

#include <cstdint>
#include <string>

#include "base/time.h"

namespace cocoon::app {

/// "2026-11-22 00:33:07 UTC".
std::string format_time(UnixTime time);
/// In the largest unit that divides it: "12h", "90s", "500ms".
std::string format_duration(Millis duration);
/// A number of 1/10,000: 9500 as "0.95".
std::string format_e4(std::uint32_t value);

}  // namespace cocoon::app
