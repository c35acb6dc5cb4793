#include "io/jobs.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "unit/io/test_loop.h"

namespace cocoon::io {
namespace {

/// Holds a job thread until the test lets it go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    entered_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

class JobsTest : public test::LoopTest {
 protected:
  JobPool start(unsigned threads, std::size_t bound) {
    auto pool = JobPool::start(
        context(), {.name = "test", .threads = threads, .queue_bounds = {bound, bound, bound}});
    EXPECT_TRUE(pool);
    return std::move(pool).value();
  }
};

TEST_F(JobsTest, WorkRunsElsewhereAndDoneOnTheLoop) {
  JobPool pool = start(2, 4);
  std::thread::id worked;
  std::optional<std::thread::id> done;
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [&] { worked = std::this_thread::get_id(); },
      [&] { done = std::this_thread::get_id(); }));
  EXPECT_FALSE(done.has_value());
  ASSERT_TRUE(run_until([&] { return done.has_value(); }));
  EXPECT_EQ(*done, std::this_thread::get_id());
  EXPECT_NE(worked, std::this_thread::get_id());
}

TEST_F(JobsTest, FullQueueRefusesAndCallsNothing) {
  JobPool pool = start(1, 1);
  Gate gate;
  int done = 0;
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [&] { gate.wait(); }, [&] { ++done; }));
  gate.wait_until_entered();
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [] {}, [&] { ++done; }));
  const Status refused = pool.submit(
      JobClass::normal, [] { FAIL() << "refused work ran"; }, [] { FAIL() << "refused job done"; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::busy);
  EXPECT_EQ(refused.error().code(), "job_queue_full");
  // The other classes have queues of their own.
  EXPECT_TRUE(pool.submit(
      JobClass::urgent, [] {}, [&] { ++done; }));
  gate.open();
  run_until([&] { return done == 3; });
}

TEST_F(JobsTest, UrgentJobsOvertakeAndBackgroundJobsDoNotStarve) {
  JobPool pool = start(1, 16);
  Gate gate;
  std::string order;  // written by the one job thread, read after it is done
  int done = 0;
  const auto note = [&](char c) { return [&order, c] { order += c; }; };
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [&] { gate.wait(); }, [&] { ++done; }));
  gate.wait_until_entered();
  ASSERT_TRUE(pool.submit(JobClass::background, note('b'), [&] { ++done; }));
  ASSERT_TRUE(pool.submit(JobClass::normal, note('n'), [&] { ++done; }));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(pool.submit(JobClass::urgent, note('u'), [&] { ++done; }));
  gate.open();
  ASSERT_TRUE(run_until([&] { return done == 8; }));
  EXPECT_EQ(order, "uubuuun");
}

TEST_F(JobsTest, StopDropsWaitingJobsAndWaitsForTheRunningOne) {
  JobPool pool = start(1, 4);
  Gate gate;
  bool running_done = false;
  bool stopped = false;
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [&] { gate.wait(); },
      [&] {
        EXPECT_FALSE(stopped);
        running_done = true;
      }));
  gate.wait_until_entered();
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [] { FAIL() << "dropped work ran"; },
      [] { FAIL() << "dropped job done"; }));
  pool.stop([&] { stopped = true; });
  EXPECT_FALSE(pool.submit(
      JobClass::normal, [] {}, [] {}));
  run_turn();
  EXPECT_FALSE(stopped);
  gate.open();
  run_until([&] { return stopped; });
  EXPECT_TRUE(running_done);
}

TEST_F(JobsTest, DestructionDoesNotBlockOnARunningJobAndCallsNothing) {
  const auto gate = std::make_shared<Gate>();  // the job may still be at it when this test is over
  {
    JobPool pool = start(1, 4);
    ASSERT_TRUE(pool.submit(
        JobClass::normal, [gate] { gate->wait(); }, [] { FAIL() << "abandoned"; }));
    gate->wait_until_entered();
  }
  gate->open();
  // The fixture checks that the threads' wake-up handle goes away.
}

TEST_F(JobsTest, IdlePoolDoesNotKeepTheLoopAlive) {
  JobPool pool = start(1, 4);
  bool done = false;
  ASSERT_TRUE(pool.submit(
      JobClass::normal, [] {}, [&] { done = true; }));
  EXPECT_EQ(uv_run(raw_loop(), UV_RUN_DEFAULT), 0);
  EXPECT_TRUE(done);
}

TEST_F(JobsTest, OneThreadRunsTheJobsOfAClassInOrder) {
  JobPool pool = start(1, 100);
  std::vector<int> order;
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.submit(
        JobClass::normal, [&order, i] { order.push_back(i); }, [&] { ++done; }));
  }
  ASSERT_TRUE(run_until([&] { return done == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

}  // namespace
}  // namespace cocoon::io
