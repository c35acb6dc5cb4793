/// Where every worker is busy: who is named, who waits, and for how long.

#include <gtest/gtest.h>

#include "routing/scheduler.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

FairQueue::Waiting waiting(FairQueue::RequestId request, std::vector<WorkerIndex> workers,
                           double until_s = 30) {
  FairQueue::Waiting out;
  out.request = request;
  out.model = "m";
  out.workers = std::move(workers);
  out.until = at(until_s).mono;
  return out;
}

TEST(SchedulerQueue, NobodyWaitsForAWorkerThatIsNotReady) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 1);
  for (int s = 0; s < 10; ++s) {
    ASSERT_TRUE(proxy.scheduler.start(worker, at(s)));
    proxy.scheduler.finish(worker, proxy.account(worker), "m", served(0.5, 0.5, 10), at(s));
  }
  ASSERT_TRUE(proxy.scheduler.start(worker, at(10)));
  ASSERT_TRUE(proxy.scheduler.wait(waiting(1, {worker}, 40), at(10)));
  proxy.scheduler.report(worker, wire::WorkerStatus{}, at(11));
  EXPECT_EQ(proxy.scheduler.take_unserved(at(11)), std::vector<FairQueue::RequestId>{1});
  EXPECT_FALSE(proxy.scheduler.wait(waiting(2, {worker}, 40), at(11)))
      << "though slots came free just before";
}

TEST(SchedulerQueue, NobodyWaitsForAWorkerThatIsNotReadyWhereOthersAreBusy) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 1);
  const WorkerIndex other = proxy.add({"m"}, 1000, 1);
  proxy.scheduler.report(worker, wire::WorkerStatus{}, at(1));
  ASSERT_TRUE(proxy.scheduler.start(other, at(1)));
  EXPECT_FALSE(proxy.scheduler.wait(waiting(1, {worker}, 31), at(1)));
  EXPECT_TRUE(proxy.scheduler.wait(waiting(1, {worker, other}, 31), at(1)));
}

/// A worker of one slot, which is taken.
struct Busy {
  TestProxy proxy{52};
  WorkerIndex worker = proxy.add({"m"}, 1000, 1);
  Busy() { EXPECT_TRUE(proxy.scheduler.start(worker, at(0))); }
  void free(double s) {
    proxy.scheduler.finish(worker, proxy.account(worker), "m", served(0.5, 0.5, 10), at(s));
  }
};

TEST(SchedulerQueue, ABusyWorkerIsNamedWhereNoneIsFree) {
  Busy busy;
  EXPECT_EQ(busy.proxy.scheduler.candidates(ask_for("m", 1), at(0)).workers.size(), 1u);
}

TEST(SchedulerQueue, NoBusyWorkerIsNamedWhereTooManyWaitForIt) {
  Busy busy;  // unmeasured: taken to be free in ten seconds
  for (FairQueue::RequestId request = 1; request <= 3; ++request) {
    ASSERT_TRUE(busy.proxy.scheduler.wait(waiting(request, {busy.worker}), at(0)));
  }
  EXPECT_TRUE(busy.proxy.scheduler.candidates(ask_for("m", 1), at(0)).workers.empty());
  EXPECT_FALSE(busy.proxy.scheduler.wait(waiting(4, {busy.worker}), at(0)));
}

TEST(SchedulerQueue, WhereOtherProxiesHoldAllSlotsAsManyWaitAsThereAre) {
  TestProxy proxy(54);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 2);
  proxy.scheduler.report(worker, ready_with(0), at(0));
  EXPECT_TRUE(proxy.scheduler.wait(waiting(1, {worker}), at(0)));
  EXPECT_TRUE(proxy.scheduler.wait(waiting(2, {worker}), at(0)));
  EXPECT_FALSE(proxy.scheduler.wait(waiting(3, {worker}), at(0)));
  proxy.scheduler.report(worker, ready_with(1), at(1));
  EXPECT_TRUE(proxy.scheduler.next_turn(at(1)));
  EXPECT_FALSE(proxy.scheduler.next_turn(at(1)));
}

