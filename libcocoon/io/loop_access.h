#pragma once
/// @file Internal to io/: the uv_loop_t behind a public Loop.

#include <uv.h>

#include "cocoon/loop.h"

COCOON_ABI_BEGIN

/// The only way into a Loop.
struct LoopAccess {
  static uv_loop_t* raw(const Loop& loop) { return loop.loop_; }
};

COCOON_ABI_END
