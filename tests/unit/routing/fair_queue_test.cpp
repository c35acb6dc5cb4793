#include "routing/fair_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/limits.h"

namespace cocoon::routing {
namespace {

constexpr WorkerIndex kWorker{3, 1};
constexpr WorkerIndex kOther{4, 1};
constexpr MonoTime kLater = MonoTime(Seconds(100));

ChannelId client(std::uint8_t n) {
  return ChannelId{{n}};
}

struct Queue {
  FairQueue queue;
  FairQueue::RequestId last = 0;

  Status add(std::uint8_t of, std::uint32_t weight = 1,
             std::vector<WorkerIndex> workers = {kWorker}, MonoTime until = kLater) {
    FairQueue::Waiting waiting;
    waiting.request = ++last;
    waiting.client = client(of);
    waiting.weight = weight;
    waiting.model = "m";
    waiting.workers = std::move(workers);
    waiting.until = until;
    return queue.add(std::move(waiting));
  }

  /// The next request at the worker, which begins; 0 where there is none.
  FairQueue::RequestId next(WorkerIndex worker = kWorker) {
    const auto request = queue.first(worker);
    if (!request) return 0;
    queue.begin(*request);
    return *request;
  }
};

TEST(FairQueue, HasNobodyForAWorkerThatNoneWaitsFor) {
  Queue q;
  ASSERT_TRUE(q.add(1));
  EXPECT_FALSE(q.queue.first(kOther));
  EXPECT_FALSE(q.queue.first({kWorker.slot, kWorker.generation + 1}));
}

TEST(FairQueue, RefusesMoreOfAModelThanItsLimit) {
  Queue q;
  for (std::size_t i = 0; i < limits::kMaxQueuedPerModel; ++i) {
    ASSERT_TRUE(q.add(static_cast<std::uint8_t>(i % 64)));
  }
  const Status status = q.add(200);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "queue_full");
  EXPECT_EQ(q.queue.waiting("m"), limits::kMaxQueuedPerModel);
}

TEST(FairQueue, RefusesMoreOfAClientThanItsLimitAndTakesOthers) {
  Queue q;
  for (std::size_t i = 0; i < limits::kMaxQueuedPerChannel; ++i) ASSERT_TRUE(q.add(1));
  EXPECT_FALSE(q.add(1));
  EXPECT_TRUE(q.add(2));
}

TEST(FairQueue, RefusesMoreBytesThanItsLimit) {
  FairQueue queue;
  FairQueue::Waiting waiting;
  waiting.request = 1;
  waiting.workers = {kWorker};
  waiting.body_bytes = limits::kMaxQueuedBodyBytes;
  ASSERT_TRUE(queue.add(waiting));
  waiting.request = 2;
  waiting.body_bytes = 1;
  EXPECT_FALSE(queue.add(waiting));
  queue.begin(1);
  EXPECT_TRUE(queue.add(waiting));
}

TEST(FairQueue, ServesOneClientInTheOrderOfArrival) {
  Queue q;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(q.add(1));
  EXPECT_EQ(q.next(), 1u);
  EXPECT_EQ(q.next(), 2u);
  EXPECT_EQ(q.next(), 3u);
  EXPECT_EQ(q.next(), 0u);
  EXPECT_EQ(q.queue.size(), 0u);
}

TEST(FairQueue, ALightClientIsNotBehindAHeavyOne) {
  Queue q;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(q.add(1));
  EXPECT_EQ(q.next(), 1u);
  ASSERT_TRUE(q.add(2));
  const FairQueue::RequestId light = q.last;
  const FairQueue::RequestId first = q.next();
  const FairQueue::RequestId second = q.next();
  EXPECT_TRUE(first == light || second == light) << first << " " << second;
}

TEST(FairQueue, WhoHasNoMoreThanOneWaitingGetsNoMoreThanTheOthers) {
  Queue q;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(q.add(1));
  ASSERT_TRUE(q.add(2));
  FairQueue::RequestId waits = q.last;
  int turns = 0;
  for (int i = 0; i < 40; ++i) {
    if (q.next() != waits) continue;
    ++turns;
    ASSERT_TRUE(q.add(2));
    waits = q.last;
  }
  EXPECT_NEAR(turns, 20, 1);
}

TEST(FairQueue, WhoHadManyTurnsIsEvenWithTheOthersOnceNobodyWaits) {
  Queue q;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(q.add(1));
  for (int i = 0; i < 50; ++i) EXPECT_NE(q.next(), 0u);
  ASSERT_TRUE(q.add(1));
  const FairQueue::RequestId first = q.last;
  ASSERT_TRUE(q.add(2));
  EXPECT_EQ(q.next(), first);
}

TEST(FairQueue, WeightsShareTheWorker) {
  Queue q;
  std::map<FairQueue::RequestId, int> client_of;
  for (int i = 0; i < 90; ++i) {
    ASSERT_TRUE(q.add(1, 1));
    client_of[q.last] = 1;
    ASSERT_TRUE(q.add(2, 2));
    client_of[q.last] = 2;
  }
  std::map<int, int> served;
  for (int i = 0; i < 90; ++i) ++served[client_of.at(q.next())];
  EXPECT_NEAR(served[2], 60, 1);
  EXPECT_NEAR(served[1], 30, 1);
}

TEST(FairQueue, ARequestWaitsForEachOfItsWorkersAndBeginsOnce) {
  Queue q;
  ASSERT_TRUE(q.add(1, 1, {kWorker, kOther}));
  EXPECT_EQ(q.queue.waiting(kWorker), 1u);
  EXPECT_EQ(q.queue.waiting(kOther), 1u);
  EXPECT_EQ(q.next(kOther), 1u);
  EXPECT_EQ(q.next(kWorker), 0u);
}

TEST(FairQueue, WhoTakesRequestsBackDoesNotStandBackForThem) {
  Queue q;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(q.add(1));
  for (FairQueue::RequestId request = 2; request <= 50; ++request) q.queue.remove(request);
  ASSERT_TRUE(q.add(1));
  const FairQueue::RequestId own = q.last;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(q.add(2));
  EXPECT_EQ(q.next(), 1u);
  EXPECT_EQ(q.next(), own + 1) << "the other client's first";
  EXPECT_EQ(q.next(), own);
}

TEST(FairQueue, ACancelledPlaceFarBackDoesNotMoveTheLine) {
  Queue q;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(q.add(1));
  q.queue.remove(100);
  ASSERT_TRUE(q.add(2));
  const FairQueue::RequestId light = q.last;
  EXPECT_EQ(q.next(), 1u);
  EXPECT_EQ(q.next(), light);
}

TEST(FairQueue, TellsWhoHasNobodyLeftToWaitFor) {
  Queue q;
  ASSERT_TRUE(q.add(1, 1, {kWorker}));
  ASSERT_TRUE(q.add(1, 1, {kWorker, kOther}));
  EXPECT_EQ(q.queue.drop_worker(kWorker), std::vector<FairQueue::RequestId>{1});
  EXPECT_EQ(q.next(kOther), 2u);
  EXPECT_EQ(q.queue.size(), 0u);
}

TEST(FairQueue, ThoseWhoseTimeIsOverLeave) {
  Queue q;
  ASSERT_TRUE(q.add(1, 1, {kWorker}, MonoTime(Seconds(10))));
  ASSERT_TRUE(q.add(1, 1, {kWorker}, MonoTime(Seconds(20))));
  EXPECT_EQ(q.queue.next_deadline(), MonoTime(Seconds(10)));
  EXPECT_TRUE(q.queue.take_expired(MonoTime(Seconds(9))).empty());
  EXPECT_EQ(q.queue.take_expired(MonoTime(Seconds(10))), std::vector<FairQueue::RequestId>{1});
  EXPECT_EQ(q.queue.next_deadline(), MonoTime(Seconds(20)));
  EXPECT_EQ(q.next(), 2u);
  EXPECT_EQ(q.queue.next_deadline(), kNever);
}

/// Random histories: nothing is lost, nothing comes twice, and every line agrees with the whole.
TEST(FairQueue, LosesNothingOverRandomHistories) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    Queue q;
    std::map<FairQueue::RequestId, std::vector<WorkerIndex>> waits;
    for (int step = 0; step < 2000; ++step) {
      const WorkerIndex worker{static_cast<std::uint32_t>(below(6)), 0};
      switch (below(5)) {
        case 0:
        case 1: {
          std::vector<WorkerIndex> workers{worker};
          const WorkerIndex second{static_cast<std::uint32_t>(below(6)), 0};
          if (second != worker) workers.push_back(second);
          const auto until = MonoTime(Seconds(step + static_cast<int>(below(400))));
          ASSERT_TRUE(q.add(static_cast<std::uint8_t>(below(5)),
                            1 + static_cast<std::uint32_t>(below(3)), workers, until));
          waits[q.last] = workers;
          break;
        }
        case 2: {
          const auto request = q.next(worker);
          if (request != 0) {
            ASSERT_EQ(waits.erase(request), 1u);
          }
          break;
        }
        case 3: {
          if (waits.empty()) break;
          const auto at = std::next(waits.begin(), static_cast<long>(below(waits.size())));
          q.queue.remove(at->first);
          waits.erase(at);
          break;
        }
        default:
          for (const auto request : q.queue.take_expired(MonoTime(Seconds(step)))) {
            ASSERT_EQ(waits.erase(request), 1u);
          }
      }
      ASSERT_EQ(q.queue.size(), waits.size());
      std::size_t in_line = 0;
      for (const auto& [request, workers] : waits) {
        for (const WorkerIndex w : workers) in_line += w == worker ? 1 : 0;
      }
      ASSERT_EQ(q.queue.waiting(worker), in_line);
    }
  }
}

}  // namespace
}  // namespace cocoon::routing
