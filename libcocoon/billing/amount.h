#pragma once
/// @file Amounts as people write them.

#include <string>
#include <string_view>

#include "base/money.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// "1.5 TON", "0.000000001TON" or "1500000000 nano": a decimal number and its unit, exact to the
/// nanoton. A number without a unit is refused: it has been mistaken by a factor of 10^9 before.
/// Errors: invalid_argument/bad_amount.
Result<Nano> parse_amount(std::string_view text);

/// The shortest exact form in TON: "1.5 TON", "0 TON".
std::string format_amount(Nano amount);

}  // namespace cocoon::billing
