#include "routing/scheduler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

/// How often each worker is first in `rounds` answers.
std::map<AccountId, int> firsts(TestProxy& proxy, int rounds, double s,
                                std::uint64_t first_seed = 0) {
  std::map<AccountId, int> counts;
  for (int i = 0; i < rounds; ++i) {
    ++counts[proxy.first(ask_for("m", first_seed + static_cast<std::uint64_t>(i)), at(s))];
  }
  return counts;
}

TEST(Scheduler, OffersNobodyForAnUnknownModel) {
  TestProxy proxy(1);
  proxy.add();
  const wire::Candidates answer = proxy.scheduler.candidates(ask_for("other", 1), at(0));
  EXPECT_TRUE(answer.workers.empty());
  EXPECT_EQ(answer.retry_after_ms, 0u) << "nobody knows when there will be one";
}

TEST(Scheduler, OffersNoWorkerThatIsNotReady) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add();
  wire::WorkerStatus status;
  proxy.scheduler.report(worker, status, at(1));
  const wire::Candidates answer = proxy.scheduler.candidates(ask_for("m", 1), at(1));
  EXPECT_TRUE(answer.workers.empty());
  EXPECT_EQ(answer.retry_after_ms, 0u);
  EXPECT_FALSE(proxy.scheduler.start(worker, at(1)));
}

TEST(Scheduler, OffersNoWorkerAboveThePriceCap) {
  TestProxy proxy(1);
  proxy.add({"m"}, 1200);
  const WorkerIndex cheap = proxy.add({"m"}, 1000);
  wire::CandidatesRequest ask = ask_for("m", 1);
  ask.max_coefficient_e3 = 1199;
  const wire::Candidates answer = proxy.scheduler.candidates(ask, at(0));
  ASSERT_EQ(answer.workers.size(), 1u);
  EXPECT_EQ(proxy.first(ask, at(0)), proxy.account(cheap));
  ask.max_coefficient_e3 = 999;
  EXPECT_TRUE(proxy.scheduler.candidates(ask, at(0)).workers.empty());
}

TEST(Scheduler, OffersNoBusyWorkerWhereAnotherIsFree) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 2);
  proxy.add();
  ASSERT_TRUE(proxy.scheduler.start(worker, at(0)));
  ASSERT_TRUE(proxy.scheduler.start(worker, at(0)));
  EXPECT_FALSE(proxy.scheduler.start(worker, at(0)));
  EXPECT_EQ(proxy.scheduler.candidates(ask_for("m", 1), at(0)).workers.size(), 1u);
  proxy.scheduler.finish(worker, proxy.account(worker), "m", served(1, 1, 9), at(1));
  EXPECT_EQ(proxy.scheduler.candidates(ask_for("m", 1), at(1)).workers.size(), 2u);
}

TEST(Scheduler, BelievesAWorkerThatSaysItHasLessThanItsCapacity) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 8);
  proxy.scheduler.report(worker, ready_with(1), at(0));
  EXPECT_TRUE(proxy.scheduler.start(worker, at(0)));
  EXPECT_FALSE(proxy.scheduler.start(worker, at(0)));
}

TEST(Scheduler, NeverGivesMoreThanTheCapacityWhateverTheWorkerReports) {
  TestProxy proxy(1);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 2);
  proxy.scheduler.report(worker, ready_with(1000), at(0));
  EXPECT_TRUE(proxy.scheduler.start(worker, at(0)));
  EXPECT_TRUE(proxy.scheduler.start(worker, at(0)));
  EXPECT_FALSE(proxy.scheduler.start(worker, at(0)));
}

TEST(Scheduler, OffersNoWorkerWhoseRecordIsAboutToEnd) {
  TestProxy proxy(1);
  proxy.add();
  const double end = 3 * 3600;
  EXPECT_EQ(proxy.scheduler.candidates(ask_for("m", 1), at(end - 31)).workers.size(), 1u);
  EXPECT_TRUE(proxy.scheduler.candidates(ask_for("m", 1), at(end - 30)).workers.empty());
}

