#pragma once
/// @file Logging hook. The library writes nowhere by itself: a role logs to the sink it was given.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// `"debug"`, `"info"`, `"warning"` or `"error"`.
COCOON_API std::string_view to_string(LogLevel level) noexcept;

/// A named value beside the message, for structured sinks.
struct LogField {
  std::string_view name;  ///< snake_case literal
  std::string value;
};

/// One event. Views are valid only during the call. Prompts, answers, keys, tokens and voucher
/// secrets never appear in a record.
struct LogRecord {
  LogLevel level;
  std::string_view component;  ///< "client", "proxy", "worker", "gateway", "ledger", …
  std::string_view message;    ///< one sentence; for warnings and errors it says what to do
  std::span<const LogField> fields;
};

/// Called on the loop thread of the role; must not block or throw. Copyable. An empty sink drops
/// everything.
using LogSink = std::function<void(const LogRecord&)>;

/// A sink that writes `TIME LEVEL component: message name=value…` lines to standard error,
/// dropping records below `minimum`. Thread-safe.
COCOON_API LogSink log_to_stderr(LogLevel minimum);

COCOON_ABI_END
