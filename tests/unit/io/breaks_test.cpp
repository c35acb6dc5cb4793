#include "io/breaks.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace cocoon::io {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

BusyTurns after(int turns, nanoseconds took) {
  BusyTurns busy;
  for (int i = 0; i < turns; ++i) busy.looked(took);
  return busy;
}

TEST(BusyTurns, AFewAreNotMany) {
  EXPECT_FALSE(BusyTurns().many());
  EXPECT_FALSE(after(BusyTurns::kMany - 1, nanoseconds(0)).many());
  EXPECT_TRUE(after(BusyTurns::kMany, nanoseconds(0)).many());
}

TEST(BusyTurns, ASleepBeforeThereAreManyBeginsAnew) {
  BusyTurns busy = after(BusyTurns::kMany - 1, microseconds(1));
  busy.looked(BusyTurns::kSlept);
  busy.looked(microseconds(1));
  EXPECT_FALSE(busy.many());
}

TEST(BusyTurns, ALongSleepEndsThemAShortOneDoesNot) {
  BusyTurns busy = after(10 * BusyTurns::kMany, microseconds(1));
  busy.looked(BusyTurns::kIdle - nanoseconds(1));
  EXPECT_TRUE(busy.many());
  busy.looked(BusyTurns::kIdle);
  EXPECT_FALSE(busy.many());
  busy.looked(microseconds(1));
  EXPECT_FALSE(busy.many());
}

TEST(BusyTurns, ALoopThatSleepsEachTimeIsNeverBusy) {
  EXPECT_FALSE(after(10 * BusyTurns::kMany, BusyTurns::kSlept).many());
}

TEST(Breaks, ABusyLoopRunsOnAndEndsByItself) {
  uv_loop_t loop{};
  uv_loop_init(&loop);
  Breaks breaks(loop);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);  // nobody reads it: every poll finds it
  int turns = 0;
  uv_poll_t poll{};
  uv_poll_init(&loop, &poll, ends[0]);
  poll.data = &turns;
  uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
    Breaks::note_ready();
    if (++*static_cast<int*>(handle->data) < 5 * BusyTurns::kMany) return;
    uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
  });
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(turns, 5 * BusyTurns::kMany);
  breaks.close();
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&loop), 0);
  close(ends[0]);
  close(ends[1]);
}

TEST(Breaks, ALoopWithoutThemTakesNoNotice) {
  Breaks::note_ready();
}

}  // namespace
}  // namespace cocoon::io
