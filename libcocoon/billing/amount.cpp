#include "billing/amount.h"

#include <cstdint>
#include <optional>

namespace cocoon::billing {
namespace {

constexpr std::size_t kTonDecimals = 9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Error bad_amount(std::string_view text) {
  return Error(ErrorKind::invalid_argument, "bad_amount",
               "\"" + std::string(text) +
                   "\" is no amount: write a number and its unit, like \"1.5 TON\" (at most nine "
                   "decimals) or \"1500000000 nano\"");
}

/// `number` × 10^decimals, if that is a whole number of 64 bits.
std::optional<std::uint64_t> scaled(std::string_view number, std::size_t decimals) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  std::size_t fraction = 0;
  bool point = false;
  for (char c : number) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) {
      return std::nullopt;
    }
    ++digits;
    if (point) ++fraction;
  }
  if (digits == 0 || fraction > decimals || (point && fraction == 0)) return std::nullopt;
  for (; fraction < decimals; ++fraction) {
    if (__builtin_mul_overflow(value, 10, &value)) return std::nullopt;
  }
  return value;
}

}  // namespace

Result<Nano> parse_amount(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  const std::string_view number = text.substr(0, end);
  std::string_view unit = text.substr(end);
  if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  std::optional<std::uint64_t> value;
  if (unit == "TON") value = scaled(number, kTonDecimals);
  if (unit == "nano") value = scaled(number, 0);
  if (!value) return bad_amount(text);
  return Nano{*value};
}

std::string format_amount(Nano amount) {
  constexpr std::uint64_t kNanoPerTon = 1'000'000'000;
  std::string out = std::to_string(amount.value / kNanoPerTon);
  std::string fraction = std::to_string(amount.value % kNanoPerTon + kNanoPerTon).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) out += "." + fraction;
  return out + " TON";
}

}  // namespace cocoon::billing
