/// What the wish for the last worker is worth: it serves well, or it is as good as nobody's.

#include <gtest/gtest.h>

#include "routing/scheduler.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

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

}  // namespace
}  // namespace cocoon::routing
