#pragma once
/// @file Comparison of secrets and of values computed from secrets.

#include "base/bytes.h"

namespace cocoon::crypto {

/// Whether `a` and `b` hold the same bytes. The time taken depends on the lengths only.
bool equal_secret(ByteView a, ByteView b) noexcept;

}  // namespace cocoon::crypto