TEST(Scheduler, AnswersAtMostWhatIsAskedAndFour) {
  TestProxy proxy(1);
  for (int i = 0; i < 8; ++i) proxy.add();
  EXPECT_TRUE(proxy.scheduler.candidates(ask_for("m", 1, 0), at(0)).workers.empty());
  EXPECT_EQ(proxy.scheduler.candidates(ask_for("m", 1, 3), at(0)).workers.size(), 3u);
  EXPECT_EQ(proxy.scheduler.candidates(ask_for("m", 1, 255), at(0)).workers.size(),
            limits::kMaxCandidatesPerAnswer);
}

TEST(Scheduler, TheSameQuestionHasTheSameAnswer) {
  TestProxy proxy(1);
  for (int i = 0; i < 60; ++i) proxy.add();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(proxy.first(ask_for("m", seed), at(0)), proxy.first(ask_for("m", seed), at(5)));
  }
}

TEST(Scheduler, EqualWorkersGetEqualShares) {
  TestProxy proxy(31);
  for (int i = 0; i < 10; ++i) proxy.add();
  const int rounds = 4000;
  const auto counts = firsts(proxy, rounds, 0);
  ASSERT_EQ(counts.size(), 10u);
  const double sd = std::sqrt(rounds * 0.1 * 0.9);
  for (const auto& entry : counts) EXPECT_NEAR(entry.second, rounds * 0.1, 5 * sd);
}

TEST(Scheduler, SharesFollowSpeed) {
  TestProxy proxy(32);
  const WorkerIndex fast = proxy.add();
  const WorkerIndex slow = proxy.add();
  for (int i = 0; i < 20; ++i) {
    run(proxy, fast, served(0.5, 0.5, 100), 0);
    run(proxy, slow, served(1.5, 1.5, 100), 0);
  }
  const int rounds = 4000;
  auto counts = firsts(proxy, rounds, 1);
  // Three times slower: a ninth of the weight.
  const double sd = std::sqrt(rounds * 0.1 * 0.9);
  EXPECT_NEAR(counts[proxy.account(slow)], rounds * 0.1, 5 * sd);
}

TEST(Scheduler, SharesFollowPrice) {
  TestProxy proxy(33);
  proxy.add({"m"}, 1000);
  const WorkerIndex dear = proxy.add({"m"}, 3000);
  const int rounds = 4000;
  auto counts = firsts(proxy, rounds, 1);
  const double sd = std::sqrt(rounds * 0.1 * 0.9);
  EXPECT_NEAR(counts[proxy.account(dear)], rounds * 0.1, 5 * sd);
}

TEST(Scheduler, AMeanSlowWorkerKeepsASixteenthOfTheBestOnesShare) {
  TestProxy proxy(34);
  const WorkerIndex fast = proxy.add();
  const WorkerIndex slow = proxy.add();
  for (int i = 0; i < 20; ++i) {
    run(proxy, fast, served(0.01, 0.01, 100), 0);
    run(proxy, slow, served(100, 100, 100), 0);
  }
  const int rounds = 4000;
  auto counts = firsts(proxy, rounds, 1);
  const double p = 1.0 / 17;
  EXPECT_NEAR(counts[proxy.account(slow)], rounds * p, 5 * std::sqrt(rounds * p * (1 - p)));
}

