#include "cocoon/loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <thread>
#include <vector>

#include "io/async.h"
#include "io/clock.h"
#include "io/signals.h"
#include "io/turn.h"
#include "unit/io/test_loop.h"

namespace cocoon::io {
namespace {

using test::LoopTest;

TEST(LoopThreadTest, RunsPostedCallsInOrderOnItsOwnThread) {
  std::vector<int> seen;
  std::promise<std::thread::id> where;
  {
    auto thread = LoopThread::start();
    ASSERT_TRUE(thread) << thread.error().detail();
    for (int i = 0; i < 100; ++i) thread->post([&seen, i] { seen.push_back(i); });
    thread->post([&] { where.set_value(std::this_thread::get_id()); });
    EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
  }
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[i], i);
}

TEST(LoopThreadTest, DestructorRunsWhatWasPostedBefore) {
  int runs = 0;
  {
    auto thread = LoopThread::start();
    ASSERT_TRUE(thread);
    for (int i = 0; i < 10; ++i) thread->post([&] { ++runs; });
  }
  EXPECT_EQ(runs, 10);
}

TEST(LoopThreadTest, OrderHoldsForEachOfManyPostingThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 500;
  std::vector<std::vector<int>> seen(kThreads);
  {
    auto loop = LoopThread::start();
    ASSERT_TRUE(loop);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kPosts; ++i) loop->post([&seen, t, i] { seen[t].push_back(i); });
      });
    }
    for (auto& t : threads) t.join();
  }
  for (const auto& of_thread : seen) {
    ASSERT_EQ(of_thread.size(), static_cast<std::size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) EXPECT_EQ(of_thread[i], i);
  }
}

TEST(LoopThreadTest, MovedObjectStillPosts) {
  auto started = LoopThread::start();
  ASSERT_TRUE(started);
  LoopThread thread = std::move(started).value();
  std::promise<int> answer;
  thread.post([&] { answer.set_value(7); });
  EXPECT_EQ(answer.get_future().get(), 7);
}

