#pragma once
/// @file How an error of a connection is told to an operator.

#include <string>

#include "cocoon/result.h"

namespace cocoon::core {

/// "ENDPOINT: what happened"; an error of the transport names the endpoint already.
inline std::string named(const std::string& endpoint, const Error& error) {
  const std::string& what = error.detail();
  const char next = what.starts_with(endpoint) ? what[endpoint.size()] : '\0';
  return next == ':' || next == ' ' ? what : endpoint + ": " + what;
}

}  // namespace cocoon::core
