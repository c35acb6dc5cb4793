#include "registry/formats.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace cocoon::app {

std::string format_time(UnixTime time) {
  const auto seconds = static_cast<std::time_t>(to_unix_seconds(time));
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

std::string format_duration(Millis duration) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr Unit kUnits[] = {
      {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
  for (const Unit& u : kUnits) {
    if (duration.count() != 0 && duration.count() % u.milliseconds == 0) {
      return fmt::format("{}{}", duration.count() / u.milliseconds, u.name);
    }
  }
  return "0s";
}

std::string format_e4(std::uint32_t value) {
  std::string out = fmt::format("{}.{:04}", value / 10'000, value % 10'000);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

}  // namespace cocoon::app
