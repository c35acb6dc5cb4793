#pragma once
/// @file A private loop for a test, which drives it until something holds.

#include <gtest/gtest.h>
#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "cocoon/loop.h"
#include "io/context.h"
#include "io/timer.h"

namespace cocoon::io::test {

/// What no test should ever need; a machine that is busy with a build and sanitizers gets there
/// all the same.
inline constexpr Seconds kGenerousDeadline{60};

/// The loop, its context, and the promise that nothing of ours is left in the loop at the end.
class LoopTest : public ::testing::Test {
 protected:
  LoopTest() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    context_.emplace(Loop::borrow(&loop_));
  }

  /// Derived fixtures' and the test's own objects are gone by now, if they are locals or members.
  ~LoopTest() override {
    bool closed = false;
    context_->close([&] { closed = true; });
    context_.reset();
    EXPECT_TRUE(run_loop_until([&] { return closed; })) << "a handle was left open";
    uv_run(&loop_, UV_RUN_NOWAIT);
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "the loop still has handles";
  }

  Context& context() { return *context_; }
  uv_loop_t* raw_loop() { return &loop_; }

  /// Runs the loop until `holds`; false (and a test failure) where it never does.
  bool run_until(const std::function<bool()>& holds) {
    const bool held = run_loop_until(holds);
    EXPECT_TRUE(held) << "waited in vain";
    return held;
  }

  /// One turn, without blocking.
  void run_turn() { uv_run(&loop_, UV_RUN_NOWAIT); }

 private:
  bool run_loop_until(const std::function<bool()>& holds) {
    // A handle of the test's own, not of the context: it must not keep the context open. It ticks,
    // so that conditions outside the loop (a raw socket's, a thread's) are looked at too.
    uv_timer_t tick;
    uv_timer_init(&loop_, &tick);
    uv_timer_start(
        &tick, [](uv_timer_t*) {}, 1, 1);
    const auto deadline = std::chrono::steady_clock::now() + kGenerousDeadline;
    bool held = holds();
    while (!held && std::chrono::steady_clock::now() < deadline) {
      uv_run(&loop_, UV_RUN_ONCE);
      held = holds();
    }
    bool gone = false;
    tick.data = &gone;
    uv_close(reinterpret_cast<uv_handle_t*>(&tick),
             [](uv_handle_t* t) { *static_cast<bool*>(t->data) = true; });
    while (!gone) uv_run(&loop_, UV_RUN_NOWAIT);
    return held;
  }

  uv_loop_t loop_{};
  std::optional<Context> context_;
};

}  // namespace cocoon::io::test
