#pragma once
/// @file One plain GET, to see whether the gateway serves.

#include <string>

namespace cocoon::app {

/// The whole answer, head included; empty where there is none within a second.
/// @param address "a.b.c.d:port"
std::string http_get(const std::string& address, const std::string& target);

}  // namespace cocoon::app
