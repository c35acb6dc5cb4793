#pragma once
/// @file Internal to io/: readiness of one descriptor.

#include <uv.h>

#include "cocoon/result.h"
#include "io/context.h"
#include "io/context_state.h"

namespace cocoon::io {

/// Watches a descriptor that its owner keeps open. Sockets are read and written directly (with
/// MSG_NOSIGNAL: libuv's streams would raise SIGPIPE in the host's process), so this is all that
/// io/ needs of libuv for TCP, unix sockets and libcurl alike.
class Poll {
 public:
  /// `ready(owner, status, events)`: `status` is 0 or a libuv error; `events` of UV_READABLE,
  /// UV_WRITABLE. It may destroy the poll.
  using Ready = void (*)(void* owner, int status, int events);

  Poll(const Context& context, Ready ready, void* owner)
      : context_(context), ready_(ready), owner_(owner) {}
  ~Poll() { close(); }
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  /// Errors: `io` where the descriptor cannot be watched (a file, for example).
  Status open(int fd);
  /// Reports these events from now on; 0 for none. @pre open
  void watch(int events);
  /// Stops watching; the descriptor may be closed at once afterwards. Idempotent.
  void close();
  bool is_open() const { return box_ != nullptr; }

 private:
  using Box = HandleBox<uv_poll_t, Poll>;

  Context context_;
  Ready ready_;
  void* owner_;
  Box* box_ = nullptr;
  int watched_ = 0;
};

}  // namespace cocoon::io