TEST(Scheduler, AFailingWorkerLosesItsShareAtOnceAndRecoversByAProbe) {
  TestProxy proxy(35);
  const WorkerIndex good = proxy.add();
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 3; ++i) run(proxy, bad, ended(Outcome::failed), 0);
  EXPECT_EQ(firsts(proxy, 300, 0.5).count(proxy.account(bad)), 0u);
  EXPECT_FALSE(proxy.scheduler.start(bad, at(0.5)));

  // After the pause: one probe at a time.
  EXPECT_GT(firsts(proxy, 300, 1.5)[proxy.account(bad)], 0);
  ASSERT_TRUE(proxy.scheduler.start(bad, at(1.5)));
  EXPECT_FALSE(proxy.scheduler.start(bad, at(1.5)));
  EXPECT_EQ(firsts(proxy, 300, 1.5).count(proxy.account(bad)), 0u);
  proxy.scheduler.finish(bad, proxy.account(bad), "m", served(0.5, 0.5, 10), at(2));
  for (int i = 0; i < 60; ++i) {
    run(proxy, good, served(0.5, 0.5, 10), 2);
    run(proxy, bad, served(0.5, 0.5, 10), 2);
  }
  auto counts = firsts(proxy, 1000, 3);
  EXPECT_NEAR(counts[proxy.account(bad)], 500, 100);
}

TEST(Scheduler, AFailedProbeClosesTheDoorForLonger) {
  TestProxy proxy(36);
  proxy.add();
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 3; ++i) run(proxy, bad, ended(Outcome::failed), 0);
  run(proxy, bad, ended(Outcome::failed), 1);
  EXPECT_FALSE(proxy.scheduler.start(bad, at(2.9)));
  EXPECT_TRUE(proxy.scheduler.start(bad, at(3)));
}

TEST(Scheduler, ACancelledProbeDecidesNothing) {
  TestProxy proxy(36);
  proxy.add();
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 3; ++i) run(proxy, bad, ended(Outcome::failed), 0);
  run(proxy, bad, ended(Outcome::cancelled), 1);
  EXPECT_EQ(proxy.scheduler.directory().find(bad)->breaker.state, BreakerState::half_open);
  EXPECT_TRUE(proxy.scheduler.start(bad, at(1)));
}

TEST(Scheduler, WhereAllWorkersFailTheyAreOfferedAllTheSame) {
  TestProxy proxy(37);
  const WorkerIndex only = proxy.add();
  for (int i = 0; i < 5; ++i) run(proxy, only, ended(Outcome::failed), 0);
  EXPECT_EQ(proxy.first(ask_for("m", 1), at(0)), proxy.account(only));
  EXPECT_TRUE(proxy.scheduler.start(only, at(0)));
}

TEST(Scheduler, ARefusedWorkerRestsUntilItReportsOrASecondHasPassed) {
  TestProxy proxy(38);
  const WorkerIndex worker = proxy.add();
  run(proxy, worker, ended(Outcome::refused), 0);
  EXPECT_FALSE(proxy.scheduler.start(worker, at(0.9)));
  EXPECT_TRUE(proxy.scheduler.start(worker, at(1)));
  proxy.scheduler.finish(worker, proxy.account(worker), "m", ended(Outcome::refused), at(1));
  EXPECT_FALSE(proxy.scheduler.start(worker, at(1.1)));
  proxy.scheduler.report(worker, ready_with(3), at(1.1));
  EXPECT_TRUE(proxy.scheduler.start(worker, at(1.1)));
}

TEST(Scheduler, APreferenceBypassesNoRule) {
  TestProxy proxy(41);
  proxy.add();
  const WorkerIndex other = proxy.add({"other"});
  const WorkerIndex dear = proxy.add({"m"}, 5000);
  const WorkerIndex broken = proxy.add();
  for (int i = 0; i < 3; ++i) run(proxy, broken, ended(Outcome::failed), 0);
  for (const WorkerIndex worker : {other, dear, broken}) {
    wire::CandidatesRequest ask = ask_for("m", 3);
    ask.max_coefficient_e3 = 1000;
    ask.preferred = proxy.account(worker);
    EXPECT_NE(proxy.first(ask, at(0.1)), proxy.account(worker));
  }
}

