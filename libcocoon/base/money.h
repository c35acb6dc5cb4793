#pragma once
/// @file Money: integer nanotons (1e-9 TON) with checked arithmetic.

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>

namespace cocoon {

/// An amount of nanotons. There are no arithmetic operators: every sum can overflow and every
/// difference can underflow, and the caller has to say what happens then.
struct Nano {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Nano, Nano) = default;
};

inline constexpr Nano kMaxNano{std::numeric_limits<std::uint64_t>::max()};

constexpr std::optional<Nano> checked_add(Nano a, Nano b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a.value, b.value, &sum)) return std::nullopt;
  return Nano{sum};
}
constexpr std::optional<Nano> checked_sub(Nano a, Nano b) {
  if (b.value > a.value) return std::nullopt;
  return Nano{a.value - b.value};
}
/// a − b, or zero where b is larger: for "how much is left".
constexpr Nano floor_sub(Nano a, Nano b) { return Nano{b.value > a.value ? 0 : a.value - b.value}; }
/// a + b, or the largest amount: for bounds and thresholds only, never for balances.
constexpr Nano saturating_add(Nano a, Nano b) { return checked_add(a, b).value_or(kMaxNano); }

}  // namespace cocoon
