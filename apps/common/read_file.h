#pragma once
/// @file Bounded reading of the files that people name.

#include <cstddef>
#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// The whole file; devices and pipes are read to their end, too, and no further than the limit.
/// Errors: io/file_unreadable, too_large/file_too_large.
Result<std::string> read_file(const std::string& path, std::size_t most);

}  // namespace cocoon::app
