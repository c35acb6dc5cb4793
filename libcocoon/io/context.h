#pragma once
/// @file What the sockets, timers and hooks of one role share on one loop.

#include <memory>

#include "cocoon/callback.h"
#include "cocoon/loop.h"

namespace cocoon::io {

class ContextState;

/// A handle to the shared state: cheap to copy, loop thread only. Everything in io/ is made from
/// one. It owns the read buffer that all its connections use in turn (an idle connection holds
/// none), the end-of-turn queue (turn.h), and the count of open uv handles.
class Context {
 public:
  explicit Context(const Loop& loop);

  Loop loop() const;

  /// Asks for `on_closed`, called once when every handle made from this context has been closed.
  /// Closing them is the business of their owners, before or after this call. After the callback
  /// no handle of ours is left in the loop, so a host may close it.
  /// @pre not called before; nothing is made from this context afterwards.
  void close(Callback<void()> on_closed);

  /// Internal to io/.
  const std::shared_ptr<ContextState>& state() const { return state_; }

 private:
  std::shared_ptr<ContextState> state_;
};

}  // namespace cocoon::io