TEST(SchedulerQueue, NobodyWaitsWhereAnotherWorkerIsFree) {
  Busy busy;
  busy.proxy.add();
  const Status status = busy.proxy.scheduler.wait(waiting(1, {busy.worker}), at(0));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "no_candidate_free");
}

TEST(SchedulerQueue, RequestsWaitWhereHardlyASlotIsFree) {
  Busy busy;
  const WorkerIndex other = busy.proxy.add({"m"}, 1000, 99);
  Scheduler& scheduler = busy.proxy.scheduler;
  scheduler.report(other, ready_with(2), at(0));
  EXPECT_FALSE(scheduler.wait(waiting(1, {busy.worker}), at(0))) << "one in fifty";
  scheduler.report(other, ready_with(1), at(0));
  EXPECT_TRUE(scheduler.wait(waiting(1, {busy.worker}), at(0)));
}

TEST(SchedulerQueue, AWorkerThatIsFreeAlreadyTakesTheRequestThatWaitsForIt) {
  Busy busy;
  Scheduler& scheduler = busy.proxy.scheduler;
  scheduler.report(busy.proxy.add({"m"}, 1000, 99), ready_with(0), at(0));
  busy.free(1);
  ASSERT_TRUE(scheduler.wait(waiting(1, {busy.worker}), at(2)));
  const auto turn = scheduler.next_turn(at(2));
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->request, 1u);
  EXPECT_EQ(turn->worker, busy.worker);
}

/// A free worker that has failed all it was given.
WorkerIndex add_broken(TestProxy& proxy) {
  const WorkerIndex broken = proxy.add();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(proxy.scheduler.start(broken, at(0)));
    proxy.scheduler.finish(broken, proxy.account(broken), "m", ended(Outcome::failed), at(0));
  }
  return broken;
}

TEST(SchedulerQueue, SlotsOfWorkersThatFailAreNotFree) {
  Busy busy;
  busy.proxy.scheduler.report(busy.proxy.add({"m"}, 1000, 99), ready_with(1), at(0));
  add_broken(busy.proxy);
  EXPECT_TRUE(busy.proxy.scheduler.wait(waiting(1, {busy.worker}), at(0)));
}

TEST(SchedulerQueue, NobodyWaitsForAWorkerThatFailsWhereOthersServe) {
  Busy busy;
  const WorkerIndex broken = add_broken(busy.proxy);
  Scheduler& scheduler = busy.proxy.scheduler;
  EXPECT_FALSE(scheduler.wait(waiting(1, {broken}), at(0)));
  ASSERT_TRUE(scheduler.wait(waiting(2, {broken, busy.worker}), at(0)));
  EXPECT_FALSE(scheduler.next_turn(at(2))) << "though its pause is over";
  busy.free(2);
  EXPECT_TRUE(scheduler.next_turn(at(2)));
}

TEST(SchedulerQueue, NobodyWaitsLongerThanItsTimeAtTheRateOfLate) {
  Busy busy;
  busy.free(0);
  for (int s = 0; s < 100; ++s) {  // one a second
    ASSERT_TRUE(busy.proxy.scheduler.start(busy.worker, at(s)));
    busy.free(s);
  }
  ASSERT_TRUE(busy.proxy.scheduler.start(busy.worker, at(100)));
  EXPECT_FALSE(busy.proxy.scheduler.wait(waiting(1, {busy.worker}, 100.5), at(100)));
  EXPECT_TRUE(busy.proxy.scheduler.wait(waiting(2, {busy.worker}, 103), at(100)));
}

