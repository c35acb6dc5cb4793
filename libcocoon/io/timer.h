#pragma once
/// @file One deadline on the loop.

#include "base/time.h"
#include "cocoon/callback.h"
#include "io/context.h"
#include "io/slot.h"

struct uv_timer_s;

namespace cocoon::io {

template <class Handle, class Owner>
class HandleBox;

/// Calls back once when a deadline has passed, never before it. Loop thread only. While set it
/// keeps the loop alive. Setting the deadline it already has costs nothing, so a driver can pass
/// its core's next deadline after every event.
class Timer {
 public:
  Timer(const Context& context, Callback<void()> on_due);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Replaces the deadline; kNever stops the timer.
  void set(MonoTime deadline);
  /// The same, counted from now.
  void set_in(Millis delay);
  void stop() { set(kNever); }
  /// The deadline; kNever where none is set.
  MonoTime deadline() const { return deadline_; }

 private:
  using Box = HandleBox<uv_timer_s, Timer>;
  static void on_timer(uv_timer_s* handle);
  void start();

  Box* box_;
  Slot<> on_due_;
  MonoTime deadline_ = kNever;
};

}  // namespace cocoon::io