TEST(Scheduler, AWorkerThatLeftKeepsItsReputationAndHarmsNobodyElse) {
  TestProxy proxy(42);
  const WorkerIndex worker = proxy.add();
  const AccountId account = proxy.account(worker);
  ASSERT_TRUE(proxy.scheduler.start(worker, at(0)));
  proxy.scheduler.leave(worker);
  const WorkerIndex next = proxy.add();
  EXPECT_EQ(next.slot, worker.slot);
  proxy.scheduler.finish(worker, account, "m", ended(Outcome::failed), at(1));
  EXPECT_EQ(proxy.scheduler.directory().find(next)->running, 0u);
  EXPECT_EQ(proxy.scheduler.directory().find(next)->breaker.consecutive_failures, 0u);
  EXPECT_LT(proxy.scheduler.reputation().find(account)->success_rate(), 1);
}

TEST(Scheduler, NamesOfModelsThatNobodyServesFillNoTable) {
  TestProxy proxy(43);
  const WorkerIndex worker = proxy.add();
  ASSERT_TRUE(proxy.scheduler.start(worker, at(0)));
  proxy.scheduler.finish(worker, proxy.account(worker), "made up", served(1, 1, 1), at(0));
  EXPECT_EQ(proxy.scheduler.retry_after_ms("made up", at(0)), limits::kMaxRetryAfter.count());
}

TEST(Scheduler, NoTimeIsKnownAfterWhichThereWillBeACheaperWorker) {
  TestProxy proxy(44);
  proxy.add({"m"}, 5000);
  const WorkerIndex cheap = proxy.add({"m"}, 1000, 1);
  run(proxy, cheap, ended(Outcome::refused), 0);
  wire::CandidatesRequest ask = ask_for("m", 1, 0);
  ask.max_coefficient_e3 = 1000;
  EXPECT_GT(proxy.scheduler.candidates(ask, at(0)).retry_after_ms, 0u) << "it is only busy";
  ask.max_coefficient_e3 = 999;
  EXPECT_EQ(proxy.scheduler.candidates(ask, at(0)).retry_after_ms, 0u);
}

TEST(Scheduler, WhoPaysTooLittleCountsAsNoRefusal) {
  TestProxy proxy(44);
  proxy.add({"m"}, 5000);
  wire::CandidatesRequest ask = ask_for("m", 1);
  ask.max_coefficient_e3 = 1000;
  for (int i = 0; i < 300; ++i) (void)proxy.scheduler.candidates(ask, at(0));
  EXPECT_EQ(proxy.scheduler.models(at(1)).front().refused_per_minute, 0u);
}

TEST(Scheduler, RetryAfterFollowsTheRateAtWhichSlotsComeFree) {
  TestProxy proxy(44);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 1);
  // One request a second for a minute.
  for (int s = 0; s < 60; ++s) run(proxy, worker, served(0.5, 0.5, 10), s);
  proxy.scheduler.report(worker, ready_with(0), at(60));
  // So that nobody is named, though waiting would be worth it.
  const wire::CandidatesRequest ask = ask_for("m", 1, 0);
  const std::uint32_t first = proxy.scheduler.candidates(ask, at(60)).retry_after_ms;
  EXPECT_NEAR(first, 1000, 200);
  // Each refused caller queues behind those before it.
  std::uint32_t tenth = 0;
  for (int i = 0; i < 9; ++i) {
    tenth = proxy.scheduler.candidates(ask, at(60)).retry_after_ms;
  }
  EXPECT_NEAR(tenth, 10'000, 2000);
  // Nothing came free for long: the rate is forgotten.
  EXPECT_EQ(proxy.scheduler.retry_after_ms("m", at(300)), limits::kMaxRetryAfter.count());
}

TEST(Scheduler, ListsLiveModelsWithCapacityAndLowestPrice) {
  TestProxy proxy(45);
  proxy.add({"a", "b"}, 1500, 4);
  const WorkerIndex cheap = proxy.add({"b"}, 900, 2);
  const WorkerIndex away = proxy.add({"c"});
  proxy.scheduler.report(away, wire::WorkerStatus{}, at(0));
  ASSERT_TRUE(proxy.scheduler.start(cheap, at(0)));
  const auto models = proxy.scheduler.models(at(0));
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].id, "a");
  EXPECT_EQ(models[1].id, "b");
  EXPECT_EQ(models[1].workers, 2u);
  EXPECT_EQ(models[1].capacity, 6u);
  EXPECT_EQ(models[1].free_slots, 5u);
  EXPECT_EQ(models[1].lowest_coefficient_e3, 900u);
  EXPECT_EQ(models[1].highest_coefficient_e3, 1500u);
}

