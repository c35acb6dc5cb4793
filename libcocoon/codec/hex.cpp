#include "codec/hex.h"

#include <fmt/format.h>

namespace cocoon {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr unsigned kNoDigit = 16;

unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return kNoDigit;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Error(ErrorKind::invalid_argument, "hex_invalid",
                 "The hexadecimal text has an odd number of digits.");
  }
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const unsigned high = digit_value(text[i]);
    const unsigned low = digit_value(text[i + 1]);
    if (high == kNoDigit || low == kNoDigit) {
      return Error(
          ErrorKind::invalid_argument, "hex_invalid",
          fmt::format("Character {} of the hexadecimal text is not one of 0-9, a-f or A-F.",
                      high == kNoDigit ? i : i + 1));
    }
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

}  // namespace cocoon
