/// A worker that has yet to show what it can do: how much it gets.

#include <gtest/gtest.h>

#include <cmath>

#include "routing/scheduler.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

constexpr std::uint32_t kSlots = 64;

/// A proxy with workers of kSlots slots, some of which have been measured.
struct Trial : testing::Test {
  TestProxy proxy{39};

  WorkerIndex add_new() { return proxy.add({"m"}, 1000, kSlots); }
  WorkerIndex add_known() {
    const WorkerIndex worker = add_new();
    give(worker, limits::kTrialRequests);
    end(worker, served(1, 1, 100), limits::kTrialRequests);
    return worker;
  }
  void give(WorkerIndex worker, std::uint32_t requests) {
    for (std::uint32_t i = 0; i < requests; ++i) {
      ASSERT_TRUE(proxy.scheduler.start(worker, at(0))) << "request " << i;
    }
  }
  void end(WorkerIndex worker, const Observation& seen, std::uint32_t requests) {
    const AccountId account = proxy.account(worker);
    for (std::uint32_t i = 0; i < requests; ++i) {
      proxy.scheduler.finish(worker, account, "m", seen, at(0));
    }
  }
  /// How often it is first in a thousand answers.
  int firsts(WorkerIndex worker) {
    int count = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      count += proxy.first(ask_for("m", seed), at(1)) == proxy.account(worker) ? 1 : 0;
    }
    return count;
  }
};

TEST_F(Trial, ANewWorkerGetsAFairShareUntilItHasItsTrial) {
  for (int i = 0; i < 4; ++i) add_known();
  const WorkerIndex fresh = add_new();
  EXPECT_NEAR(firsts(fresh), 200, 5 * std::sqrt(1000 * 0.2 * 0.8));
  give(fresh, limits::kTrialRequests);
  EXPECT_EQ(firsts(fresh), 0);
}

TEST_F(Trial, ANewWorkerRunsNoMoreThanItsTrialWhoeverWasNamedIt) {
  add_known();
  const WorkerIndex fresh = add_new();
  give(fresh, limits::kTrialRequests);
  EXPECT_FALSE(proxy.scheduler.start(fresh, at(0)));
}

TEST_F(Trial, AWorkerThatNeverAnswersIsOnTrialForGood) {
  add_known();
  const WorkerIndex silent = add_new();
  for (int round = 0; round < 20; ++round) {  // its clients give up, which says nothing of it
    give(silent, limits::kTrialRequests);
    ASSERT_FALSE(proxy.scheduler.start(silent, at(0))) << "round " << round;
    end(silent, ended(Outcome::cancelled, 60), limits::kTrialRequests);
  }
}

TEST_F(Trial, OnceMeasuredAWorkerHasAllItsSlots) {
  add_known();
  const WorkerIndex fresh = add_new();
  give(fresh, limits::kTrialRequests);
  end(fresh, served(1, 1, 100), limits::kTrialRequests - 1);
  give(fresh, limits::kTrialRequests - 1);
  EXPECT_FALSE(proxy.scheduler.start(fresh, at(0)));
  end(fresh, served(1, 1, 100), 1);
  give(fresh, kSlots - limits::kTrialRequests + 1);
  EXPECT_FALSE(proxy.scheduler.start(fresh, at(0)));
}

TEST_F(Trial, AWorkerThatConnectsAgainIsNotNew) {
  add_known();
  const WorkerIndex worker = add_known();
  proxy.scheduler.leave(worker);
  const auto again =
      proxy.scheduler.join(proxy.workers.back().peer(), proxy.workers.back().sign(), at(1));
  ASSERT_TRUE(again);
  proxy.scheduler.report(*again, ready_with(kSlots), at(1));
  give(*again, kSlots);
}

TEST_F(Trial, InANetworkThatHasJustBegunAllSlotsAreUsed) {
  const std::vector<WorkerIndex> workers{add_new(), add_new(), add_new()};
  EXPECT_EQ(proxy.scheduler.models(at(0)).front().free_slots, workers.size() * kSlots);
  for (const WorkerIndex worker : workers) give(worker, kSlots);
}

TEST_F(Trial, WhereMostAreNewNobodyIsHeldBack) {
  add_known();
  for (const WorkerIndex worker : {add_new(), add_new()}) give(worker, kSlots);
}

TEST_F(Trial, WhereMostAreNewOnesThatHaveTheirTrialAreSeldomNamed) {
  add_known();
  add_new();
  const WorkerIndex fresh = add_new();
  give(fresh, limits::kTrialRequests);
  const double p = (1.0 / 16) / (2 + 1.0 / 16);
  EXPECT_NEAR(firsts(fresh), 1000 * p, 5 * std::sqrt(1000 * p * (1 - p)));
  EXPECT_GT(firsts(fresh), 0);
}

TEST_F(Trial, TheOnlyWorkerOfAnotherModelIsNotHeldBack) {
  add_known();
  const WorkerIndex fresh = proxy.add({"m", "other"}, 1000, kSlots);
  give(fresh, kSlots);
}

TEST_F(Trial, WorkersThatAreNotReadyAnymoreHoldNobodyBack) {
  const WorkerIndex known = add_known();
  const WorkerIndex fresh = add_new();
  give(fresh, limits::kTrialRequests);
  proxy.scheduler.report(known, wire::WorkerStatus{}, at(0));
  proxy.scheduler.report(fresh, ready_with(kSlots - limits::kTrialRequests), at(0));
  give(fresh, kSlots - limits::kTrialRequests);
}

TEST_F(Trial, RequestsWaitForAWorkerThatHasItsTrialWhereAllAreBusy) {
  const WorkerIndex known = add_known();
  const WorkerIndex fresh = add_new();
  give(known, kSlots);
  give(fresh, limits::kTrialRequests);
  FairQueue::Waiting waiting;
  waiting.request = 7;
  waiting.model = "m";
  waiting.workers = {fresh};
  waiting.until = at(30).mono;
  ASSERT_TRUE(proxy.scheduler.wait(waiting, at(0)));
  EXPECT_FALSE(proxy.scheduler.next_turn(at(0)));
  end(fresh, served(1, 1, 100), 1);
  const auto turn = proxy.scheduler.next_turn(at(0));
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->worker, fresh);
}

}  // namespace
}  // namespace cocoon::routing