TEST(Scheduler, TellsWhatAModelIsAskedForAndHowFastItIsServed) {
  TestProxy proxy(45);
  const WorkerIndex worker = proxy.add({"m"}, 1000, 1);
  for (int s = 0; s < 3000; ++s) run(proxy, worker, served(0.25, 0.5, 20), s);
  proxy.scheduler.report(worker, wire::WorkerStatus{}, at(3000));
  for (int i = 0; i < 50; ++i) (void)proxy.scheduler.candidates(ask_for("m", 1), at(3000));
  proxy.scheduler.report(worker, ready_with(1), at(3000));
  const auto models = proxy.scheduler.models(at(3000));
  ASSERT_EQ(models.size(), 1u);
  EXPECT_NEAR(models[0].asked_per_minute, 70, 2);  // one a second, and fifty over five minutes
  EXPECT_EQ(models[0].refused_per_minute, 10u);
  EXPECT_EQ(models[0].service.first_token_ms, 250u);
  EXPECT_EQ(models[0].service.tokens_per_second, 40u);
  EXPECT_EQ(models[0].service.success_e4, 10'000u);
}

// --- Preferences ---

/// One cheap and slow, one dear and fast; else the same burden.
struct Choice {
  TestProxy proxy{50};
  WorkerIndex cheap = proxy.add({"m"}, 500, 64);
  WorkerIndex fast = proxy.add({"m"}, 2000, 64);
  Choice() {
    for (int i = 0; i < 20; ++i) {
      run(proxy, cheap, served(2, 2, 100), 0);
      run(proxy, fast, served(0.5, 0.5, 100), 0);
    }
  }
  int firsts_of(WorkerIndex worker, wire::Preference preference) {
    int first = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      wire::CandidatesRequest ask = ask_for("m", seed);
      ask.preference = preference;
      first += proxy.first(ask, at(1)) == proxy.account(worker) ? 1 : 0;
    }
    return first;
  }
};

TEST(Scheduler, ABalancedRequestTradesTimeForMoney) {
  Choice choice;
  EXPECT_NEAR(choice.firsts_of(choice.cheap, wire::Preference::balanced), 500, 80);
}

TEST(Scheduler, WhoPrefersTheCheapestGetsItNearlyAlways) {
  Choice choice;
  EXPECT_GT(choice.firsts_of(choice.cheap, wire::Preference::cheapest), 900);
}

TEST(Scheduler, WhoPrefersTheFastestGetsItNearlyAlways) {
  Choice choice;
  EXPECT_GT(choice.firsts_of(choice.fast, wire::Preference::fastest), 900);
}

TEST(Scheduler, TheCheapestOfThousandsAreDrawn) {
  TestProxy proxy(51);
  for (std::uint32_t i = 0; i < 200; ++i) proxy.add({"m"}, 1000 + i);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed);
    ask.preference = wire::Preference::cheapest;
    const wire::Candidates answer = proxy.scheduler.candidates(ask, at(0));
    ASSERT_FALSE(answer.workers.empty());
    EXPECT_LT(wire::decode_worker_record(answer.workers[0].record.record)->coefficient_e3, 1016u);
  }
}

// --- Requests that wait ---

TEST(Scheduler, WhoIsBusyForOtherProxiesIsNamedLess) {
  TestProxy proxy(56);
  const WorkerIndex idle = proxy.add();
  const WorkerIndex busy = proxy.add();
  proxy.scheduler.report(busy, ready_with(1), at(0));  // of eight, and this proxy has none of them
  auto counts = firsts(proxy, 1000, 1);
  EXPECT_GT(counts[proxy.account(idle)], 2 * counts[proxy.account(busy)]);
}

