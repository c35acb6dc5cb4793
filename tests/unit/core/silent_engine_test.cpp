/// Engines that answer their probe, but nothing that they are asked: their worker notices, says so,
/// and gives them one request at a time until they answer one.

#include "core/engine_health.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

constexpr Millis kPatience{100'000};
static_assert(kPatience > limits::kEngineFirstByteDeadline);

class SilentEngine : public ::testing::Test {
 protected:
  SilentEngine() : net({.workers = 1}) {
    net.streams = false;
    net.deadline = kPatience;
    net.world.weather.plain_takes = Seconds(3600);
    net.boot();
    net.meddle = [this](Hop& hop) {
      if (const auto* said = hop.as<wire::WorkerStatus>()) {
        ready = said->ready;
        free = said->free_slots;
      }
    };
  }

  void ask_in_vain(std::uint32_t times) {
    std::vector<Asked> asked;
    for (std::uint32_t i = 0; i < times; ++i) asked.push_back(net.ask());
    expect_none_answered(asked);
  }
  void expect_none_answered(const std::vector<Asked>& asked) {
    for (const Asked& a : asked) EXPECT_FALSE(net.outcome(a).status);
    net.run(Millis(10));  // the worker hears of it
  }
  void fall_silent() {
    ask_in_vain(EngineHealth::kUnanswered);
    ASSERT_FALSE(counts().engine_ready);
  }
  void wait_for_trial() { net.run(EngineHealth::kPause); }
  void recover() { net.world.weather.plain_takes = Millis(20); }
  WorkerCounts counts() { return net.worker().worker().counts(); }
  bool runs(const Asked& asked) { return net.executions(asked) > 0; }

  Network net;
  bool ready = true;
  std::uint32_t free = 4;
};

TEST_F(SilentEngine, ThatAnswersNoneOfThreeIsNotReady) {
  ask_in_vain(EngineHealth::kUnanswered - 1);
  EXPECT_TRUE(counts().engine_ready);
  ask_in_vain(1);
  EXPECT_FALSE(counts().engine_ready);
  EXPECT_NE(counts().engine_reason.find("none of the last 3 requests"), std::string::npos);
  EXPECT_EQ(net.worker().reported("none of the last 3 requests"), 1u);
  EXPECT_FALSE(ready);
  EXPECT_EQ(free, 0u);
}

TEST_F(SilentEngine, IsGivenNothing) {
  fall_silent();
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::unavailable, "no_worker");
  EXPECT_FALSE(runs(asked));
}

TEST_F(SilentEngine, IsGivenNothingByAProxyThatHasNotHeardOfIt) {
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::WorkerStatus>()) hop.drop();
  };
  fall_silent();
  const Asked asked = net.ask();
  net.run(EngineHealth::kPause / 2);
  EXPECT_FALSE(runs(asked));
  (void)net.outcome(asked);
}

TEST_F(SilentEngine, IsNoneThatIsGivenUpSoon) {
  for (std::uint32_t i = 0; i < EngineHealth::kUnanswered; ++i) {
    const Asked asked = net.ask();
    net.run(limits::kEngineFirstByteDeadline - Seconds(1));
    net.client().client().cancel(asked.id, net.world.now);
    net.run(Millis(10));
  }
  EXPECT_TRUE(counts().engine_ready);
}

TEST_F(SilentEngine, IsNoneThatAnswersInBetween) {
  const Millis never = net.world.weather.plain_takes;
  ask_in_vain(EngineHealth::kUnanswered - 1);
  recover();
  EXPECT_TRUE(net.outcome(net.ask()).status);
  net.world.weather.plain_takes = never;
  ask_in_vain(1);
  EXPECT_TRUE(counts().engine_ready);
}

TEST_F(SilentEngine, IsNoneThatAnswersOthersMeanwhile) {
  std::vector<Asked> asked;
  for (std::uint32_t i = 0; i < EngineHealth::kUnanswered; ++i) asked.push_back(net.ask());
  net.run(kPatience / 2);
  recover();
  EXPECT_TRUE(net.outcome(net.ask()).status);
  expect_none_answered(asked);
  EXPECT_TRUE(counts().engine_ready);
}

/// Servers send that before they begin.
TEST_F(SilentEngine, SaysNothingByTheHeadOfAStream) {
  net.world.weather.engine_stalls = 1000;
  net.streams = true;
  ask_in_vain(EngineHealth::kUnanswered);
  EXPECT_FALSE(counts().engine_ready);
}

TEST_F(SilentEngine, IsReadyAgainOnceOneOfItsRunsIsAnswered) {
  net.world.weather.plain_takes = 2 * kPatience;
  net.deadline = 3 * kPatience;
  const Asked slow = net.ask();
  net.deadline = kPatience;
  net.run(Millis(10));
  fall_silent();
  EXPECT_TRUE(net.outcome(slow).status);
  EXPECT_TRUE(counts().engine_ready);
  EXPECT_EQ(net.worker().reported("answers requests again"), 1u);
  EXPECT_TRUE(ready);
  EXPECT_GT(free, 1u);
}

TEST_F(SilentEngine, IsReadyAgainOnceItsProbeHasFailedAndComeBack) {
  fall_silent();
  for (const bool up : {false, true}) {
    net.worker().worker().on_engine_ready(up, up ? "" : "killed", net.world.now);
    net.worker().turn();
  }
  net.run(Millis(10));
  EXPECT_TRUE(counts().engine_ready);
  EXPECT_TRUE(ready);
  EXPECT_GT(free, 1u);
}

TEST_F(SilentEngine, IsGivenOneRequestAfterAPause) {
  fall_silent();
  wait_for_trial();
  EXPECT_TRUE(ready);
  EXPECT_EQ(free, 1u);
  EXPECT_FALSE(counts().engine_ready) << "it has yet to answer one";
  const Asked tried = net.ask();
  net.run(Millis(100));
  EXPECT_TRUE(runs(tried));
  EXPECT_FALSE(ready);
  const Asked other = net.ask();
  EXPECT_FALSE(net.outcome(other).status);
  EXPECT_FALSE(runs(other));
  EXPECT_FALSE(net.outcome(tried).status);
}

TEST_F(SilentEngine, IsReadyAgainOnceItAnswersThat) {
  fall_silent();
  wait_for_trial();
  recover();
  EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_TRUE(counts().engine_ready);
  EXPECT_TRUE(net.outcome(net.ask()).status);
}

TEST_F(SilentEngine, IsLeftAloneAgainWhereItDoesNot) {
  fall_silent();
  wait_for_trial();
  ask_in_vain(1);
  net.run(EngineHealth::kPause - Seconds(2));
  EXPECT_FALSE(ready);
  net.run(Seconds(3));
  EXPECT_TRUE(ready);
  EXPECT_EQ(net.worker().reported("none of the last 3 requests"), 1u);
}

TEST_F(SilentEngine, IsGivenAnotherWhereThatWasGivenUpSoon) {
  fall_silent();
  wait_for_trial();
  const Asked tried = net.ask();
  net.run(Seconds(1));
  ASSERT_FALSE(ready);
  net.client().client().cancel(tried.id, net.world.now);
  net.run(Millis(100));
  EXPECT_TRUE(ready);
  EXPECT_EQ(free, 1u);
}

}  // namespace
}  // namespace cocoon::core::test
