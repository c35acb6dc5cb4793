#pragma once
/// @file Process signals on the loop, for the programs in apps/; the library itself takes none.

#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "io/slot.h"

struct uv_signal_s;

namespace cocoon::io {

template <class Handle, class Owner>
class HandleBox;

/// Calls back on the loop each time the process gets the signal, as long as the object exists. It
/// does not keep the loop alive by itself.
class Signal {
 public:
  Signal(const Context& context, Callback<void()> on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Starts to catch `number` (SIGTERM, …). Errors: `io` where the system refuses.
  Status catch_signal(int number);

 private:
  using Box = HandleBox<uv_signal_s, Signal>;
  Box* box_ = nullptr;
  Context context_;
  Slot<> on_signal_;
};

}  // namespace cocoon::io
