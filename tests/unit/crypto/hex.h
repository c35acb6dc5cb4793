#pragma once
/// @file Test support: byte strings written in hex.

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "base/bytes.h"

namespace cocoon::crypto {

/// The bytes that `text` spells; throws on anything but pairs of hex digits.
inline Bytes hex(std::string_view text) {
  auto digit = [](char c) -> std::uint8_t {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    throw std::invalid_argument("not a hex digit");
  };
  if (text.size() % 2 != 0) throw std::invalid_argument("odd number of hex digits");
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return out;
}

/// The same as an array; throws where the length differs.
template <std::size_t N>
ByteArray<N> hex_array(std::string_view text) {
  const auto out = to_array<N>(hex(text));
  if (!out) throw std::invalid_argument("wrong number of hex digits");
  return *out;
}

}  // namespace cocoon::crypto
