#pragma once
/// @file Names of TL constructors: TL values begin with them.

#include <cstdint>
#include <string_view>

#include "cocoon/result.h"

namespace cocoon::ton {

/// The number of the constructor or function that a line of a TL scheme declares, for example
/// "tcp.pong random_id:long = tcp.Pong": the one after the name ("name#0123abcd"), or CRC-32 of the
/// line without parentheses and semicolon. It stands in front of a value, lowest byte first.
/// Errors: invalid_argument/tl_invalid where a number is given that is not hexadecimal.
Result<std::uint32_t> tl_constructor_id(std::string_view declaration);

}  // namespace cocoon::ton
