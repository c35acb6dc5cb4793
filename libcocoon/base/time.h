#pragma once
/// @file The two clocks of the protocol logic. Neither is ever read there: the caller passes `Now`.

#include <chrono>
#include <cstdint>

namespace cocoon {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// Time since an arbitrary start that never jumps: for deadlines and measurements.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;
/// Time of day, UTC: for validity dates that peers compare. May jump.
using UnixTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

/// "No deadline".
inline constexpr MonoTime kNever = MonoTime::max();

/// The present, as the caller of a core sees it.
struct Now {
  MonoTime mono{};
  UnixTime unix{};
};

inline UnixTime unix_seconds(std::uint64_t s) {
  return UnixTime(Seconds(static_cast<std::int64_t>(s)));
}
inline std::uint64_t to_unix_seconds(UnixTime t) {
  auto s = std::chrono::duration_cast<Seconds>(t.time_since_epoch()).count();
  return s < 0 ? 0 : static_cast<std::uint64_t>(s);
}

}  // namespace cocoon