TEST(LoopThreadTest, BlocksEverySignalInItsThread) {
  auto thread = LoopThread::start();
  ASSERT_TRUE(thread);
  std::promise<bool> blocked;
  thread->post([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
}

class BorrowedLoopTest : public LoopTest {};

TEST_F(BorrowedLoopTest, LoopDataIsNeverTouched) {
  int hosts_own = 0;
  raw_loop()->data = &hosts_own;
  {
    Timer timer(context(), [] {});
    TurnHook hook(context(), TurnPhase::work, [] {});
    timer.set_in(Millis(0));
    hook.arm();
    run_turn();
  }
  run_turn();
  EXPECT_EQ(raw_loop()->data, &hosts_own);
}

TEST_F(BorrowedLoopTest, IdleContextDoesNotKeepTheLoopAlive) {
  EXPECT_EQ(uv_run(raw_loop(), UV_RUN_NOWAIT), 0);
}

TEST_F(BorrowedLoopTest, TimerNeverFiresBeforeItsDeadline) {
  MonoTime deadline = now().mono + Millis(20);
  std::optional<MonoTime> fired;
  Timer timer(context(), [&] { fired = now().mono; });
  timer.set(deadline);
  ASSERT_TRUE(run_until([&] { return fired.has_value(); }));
  EXPECT_GE(*fired, deadline);
  EXPECT_EQ(timer.deadline(), kNever);
}

TEST_F(BorrowedLoopTest, StoppedTimerDoesNotFire) {
  bool fired = false;
  bool later = false;
  Timer stopped(context(), [&] { fired = true; });
  Timer after(context(), [&] { later = true; });
  stopped.set_in(Millis(1));
  after.set_in(Millis(5));
  stopped.stop();
  ASSERT_TRUE(run_until([&] { return later; }));
  EXPECT_FALSE(fired);
}

TEST_F(BorrowedLoopTest, TimerMayDestroyItselfWhenItFires) {
  std::unique_ptr<Timer> timer;
  bool fired = false;
  timer = std::make_unique<Timer>(context(), [&] {
    timer.reset();
    fired = true;
  });
  timer->set_in(Millis(0));
  run_until([&] { return fired; });
}

TEST_F(BorrowedLoopTest, TimerSetAgainInItsCallbackFiresAgain) {
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(context(), [&] {
    if (++fired < 3) timer->set_in(Millis(0));
  });
  timer->set_in(Millis(0));
  run_until([&] { return fired == 3; });
}

TEST_F(BorrowedLoopTest, HookRunsOnceForAllThatArmedItInATurn) {
  int runs = 0;
  TurnHook hook(context(), TurnPhase::flush, [&] { ++runs; });
  Timer one(context(), [&] { hook.arm(); });
  Timer two(context(), [&] { hook.arm(); });
  bool later = false;
  Timer after(context(), [&] { later = true; });
  one.set_in(Millis(0));
  two.set_in(Millis(0));
  after.set_in(Millis(5));
  run_until([&] { return later; });
  EXPECT_EQ(runs, 1);
}

TEST_F(BorrowedLoopTest, HookArmedByAnEventRunsBeforeTheLoopBlocks) {
  // The only other thing in the loop is a timer an hour away: were the hook late, the turn
  // would not end.
  bool ran = false;
  bool armed = false;
  TurnHook hook(context(), TurnPhase::flush, [&] { ran = true; });
  auto postbox = Postbox::open(context());
  ASSERT_TRUE(postbox);
  Timer far(context(), [] {});
  far.set_in(std::chrono::hours(1));
  postbox->keep_alive(true);
  postbox->poster().post([&] {
    hook.arm();
    armed = true;
  });
  while (!armed) uv_run(raw_loop(), UV_RUN_ONCE);
  EXPECT_TRUE(ran) << "the hook has to run in the turn that armed it";
}

TEST_F(BorrowedLoopTest, LoopDoesNotBlockBeforeAHookThatAnotherContextsHookHasArmed) {
  // Before the poll, the other context's turn comes after this one's: what it arms here has to wait
  // for the check after the poll.
  Context other(Loop::borrow(raw_loop()));
  std::optional<int> would_block;
  bool ran = false;
  Timer far(context(), [] {});
  far.set_in(std::chrono::hours(1));
  run_turn();  // libuv does not say how long it would block before it has polled once
  TurnHook second(context(), TurnPhase::work, [&] { ran = true; });
  TurnHook first(other, TurnPhase::work, [&] {
    second.arm();
    would_block = uv_backend_timeout(raw_loop());
  });
  first.arm();
  run_turn();
  EXPECT_EQ(would_block, 0);
  EXPECT_TRUE(ran);
}

TEST_F(BorrowedLoopTest, LoopBlocksWhereNoHookIsArmed) {
  Timer far(context(), [] {});
  far.set_in(std::chrono::hours(1));
  TurnHook hook(context(), TurnPhase::work, [] {});
  hook.arm();
  run_turn();
  EXPECT_NE(uv_backend_timeout(raw_loop()), 0) << "an idle process would take a whole core";
}

TEST_F(BorrowedLoopTest, WorkRunsBeforeFlushWhateverTheOrderOfArming) {
  std::string order;
  TurnHook flush(context(), TurnPhase::flush, [&] { order += 'f'; });
  TurnHook second(context(), TurnPhase::work, [&] { order += '2'; });
  TurnHook first(context(), TurnPhase::work, [&] {
    order += '1';
    second.arm();
  });
  flush.arm();
  first.arm();
  run_turn();
  EXPECT_EQ(order, "12f");
}

TEST_F(BorrowedLoopTest, WorkArmedByFlushRunsInTheSameTurnAndIsFlushedAgain) {
  std::string order;
  TurnHook* again = nullptr;
  TurnHook flush(context(), TurnPhase::flush, [&] {
    order += 'f';
    if (order.size() == 1) again->arm();
  });
  TurnHook work(context(), TurnPhase::work, [&] {
    order += 'w';
    flush.arm();
  });
  again = &work;
  flush.arm();
  run_turn();
  EXPECT_EQ(order, "fwf");
}

TEST_F(BorrowedLoopTest, HookThatAlwaysArmsItselfDoesNotStarveTheLoop) {
  bool fired = false;
  std::unique_ptr<TurnHook> hook;
  hook = std::make_unique<TurnHook>(context(), TurnPhase::work, [&] {
    if (!fired) hook->arm();
  });
  Timer timer(context(), [&] { fired = true; });
  timer.set_in(Millis(2));
  hook->arm();
  run_until([&] { return fired; });
}

TEST_F(BorrowedLoopTest, DestroyedHookDoesNotRun) {
  bool ran = false;
  auto gone = std::make_unique<TurnHook>(context(), TurnPhase::work, [&] { ran = true; });
  TurnHook killer(context(), TurnPhase::work, [&] { gone.reset(); });
  killer.arm();
  gone->arm();
  run_turn();
  EXPECT_FALSE(ran);
}

TEST_F(BorrowedLoopTest, HookMayDestroyItself) {
  std::unique_ptr<TurnHook> hook;
  hook = std::make_unique<TurnHook>(context(), TurnPhase::work, [&] { hook.reset(); });
  hook->arm();
  run_turn();
  EXPECT_EQ(hook, nullptr);
}

TEST_F(BorrowedLoopTest, PostToAPostboxThatIsGoneIsRefused) {
  Poster poster;
  EXPECT_FALSE(poster.post([] {}));
  {
    auto postbox = Postbox::open(context());
    ASSERT_TRUE(postbox);
    poster = postbox->poster();
    EXPECT_TRUE(poster.post([] { FAIL() << "dropped with the postbox"; }));
  }
  EXPECT_FALSE(poster.post([] {}));
  run_turn();
}

TEST_F(BorrowedLoopTest, PostedCallMayDestroyThePostboxAndDropTheRest) {
  auto opened = Postbox::open(context());
  ASSERT_TRUE(opened);
  auto postbox = std::make_unique<Postbox>(std::move(opened).value());
  postbox->keep_alive(true);
  bool rest = false;
  postbox->poster().post([&] { postbox.reset(); });
  postbox->poster().post([&] { rest = true; });
  run_until([&] { return postbox == nullptr; });
  run_turn();
  EXPECT_FALSE(rest);
}

TEST_F(BorrowedLoopTest, SignalReachesTheLoop) {
  int caught = 0;
  Signal signal(context(), [&] { ++caught; });
  ASSERT_TRUE(signal.catch_signal(SIGUSR1));
  ASSERT_EQ(::raise(SIGUSR1), 0);
  run_until([&] { return caught == 1; });
}

TEST_F(BorrowedLoopTest, SignalThatCannotBeCaughtIsAnError) {
  Signal signal(context(), [] {});
  const Status status = signal.catch_signal(SIGKILL);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "no_signal_handle");
}

TEST_F(BorrowedLoopTest, ClosedCallbackWaitsForTheLastHandle) {
  auto other = std::make_unique<Context>(Loop::borrow(raw_loop()));
  auto timer = std::make_unique<Timer>(*other, [] {});
  bool closed = false;
  other->close([&] { closed = true; });
  other.reset();
  for (int i = 0; i < 5; ++i) run_turn();
  EXPECT_FALSE(closed);
  timer.reset();
  run_until([&] { return closed; });
}

}  // namespace
}  // namespace cocoon::io
