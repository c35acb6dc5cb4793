#pragma once
/// @file The event loop that a role runs on: a host's own libuv loop, or a thread that we run.

#include <memory>

#include "cocoon/callback.h"
#include "cocoon/export.h"
#include "cocoon/result.h"

struct uv_loop_s;  // <uv.h> is not included by any public header

COCOON_ABI_BEGIN

/// The event loop a role object runs on. Every method of a role is called on its thread, and every
/// callback of a role comes on it; the only thread-safe entry is LoopThread::post().
class COCOON_API Loop {
 public:
  /// Borrows `loop` (a `uv_loop_t*`); never runs, stops, walks or closes it, and never touches
  /// `loop->data`.
  /// @pre `loop` is not null, and outlives every role created on it until that role has reported
  ///      `stopped`; the host keeps running it until then.
  static Loop borrow(uv_loop_s* loop);

  Loop(const Loop&) = default;
  Loop& operator=(const Loop&) = default;

 private:
  explicit Loop(uv_loop_s* loop) : loop_(loop) {}
  uv_loop_s* loop_;
  friend struct LoopAccess;
};

/// Owns a thread that runs a private loop, for hosts that have no libuv. The thread has every
/// signal blocked: signals go to the host's threads.
class COCOON_API LoopThread {
 public:
  /// Starts the thread. Errors: `io` where the system gives no thread or no event descriptor.
  static Result<LoopThread> start();

  LoopThread(LoopThread&&) noexcept;
  LoopThread& operator=(LoopThread&&) noexcept;
  /// Runs what was posted before, then joins the thread: it blocks until the loop is empty.
  /// @pre every role on the loop has stopped, and this is not the loop's own thread.
  ~LoopThread();

  /// The loop, for creating roles. Use it on the loop's thread only, from within post().
  Loop loop() const;

  /// Runs `fn` on the loop thread, after everything that was posted before it.
  /// @threadsafe May be called from any thread while the object exists.
  void post(Callback<void()> fn);

 private:
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit LoopThread(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

COCOON_ABI_END