TEST(SchedulerQueue, OthersOfTheModelDoNotShortenTheWaitForOnesOwnWorkers) {
  TestProxy proxy(55);
  std::vector<WorkerIndex> workers;
  for (int i = 0; i < 20; ++i) {
    workers.push_back(proxy.add({"m"}, 1000, 1));
    ASSERT_TRUE(proxy.scheduler.start(workers.back(), at(0)));
  }
  // Unmeasured: each is taken to be free in ten seconds, and the twenty of them every half.
  for (FairQueue::RequestId request = 1; request <= 3; ++request) {
    ASSERT_TRUE(proxy.scheduler.wait(waiting(request, {workers[0]}), at(0)));
  }
  EXPECT_FALSE(proxy.scheduler.wait(waiting(4, {workers[0]}), at(0)));
  EXPECT_TRUE(proxy.scheduler.wait(waiting(5, {workers[1]}), at(0)));
}

TEST(SchedulerQueue, RefusalsAreDemandOnlyWhereNobodyIsFree) {
  Busy busy;
  const auto refused = [&] {
    return busy.proxy.scheduler.models(at(1)).front().refused_per_minute;
  };
  const auto refuse = [&] {
    for (int i = 0; i < 50; ++i) {
      const auto answer = busy.proxy.scheduler.candidates_beside_refusal(ask_for("m", 1), at(0));
      EXPECT_FALSE(answer.workers.empty());
    }
  };
  refuse();
  const auto while_busy = refused();
  EXPECT_GT(while_busy, 0u);
  busy.proxy.add();
  refuse();
  EXPECT_EQ(refused(), while_busy);
}

TEST(SchedulerQueue, WhoWaitsHasTheSlotBeforeWhoComesLater) {
  Busy busy;
  ASSERT_TRUE(busy.proxy.scheduler.wait(waiting(7, {busy.worker}), at(0)));
  EXPECT_FALSE(busy.proxy.scheduler.next_turn(at(1)));
  busy.free(2);
  EXPECT_FALSE(busy.proxy.scheduler.start(busy.worker, at(2)));
  const auto turn = busy.proxy.scheduler.next_turn(at(2));
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->request, 7u);
  EXPECT_EQ(turn->worker, busy.worker);
  EXPECT_EQ(busy.proxy.scheduler.directory().find(busy.worker)->running, 1u);
  EXPECT_FALSE(busy.proxy.scheduler.next_turn(at(2)));
}

TEST(SchedulerQueue, AWorkerThatRestsAfterARefusalTakesWhoWaitsWhenItHasRested) {
  TestProxy proxy(53);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 4);
  ASSERT_TRUE(proxy.scheduler.start(worker, at(0)));
  proxy.scheduler.finish(worker, proxy.account(worker), "m", ended(Outcome::refused), at(0));
  ASSERT_TRUE(proxy.scheduler.wait(waiting(1, {worker}), at(0)));
  EXPECT_EQ(proxy.scheduler.next_deadline(), at(1).mono);
  EXPECT_FALSE(proxy.scheduler.next_turn(at(0.9)));
  EXPECT_TRUE(proxy.scheduler.next_turn(at(1)));
}

TEST(SchedulerQueue, WhoWaitsInVainIsTold) {
  Busy busy;
  ASSERT_TRUE(busy.proxy.scheduler.wait(waiting(1, {busy.worker}, 15), at(0)));
  EXPECT_EQ(busy.proxy.scheduler.next_deadline(), at(15).mono);
  EXPECT_TRUE(busy.proxy.scheduler.take_unserved(at(14)).empty());
  EXPECT_EQ(busy.proxy.scheduler.take_unserved(at(15)), std::vector<FairQueue::RequestId>{1});
  ASSERT_TRUE(busy.proxy.scheduler.wait(waiting(2, {busy.worker}, 50), at(15)));
  busy.proxy.scheduler.leave(busy.worker);
  EXPECT_EQ(busy.proxy.scheduler.take_unserved(at(16)), std::vector<FairQueue::RequestId>{2});
}

}  // namespace
}  // namespace cocoon::routing
