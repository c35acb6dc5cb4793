#pragma once
/// @file What people write on the command line.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// 64 hexadecimal digits. `what` names the value in the error.
Result<Hash> parse_hash(std::string_view text, std::string_view what);

/// "500ms", "30s", "10m", "12h" or "1d".
Result<Millis> parse_duration(std::string_view text);

/// "0.95" as 9500: a number of 1/10,000.
Result<std::uint32_t> parse_e4(std::string_view text);

/// Prompt, cached, completion and reasoning multipliers: "1,0.1,8,8".
Result<std::array<std::uint32_t, 4>> parse_multipliers(std::string_view text);

}  // namespace cocoon::app
