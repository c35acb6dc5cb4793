#pragma once
/// @file The question before anything that moves money.

#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// Success where the answer is yes, or `yes` was given beforehand.
/// Errors: invalid_argument/not_confirmed.
Status ask_first(const std::string& what, bool yes);

}  // namespace cocoon::app
