#pragma once
/// @file Callback: a move-only std::function, so that callbacks can own handles and buffers.

#include <memory>
#include <type_traits>
#include <utility>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

template <class Signature>
class Callback;

/// Owns one callable. Empty by default; calling an empty one is undefined, test it first. The
/// callable must not throw: an exception that leaves it ends the process.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> &&
             std::is_invocable_r_v<R, F&, Args...>)
  Callback(F&& callable)
      : target_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(callable))) {}

  explicit operator bool() const noexcept { return target_ != nullptr; }

  R operator()(Args... args) { return target_->call(std::forward<Args>(args)...); }

 private:
  struct Target {
    virtual ~Target() = default;
    virtual R call(Args... args) noexcept = 0;
  };
  template <class F>
  struct Holder final : Target {
    explicit Holder(F&& f) : callable(std::move(f)) {}
    explicit Holder(const F& f) : callable(f) {}
    R call(Args... args) noexcept override { return callable(std::forward<Args>(args)...); }
    F callable;
  };

  std::unique_ptr<Target> target_;
};

COCOON_ABI_END
