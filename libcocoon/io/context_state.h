#pragma once
/// @file Internal to io/: the state behind a Context, and the heap boxes that uv handles live in.

#include <uv.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "io/context.h"
#include "io/turn.h"

namespace cocoon::io {

class ContextState : public std::enable_shared_from_this<ContextState> {
 public:
  explicit ContextState(uv_loop_t* loop);
  ~ContextState();
  ContextState(const ContextState&) = delete;
  ContextState& operator=(const ContextState&) = delete;

  uv_loop_t* loop() const { return loop_; }

  /// limits::kSocketReadBytes of scratch memory, valid until the next read on this loop.
  std::span<std::uint8_t> read_buffer();

  /// Counts a handle or a pending request of the loop.
  void hold() { ++held_; }
  /// Ends a hold(); the last one lets a requested close finish.
  void release();

  void close(Callback<void()> on_closed);

  /// Puts `hook`, which is not armed, at the end of its phase's queue.
  void arm(TurnHook& hook);

 private:
  struct TurnHandles;
  static constexpr std::size_t kPhases = 2;

  TurnHook* first_busy_ring();
  void run_turn();
  void run_phase(TurnHook& ring);
  void listen(bool on);
  void finish_if_closed();

  uv_loop_t* loop_;
  TurnHandles* turn_;        // freed by its close callback
  TurnHook armed_[kPhases];  // rings, by TurnPhase
  bool listening_ = false;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  std::size_t held_ = 0;
  Callback<void()> on_closed_;
};

/// A heap box around one uv handle. Its owner points to it and it points back; `close()` cuts the
/// tie, and the box frees itself when libuv says that the handle is closed.
template <class Handle, class Owner>
class HandleBox {
 public:
  HandleBox(std::shared_ptr<ContextState> context, Owner* to)
      : owner(to), context_(std::move(context)) {
    handle.data = this;
    context_->hold();
  }
  HandleBox(const HandleBox&) = delete;
  HandleBox& operator=(const HandleBox&) = delete;

  /// The box that `h` lives in.
  static HandleBox* of(Handle* h) { return static_cast<HandleBox*>(h->data); }

  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(&handle); }
  const std::shared_ptr<ContextState>& context() const { return context_; }

  /// Call once, instead of deleting the box, after its uv_*_init succeeded.
  void close() {
    owner = nullptr;
    uv_close(base(), [](uv_handle_t* h) { static_cast<HandleBox*>(h->data)->discard(); });
  }
  /// Frees a box whose uv_*_init failed: libuv does not know it.
  void discard() {
    const auto context = context_;
    delete this;
    context->release();
  }

  Handle handle{};
  Owner* owner;  ///< null once the owner has let go

 private:
  ~HandleBox() = default;
  std::shared_ptr<ContextState> context_;
};

}  // namespace cocoon::io
