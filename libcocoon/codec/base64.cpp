#include "codec/base64.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon {
namespace {

constexpr char kStandard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kUrl[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kNoDigit = 64;

std::uint32_t digit_value(char c, const char* digits) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == digits[62]) return 62;
  if (c == digits[63]) return 63;
  return kNoDigit;
}

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "base64_invalid", std::move(detail));
}

}  // namespace

std::string to_base64(ByteView bytes, Base64Alphabet alphabet) {
  const char* digits = alphabet == Base64Alphabet::url ? kUrl : kStandard;
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t used = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < used ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k <= used; ++k) out += digits[group >> (18 - 6 * k) & 63];
  }
  if (alphabet == Base64Alphabet::standard) out.resize((out.size() + 3) / 4 * 4, '=');
  return out;
}

Result<Bytes> from_base64(std::string_view text, Base64Alphabet alphabet) {
  const char* digits = alphabet == Base64Alphabet::url ? kUrl : kStandard;
  std::string_view body = text;
  if (alphabet == Base64Alphabet::standard) {
    if (text.size() % 4 != 0) return invalid("The length of the base64 text is no multiple of 4.");
    for (int pads = 0; pads < 2 && !body.empty() && body.back() == '='; ++pads) {
      body.remove_suffix(1);
    }
  }
  if (body.size() % 4 == 1) return invalid("The base64 text ends within a byte.");
  Bytes out;
  out.reserve(body.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::uint32_t value = digit_value(body[i], digits);
    if (value == kNoDigit) {
      return invalid(fmt::format("Character {} of the base64 text is not of its alphabet.", i));
    }
    bits = (bits << 6 | value) & 0xfff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) {
    return invalid("The last character of the base64 text has bits set beyond the last byte.");
  }
  return out;
}

}  // namespace cocoon
