#pragma once
/// @file Formatting front end to a LogSink.

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "cocoon/log.h"

namespace cocoon {

/// A sink bound to a component name. Cheap to copy.
class Logger {
 public:
  Logger() = default;
  Logger(LogSink sink, std::string_view component) : sink_(std::move(sink)), component_(component) {}

  template <class... Args>
  void debug(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::debug, f, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::info, f, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::warning, f, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::error, f, std::forward<Args>(args)...);
  }

  const LogSink& sink() const { return sink_; }

 private:
  template <class... Args>
  void write(LogLevel level, fmt::format_string<Args...> f, Args&&... args) const {
    if (!sink_) return;
    const std::string message = fmt::format(f, std::forward<Args>(args)...);
    tell({level, component_, message, {}});
  }
  /// A host's sink that throws ends the process (docs/embedding.md, "Errors").
  void tell(const LogRecord& record) const noexcept { sink_(record); }

  LogSink sink_;
  std::string_view component_ = "cocoon";
};

}  // namespace cocoon
