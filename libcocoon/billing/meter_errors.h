#pragma once
/// @file The refusals that several of the accounts share.

#include <string>

#include "base/money.h"
#include "cocoon/result.h"

namespace cocoon::billing {

inline Error payment_error(std::string_view code, std::string detail) {
  return Error(ErrorKind::payment, code, std::move(detail));
}

inline Error unknown_request() {
  return Error(ErrorKind::not_found, "unknown_request", "no such request is running");
}

inline Error duplicate_request() {
  return Error(ErrorKind::invalid_argument, "duplicate_request", "this request runs already");
}

inline Error charge_over_cap(Nano cost, Nano cap) {
  return Error(ErrorKind::protocol, "charge_over_cap",
               "the request was to cost " + std::to_string(cost.value) +
                   " nanoton, above its cap of " + std::to_string(cap.value));
}

inline Error bad_snapshot(std::string_view what) {
  return Error(ErrorKind::io, "bad_snapshot",
               "the stored account of a " + std::string(what) + " is damaged");
}

inline Error foreign_statement(std::string_view code, std::string_view what) {
  return Error(ErrorKind::protocol, code, "the statement is for another " + std::string(what));
}

inline Error not_own_signature() {
  return Error(ErrorKind::unauthorized, "bad_signature",
               "the statement does not bear the signature that it must bear");
}

}  // namespace cocoon::billing
