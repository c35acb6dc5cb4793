#pragma once
/// @file Writing of the files that programs make for people.

#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// Writes in one step: who reads `path` meanwhile, or after a failure, finds the old file or all of
/// `text`. Errors: io/file_unwritable.
Status write_file(const std::string& path, const std::string& text);

}  // namespace cocoon::app
