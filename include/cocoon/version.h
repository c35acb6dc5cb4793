#pragma once
/// @file The version of the library.

#include "cocoon/export.h"

#define COCOON_VERSION_MAJOR 0
#define COCOON_VERSION_MINOR 1
#define COCOON_VERSION_PATCH 0
#define COCOON_VERSION_STRING "0.1.0"

COCOON_ABI_BEGIN

/// The version that the process runs with (the headers' macros are what it was compiled with).
COCOON_API const char* version() noexcept;

COCOON_ABI_END
