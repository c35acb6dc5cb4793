#pragma once
/// @file Validation of UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).

#include <cstddef>
#include <string_view>

namespace cocoon {

/// Length in bytes (1 to 4) of the well-formed sequence that `text` begins with; 0 where it begins
/// with none, or is empty.
std::size_t utf8_sequence_length(std::string_view text);

/// Whether all of `text` is well formed.
bool is_utf8(std::string_view text);

}  // namespace cocoon
