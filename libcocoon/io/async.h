#pragma once
/// @file Calls from any thread to the loop.

#include <memory>

#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"

namespace cocoon::io {

/// The sending side of a Postbox: copyable, any thread, may outlive the postbox.
class Poster {
 public:
  Poster() = default;

  /// Runs `fn` on the postbox's loop, in the order of the calls. False where the postbox is gone:
  /// then `fn` is destroyed here and now.
  bool post(Callback<void()> fn) const;

 private:
  friend class Postbox;
  struct Queue;
  explicit Poster(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
  std::shared_ptr<Queue> queue_;
};

/// The receiving side: lives on the loop thread. It keeps the loop alive only while `keep_alive`
/// is on. Destroying it drops what has not run yet.
class Postbox {
 public:
  /// Errors: `io` where the system has no descriptor left for the loop's wake-up.
  static Result<Postbox> open(const Context& context);
  Postbox(Postbox&&) noexcept = default;
  Postbox& operator=(Postbox&&) noexcept;
  ~Postbox();

  Poster poster() const { return Poster(queue_); }
  void keep_alive(bool on);

 private:
  explicit Postbox(std::shared_ptr<Poster::Queue> queue) : queue_(std::move(queue)) {}
  void close();
  std::shared_ptr<Poster::Queue> queue_;
};

}  // namespace cocoon::io
