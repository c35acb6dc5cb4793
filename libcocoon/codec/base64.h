#pragma once
/// @file Base64 (RFC 4648), strict.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon {

/// `standard` is section 4 (`+`, `/`, padded with `=`). `url` is section 5 (`-`, `_`) without
/// padding, as in JWS and TON.
enum class Base64Alphabet : std::uint8_t { standard, url };

std::string to_base64(ByteView bytes, Base64Alphabet alphabet = Base64Alphabet::standard);

/// Exactly what to_base64 writes, so that a value has one spelling only: no white space, the right
/// padding, no bits set beyond the last byte. Otherwise an invalid_argument error, code
/// "base64_invalid", which names the position only.
Result<Bytes> from_base64(std::string_view text,
                          Base64Alphabet alphabet = Base64Alphabet::standard);

}  // namespace cocoon
