#include "moments.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace cocoon::app {

std::string format_time(UnixTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(static_cast<std::time_t>(to_unix_seconds(time))));
}

std::string format_duration(Seconds duration) {
  constexpr std::int64_t kHour = 3600;
  const std::int64_t count = duration.count();
  if (count != 0 && count % kHour == 0) return fmt::format("{} h", count / kHour);
  return fmt::format("{} s", count);
}

}  // namespace cocoon::app
