#pragma once
/// @file The text forms that Intel's collateral uses: hexadecimal and UTC times.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace cocoon::attest {

/// Reads hexadecimal digits of either case; nothing where one is not or their number is odd.
std::optional<Bytes> decode_hex(std::string_view text);

/// The same for exactly N bytes.
template <std::size_t N>
std::optional<ByteArray<N>> decode_hex_array(std::string_view text) {
  const auto bytes = text.size() == 2 * N ? decode_hex(text) : std::nullopt;
  return bytes ? to_array<N>(*bytes) : std::nullopt;
}

/// Lower-case hexadecimal.
std::string encode_hex(ByteView bytes);

/// Reads "2025-06-19T10:16:03Z" (RFC 3339 in UTC without fractions, as Intel writes it).
std::optional<UnixTime> parse_utc(std::string_view text);

/// Writes that form.
std::string format_utc(UnixTime time);

}  // namespace cocoon::attest
