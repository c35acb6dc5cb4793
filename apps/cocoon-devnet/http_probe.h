#pragma once
/// @file Plain HTTP to this network's own processes.

#include <string>

namespace cocoon::app {

/// The whole answer, head included; empty where there is none within a second.
/// @param address "a.b.c.d:port"
std::string http_get(const std::string& address, const std::string& target);

/// The body of the answer to a POST of `json`, whatever its status; empty where there is none
/// within half a minute.
std::string http_post(const std::string& address, const std::string& target,
                      const std::string& json);

}  // namespace cocoon::app
