#include "codec/json_tokens.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

namespace cocoon::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The UTF-16 code unit of `\uXXXX` at the front of `text`; nothing where there is none.
std::optional<std::uint32_t> code_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  const char* digits = text.data() + 2;
  const auto [stop, fault] = std::from_chars(digits, digits + 4, unit, 16);
  if (fault != std::errc() || stop != digits + 4) return std::nullopt;
  return unit;
}

void append_utf8(std::string& out, std::uint32_t character) {
  const auto tail = [&out, character](unsigned shift) {
    out += static_cast<char>(0x80 | (character >> shift & 0x3f));
  };
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character < 0x800) {
    out += static_cast<char>(0xc0 | character >> 6);
    tail(0);
  } else if (character < 0x10000) {
    out += static_cast<char>(0xe0 | character >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | character >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto digits = [&] {
    const std::size_t first = at;
    while (is_digit(peek())) ++at;
    return at > first;
  };
  if (peek() == '-') ++at;
  if (peek() == '0') {
    ++at;
  } else if (!digits()) {
    return 0;
  }
  if (peek() == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    if (peek() == '+' || peek() == '-') ++at;
    if (!digits()) return 0;
  }
  return at;
}

// Eight bytes at a time, because most of a request is one long string.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = 0x80 * kOnes;
  // The high bit of each byte that is zero (and perhaps of some above it).
  const auto zero_bytes = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighBits; };
  std::size_t at = 0;
  while (text.size() - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t controls = (word - 0x20 * kOnes) & ~word & kHighBits;
    const std::uint64_t quotes = zero_bytes(word ^ '"' * kOnes);
    const std::uint64_t backslashes = zero_bytes(word ^ '\\' * kOnes);
    const std::uint64_t special = (word & kHighBits) | controls | quotes | backslashes;
    if (special != 0) {
      // Of each term the lowest bit is exact, and so it is of all of them together.
      if constexpr (std::endian::native != std::endian::little) break;
      return at + static_cast<std::size_t>(std::countr_zero(special)) / 8;
    }
    at += 8;
  }
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    ++at;
  }
  return at;
}

Escape read_escape(std::string_view text) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (text.size() < 2) return {};
  const std::size_t simple = kNames.find(text[1]);
  if (simple != std::string_view::npos) {
    return {.character = static_cast<std::uint32_t>(kMeanings[simple]), .length = 2};
  }
  const auto unit = code_unit(text);
  if (!unit) return {};
  if (*unit < 0xd800 || *unit > 0xdfff) return {.character = *unit, .length = 6};
  const auto low = code_unit(text.substr(6));
  if (*unit > 0xdbff || !low || *low < 0xdc00 || *low > 0xdfff) return {.lone_surrogate = true};
  return {.character = 0x10000 + ((*unit - 0xd800) << 10 | (*low - 0xdc00)), .length = 12};
}

void append_unescaped(std::string& out, std::string_view inside) {
  while (!inside.empty()) {
    const std::size_t plain = std::min(inside.find('\\'), inside.size());
    out += inside.substr(0, plain);
    inside.remove_prefix(plain);
    if (inside.empty()) return;
    const Escape escape = read_escape(inside);
    append_utf8(out, escape.character);
    inside.remove_prefix(escape.length);
  }
}

}  // namespace cocoon::json
