#include "base/log.h"

#include <fmt/chrono.h>

#include <chrono>
#include <cstdio>
#include <ctime>

namespace cocoon::inline v0 {

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "error";
}

LogSink log_to_stderr(LogLevel minimum) {
  return [minimum](const LogRecord& record) {
    if (record.level < minimum) return;
    const auto now = std::chrono::system_clock::now();
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::string line = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {:<7} {}: {}",
                                   fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms,
                                   to_string(record.level), record.component, record.message);
    for (const LogField& field : record.fields) {
      line += fmt::format(" {}={}", field.name, field.value);
    }
    line += '\n';
    // One write per line keeps lines of several threads apart.
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

}  // namespace cocoon::inline v0
