#pragma once
/// @file Times as people read them.

#include <string>

#include "base/time.h"

namespace cocoon::app {

/// "2026-11-22 00:33:07 UTC".
std::string format_time(UnixTime time);
/// "12 h", "90 s".
std::string format_duration(Seconds duration);

}  // namespace cocoon::app