TEST(Scheduler, APreferredWorkerThatOtherProxiesKeepBusyIsPassedOver) {
  TestProxy proxy(57);
  const WorkerIndex busy = proxy.add();
  for (int i = 0; i < 4; ++i) proxy.add();
  wire::CandidatesRequest ask = ask_for("m", 3);
  ask.preferred = proxy.account(busy);
  EXPECT_EQ(proxy.first(ask, at(0)), proxy.account(busy));
  proxy.scheduler.report(busy, ready_with(1), at(1));
  EXPECT_NE(proxy.first(ask, at(2)), proxy.account(busy));
}

TEST(Scheduler, APreferredWorkerIsKeptWhereAllAreAsBusyForOtherProxies) {
  TestProxy proxy(58);
  std::vector<WorkerIndex> workers;
  for (int i = 0; i < 5; ++i) workers.push_back(proxy.add());
  for (const WorkerIndex worker : workers) proxy.scheduler.report(worker, ready_with(2), at(0));
  wire::CandidatesRequest ask = ask_for("m", 3);
  ask.preferred = proxy.account(workers[2]);
  EXPECT_EQ(proxy.first(ask, at(1)), proxy.account(workers[2]));
}

TEST(Scheduler, AmongThousandsAllAreDrawnAndNoneIsFavoured) {
  TestProxy proxy(46);
  const auto boot = crypto::SigningKey::generate(proxy.random);
  const int workers = 2000;
  for (int i = 0; i < workers; ++i) {
    TestWorker worker(proxy.random);
    worker.boot = boot.duplicate();
    worker.record.boot_key = boot.boot_key_id();
    auto index = proxy.scheduler.join(worker.peer(), worker.sign(), at(0));
    ASSERT_TRUE(index);
    proxy.scheduler.report(*index, ready_with(8), at(0));
  }
  const int rounds = 10000;
  const auto counts = firsts(proxy, rounds, 1);
  EXPECT_EQ(counts.count(AccountId{}), 0u);
  // Balls into bins: e⁻⁵ of the bins stay empty, and no bin holds more than about 20 of 5.
  EXPECT_NEAR(static_cast<double>(counts.size()), workers * (1 - std::exp(-5.0)), 25);
  for (const auto& entry : counts) EXPECT_LT(entry.second, 25);
}

TEST(Scheduler, LoadStaysEvenOverARandomHistory) {
  const std::uint64_t seed = 97;
  SCOPED_TRACE(seed);
  TestProxy proxy(seed);
  std::vector<WorkerIndex> workers;
  for (int i = 0; i < 20; ++i) workers.push_back(proxy.add({"m"}, 1000, 16));
  SeededRandom random(seed);
  std::vector<WorkerIndex> running;
  int refused = 0;
  for (int step = 0; step < 5000; ++step) {
    // 70 % of all slots in use, on average.
    if (running.size() < 224) {
      const AccountId first = proxy.first(ask_for("m", random.u64()), at(step * 0.01));
      const auto index = proxy.scheduler.directory().find(first);
      ASSERT_TRUE(index);
      if (proxy.scheduler.start(*index, at(step * 0.01))) {
        running.push_back(*index);
      } else {
        ++refused;
      }
    } else {
      const std::size_t which = random.below(running.size());
      proxy.scheduler.finish(running[which], proxy.account(running[which]), "m", served(1, 1, 100),
                             at(step * 0.01));
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  EXPECT_EQ(refused, 0);
  std::uint32_t total = 0;
  for (const WorkerIndex worker : workers) {
    const std::uint32_t busy = proxy.scheduler.directory().find(worker)->running;
    total += busy;
    EXPECT_GE(busy, 4u);
  }
  EXPECT_EQ(total, running.size());
}

}  // namespace
}  // namespace cocoon::routing
