#include "values.h"

#include <fmt/format.h>

#include <charconv>

#include "codec/hex.h"

namespace cocoon::app {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

/// Far above every delay that a registry accepts, far below an overflow.
constexpr std::int64_t kMaxMilliseconds = std::int64_t{1000} * 86'400'000;

Error bad_value(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_value", std::move(detail));
}

}  // namespace

Result<Hash> parse_hash(std::string_view text, std::string_view what) {
  auto parsed = array_from_hex<32>(text);
  if (!parsed) {
    return bad_value(
        fmt::format("\"{}\" is no {}: 64 hexadecimal digits are expected", text, what));
  }
  return *parsed;
}

Result<Millis> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& u : kUnits) {
    if (error != std::errc() || unit != u.name) continue;
    if (number >= 0 && number <= kMaxMilliseconds / u.milliseconds) {
      return Millis(number * u.milliseconds);
    }
  }
  return bad_value(
      fmt::format("\"{}\" is no duration: write a whole number and ms, s, m, h or d", text));
}

Result<std::uint32_t> parse_e4(std::string_view text) {
  std::uint32_t whole = 0;
  std::uint32_t fraction = 0;
  std::uint32_t scale = 10'000;
  const char* const end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, whole);
  bool good = error == std::errc() && whole <= UINT32_MAX / scale - 1;
  if (good && at != end) {
    good = *at == '.' && end - at >= 2 && end - at <= 5;
    for (++at; good && at != end; ++at) {
      good = *at >= '0' && *at <= '9';
      scale /= 10;
      fraction += good ? static_cast<std::uint32_t>(*at - '0') * scale : 0;
    }
  }
  if (!good) {
    return bad_value(
        fmt::format("\"{}\" is no number with at most four decimals, like 0.95", text));
  }
  return whole * 10'000 + fraction;
}

Result<std::array<std::uint32_t, 4>> parse_multipliers(std::string_view text) {
  std::array<std::uint32_t, 4> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t comma = text.find(',');
    const bool last = i + 1 == out.size();
    if (last != (comma == std::string_view::npos)) {
      return bad_value("four multipliers are expected: prompt,cached,completion,reasoning");
    }
    COCOON_TRY(out[i], parse_e4(text.substr(0, comma)));
    if (!last) text.remove_prefix(comma + 1);
  }
  return out;
}

}  // namespace cocoon::app
