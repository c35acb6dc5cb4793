#pragma once
/// @file How every program reports what stopped it.

#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// Prints `error` to standard error in one line.
void print_error(const std::string& program, const Error& error);

}  // namespace cocoon::app
