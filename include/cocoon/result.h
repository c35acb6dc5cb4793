#pragma once
/// @file Result<T>: how every fallible call of the library reports failure. No exception crosses a
/// module boundary. (`std::expected` is absent from libstdc++ 12 in C++20 mode.)

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

/// What the caller should do about a failure. Callers switch on it; the list is stable.
enum class ErrorKind : std::uint8_t {
  invalid_argument,  ///< the request, option or file is wrong: mend it and call again
  not_found,         ///< the named model, account, channel or file does not exist
  unauthorized,      ///< the caller has not proved who it is
  too_large,         ///< a named limit was exceeded: send less
  payment,           ///< the deposit or authorisation does not cover it: top up
  busy,              ///< no capacity now: try again later
  unavailable,       ///< no proxy, worker or ledger can be reached: try again later
  upstream,          ///< the worker or its engine failed: another attempt may succeed
  timeout,           ///< a deadline passed
  cancelled,         ///< the caller cancelled, or destroyed the handle
  attestation,       ///< evidence was missing, wrong or refused by policy: do not trust this peer
  protocol,          ///< the peer broke the protocol: the connection is over
  io,                ///< a socket, file or database failed
  internal           ///< a bug in this library: please report it
};

/// The name of `kind` as written in logs and JSON, for example `"invalid_argument"`.
COCOON_API std::string_view to_string(ErrorKind kind) noexcept;

/// One failure: what to do (`kind`), why (`code`), and a sentence for a person (`detail`).
class [[nodiscard]] Error {
 public:
  /// @param code a string literal in snake_case, for example "frame_too_large". It is kept by
  ///        reference and must live for ever. For logs, tests and the OpenAI `code` field; the set
  ///        of codes may grow in any release.
  /// @param detail a sentence that says what was wrong, where, and what was expected. Never
  ///        secret; never to be parsed.
  Error(ErrorKind kind, std::string_view code, std::string detail)
      : kind_(kind), code_(code), detail_(std::move(detail)) {}

  ErrorKind kind() const noexcept { return kind_; }
  std::string_view code() const noexcept { return code_; }
  const std::string& detail() const noexcept { return detail_; }

  /// The same failure with `context` and ": " put before the detail.
  Error within(std::string_view context) && {
    detail_.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }

 private:
  ErrorKind kind_;
  std::string_view code_;
  std::string detail_;
};

/// Says on standard error what a Result held whose other side was read, and aborts.
/// @param held the error where the value was asked for; null where the error was, or where the
///        Result had been moved from.
[[noreturn]] COCOON_API void abort_on_wrong_side(const Error* held) noexcept;

/// Either a value or an Error. Reading the wrong side is a bug in the caller and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return *checked<0>(state_); }
  const T& value() const& { return *checked<0>(state_); }
  T&& value() && { return std::move(*checked<0>(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return *checked<1>(state_); }
  Error&& error() && { return std::move(*checked<1>(state_)); }

 private:
  template <std::size_t I, class V>
  static auto* checked(V& state) {
    auto* p = std::get_if<I>(&state);
    if (p == nullptr) abort_on_wrong_side(std::get_if<1>(&state));
    return p;
  }

  std::variant<T, Error> state_;
};

/// The value of an operation that only succeeds or fails.
struct Unit {
  friend bool operator==(Unit, Unit) { return true; }
};
using Status = Result<Unit>;

/// Success, for functions that return Status.
inline Status ok() {
  return Unit{};
}

COCOON_ABI_END

#define COCOON_TRY_CAT2(a, b) a##b
#define COCOON_TRY_CAT(a, b) COCOON_TRY_CAT2(a, b)
#define COCOON_TRY_IMPL(tmp, var, expr)    \
  auto tmp = (expr);                       \
  if (!tmp) return std::move(tmp).error(); \
  var = std::move(tmp).value()
/// `COCOON_TRY(auto x, f());` binds x to the value of f(), or returns its error from this function.
#define COCOON_TRY(var, expr) COCOON_TRY_IMPL(COCOON_TRY_CAT(cocoon_try_, __LINE__), var, expr)
/// `COCOON_CHECK(f());` returns f()'s error from this function, if it has one.
#define COCOON_CHECK(expr)                                       \
  do {                                                           \
    auto cocoon_check_ = (expr);                                 \
    if (!cocoon_check_) return std::move(cocoon_check_).error(); \
  } while (false)
