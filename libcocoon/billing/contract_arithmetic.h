#pragma once
/// @file Sums of the contract rules. A state that breaks them was not made by these rules: the
/// message is refused and the state stays as it is, whatever it holds.

#include <string>

#include "base/money.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// A contract's refusal; nothing has changed.
inline Error refused(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}

/// Moves `amount` from one sum to another within a state.
/// Errors: internal/unsound_state.
inline Status move_amount(Nano& from, Nano& to, Nano amount) {
  const auto less = checked_sub(from, amount);
  const auto more = checked_add(to, amount);
  if (!less || !more) {
    return Error(ErrorKind::internal, "unsound_state",
                 "moving " + std::to_string(amount.value) +
                     " nanoton would leave a sum of the contract negative or too large");
  }
  from = *less;
  to = *more;
  return ok();
}

/// Adds what came from outside.
/// Errors: too_large/amount_overflow.
inline Status receive_amount(Nano& to, Nano amount) {
  const auto sum = checked_add(to, amount);
  if (!sum) {
    return Error(ErrorKind::too_large, "amount_overflow",
                 "the amount does not fit what the contract can hold");
  }
  to = *sum;
  return ok();
}

}  // namespace cocoon::billing
