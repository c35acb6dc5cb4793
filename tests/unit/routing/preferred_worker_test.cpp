/// What the wish for the last worker is worth: it serves well, or it is as good as nobody's.

#include <gtest/gtest.h>

#include "routing/scheduler.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

/// How often of 100 times `liked` is first where it is preferred.
int honoured(TestProxy& proxy, WorkerIndex liked, wire::Preference preference) {
  int times = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed);
    ask.preferred = proxy.account(liked);
    ask.preference = preference;
    times += proxy.first(ask, at(1)) == proxy.account(liked);
  }
  return times;
}

TEST(Preferred, APreferredWorkerComesFirstWithinTheLoadBound) {
  TestProxy proxy(40);
  for (int i = 0; i < 5; ++i) proxy.add();
  const WorkerIndex liked = proxy.add();
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed);
    ask.preferred = proxy.account(liked);
    ASSERT_EQ(proxy.first(ask, at(0)), proxy.account(liked)) << seed;
  }
  // Five of eight slots, where the others are idle: above half, and above the mean.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(proxy.scheduler.start(liked, at(0)));
  int honoured = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed);
    ask.preferred = proxy.account(liked);
    honoured += proxy.first(ask, at(0)) == proxy.account(liked);
  }
  EXPECT_LT(honoured, 25);
}

TEST(Preferred, APreferredWorkerThatCostsALittleMoreComesFirst) {
  TestProxy proxy(46);
  for (int i = 0; i < 5; ++i) proxy.add();
  EXPECT_EQ(honoured(proxy, proxy.add({"m"}, 1500), wire::Preference::balanced), 100);
}

TEST(Preferred, APreferenceForAWorkerThatFailsCountsForNothing) {
  TestProxy proxy(47);
  for (int w = 0; w < 2; ++w) {
    const WorkerIndex good = proxy.add();
    for (int i = 0; i < 20; ++i) run(proxy, good, served(0.5, 0.5, 100), 0);
  }
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 20; ++i) {
    run(proxy, bad, i % 2 == 0 ? ended(Outcome::failed) : served(0.5, 0.5, 100), 0);
  }
  ASSERT_EQ(proxy.scheduler.directory().find(bad)->breaker.state, BreakerState::closed);
  EXPECT_LT(honoured(proxy, bad, wire::Preference::balanced), 20);
}

TEST(Preferred, APreferenceForAFastWorkerThatFailsNowAndThenCountsForNothing) {
  TestProxy proxy(48);
  const WorkerIndex slow = proxy.add();
  for (int i = 0; i < 20; ++i) run(proxy, slow, served(0.75, 0.75, 100), 0);
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 40; ++i) {
    run(proxy, bad, i % 4 == 0 ? ended(Outcome::failed) : served(0.5, 0.5, 100), 0);
  }
  ASSERT_EQ(proxy.scheduler.directory().find(bad)->breaker.state, BreakerState::closed);
  EXPECT_LT(honoured(proxy, bad, wire::Preference::balanced), 90) << "its burden would do";
}

TEST(Preferred, APreferenceForAWorkerOnProbationCountsForNothing) {
  TestProxy proxy(49);
  proxy.add();
  const WorkerIndex bad = proxy.add();
  for (int i = 0; i < 20; ++i) run(proxy, bad, served(0.5, 0.5, 100), 0);
  for (int i = 0; i < 3; ++i) run(proxy, bad, ended(Outcome::failed), 0);
  EXPECT_LT(honoured(proxy, bad, wire::Preference::balanced), 20);
}

TEST(Preferred, APreferenceForAMuchDearerWorkerCountsForNothing) {
  TestProxy proxy(50);
  proxy.add({"m"}, 500);
  EXPECT_LT(honoured(proxy, proxy.add({"m"}, 5000), wire::Preference::balanced), 20);
}

TEST(Preferred, WhoWantsTheCheapestHasAPreferenceAmongThoseAlone) {
  TestProxy proxy(51);
  proxy.add({"m"}, 500);
  const WorkerIndex cheap = proxy.add({"m"}, 500);
  EXPECT_LT(honoured(proxy, proxy.add({"m"}, 505), wire::Preference::cheapest), 70);
  EXPECT_EQ(honoured(proxy, cheap, wire::Preference::cheapest), 100);
}

}  // namespace
}  // namespace cocoon::routing
