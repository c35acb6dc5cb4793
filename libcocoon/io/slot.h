#pragma once
/// @file A callback whose owner may die while it runs.

#include <memory>
#include <utility>

#include "cocoon/callback.h"

namespace cocoon::io {

/// Holds one callback. The call keeps the callable alive, so the callback may destroy the object
/// that holds the slot, or put another callback in its place.
template <class... Args>
class Slot {
 public:
  Slot() = default;
  Slot(Callback<void(Args...)> fn) {
    if (fn) fn_ = std::make_shared<Callback<void(Args...)>>(std::move(fn));
  }

  explicit operator bool() const { return fn_ != nullptr; }

  /// Calls the callback; nothing where there is none.
  void operator()(Args... args) const {
    if (auto keep = fn_) (*keep)(std::forward<Args>(args)...);
  }

 private:
  std::shared_ptr<Callback<void(Args...)>> fn_;
};

}  // namespace cocoon::io
