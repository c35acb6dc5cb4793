#pragma once
/// @file The product's clock: where every `Now` that a core sees comes from.

#include "base/time.h"

namespace cocoon::io {

/// The present: the monotonic clock that libuv's timers use, and the time of day. Any thread.
Now now();

}  // namespace cocoon::io
