#pragma once
/// @file Hexadecimal text.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon {

/// Two lower-case digits for each byte.
std::string to_hex(ByteView bytes);

/// The bytes that `text` spells, in either case. Nothing but digits, and an even number of them:
/// otherwise an invalid_argument error, code "hex_invalid", which names the position only.
Result<Bytes> from_hex(std::string_view text);

/// from_hex for exactly N bytes.
template <std::size_t N>
Result<ByteArray<N>> array_from_hex(std::string_view text) {
  COCOON_TRY(const Bytes bytes, from_hex(text));
  if (const auto array = to_array<N>(bytes)) return *array;
  return Error(ErrorKind::invalid_argument, "hex_invalid",
               "The hexadecimal text has " + std::to_string(text.size()) + " digits where " +
                   std::to_string(2 * N) + " are expected.");
}

}  // namespace cocoon
