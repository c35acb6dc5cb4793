/// Engines that answer with errors, or do not end what they began: nothing is charged, the worker
/// is the one to blame, and no client comes back to it for its speed.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// With the first of two workers alone.
class EngineFaults : public ::testing::Test {
 protected:
  void boot_first() {
    net.proxy().boot();
    net.worker(0).boot();
    net.client().boot();
    net.run(Millis(200));
  }
  void expect_nothing_charged() {
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    EXPECT_EQ(net.worker().worker().counts().earned, Nano{0});
  }

  Network net;
};

TEST_F(EngineFaults, AWorkerWhoseEngineAnswersWithErrorsIsNotTheOneToAskFirst) {
  net.world.weather.engine_status = 404;
  boot_first();
  EXPECT_TRUE(net.outcome(net.ask()).status) << "the engine's answer passes through";
  std::vector<bool> preferred;
  net.meddle = [&](Hop& hop) {
    const auto* ask = hop.as<wire::CandidatesRequest>();
    if (ask != nullptr) preferred.push_back(ask->preferred.has_value());
  };
  net.run(Millis(60'000));
  (void)net.outcome(net.ask());
  net.world.weather.engine_status = 200;
  net.expect_served(net.ask());
  net.run(Millis(60'000));
  net.expect_served(net.ask());
  ASSERT_GE(preferred.size(), 2u);
  EXPECT_FALSE(preferred.front());
  EXPECT_TRUE(preferred.back());
}

TEST_F(EngineFaults, AnErrorIsNoMeasureOfAWorkersSpeed) {
  net.world.weather.engine_status = 404;
  boot_first();
  EXPECT_TRUE(net.outcome(net.ask()).status);
  const auto* averages = net.proxy().proxy().reputation().find(net.worker(0).account());
  ASSERT_NE(averages, nullptr);
  EXPECT_EQ(averages->samples(), 0u);
  EXPECT_EQ(averages->success_rate(), 1) << "it may be the client's doing";
}

TEST_F(EngineFaults, AnEngineThatIsFullIsBusy) {
  net.world.weather.engine_status = 429;
  boot_first();
  net.expect_refused(net.ask(), ErrorKind::busy, "worker_full");
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AnEngineThatRefusesItsWorkerHasFailed) {
  net.world.weather.engine_status = 401;
  boot_first();
  net.expect_refused(net.ask(), ErrorKind::upstream, "engine_failed");
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

/// Some engines say 500 of a body that they cannot take.
TEST_F(EngineFaults, AnInternalErrorIsForItsBodyUntilOthersHaveItToo) {
  net.world.weather.engine_status = 500;
  boot_first();
  const Asked first = net.ask();
  ASSERT_TRUE(net.outcome(first).status) << "the engine's words pass through";
  EXPECT_NE(net.text(first), "");
  EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_EQ(net.success_rate(net.worker(0)), 1);
  net.expect_refused(net.ask(), ErrorKind::upstream, "engine_failed");
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AnAnswerEndsTheRowOfInternalErrors) {
  boot_first();
  for (int i = 0; i < 4; ++i) {
    net.world.weather.engine_status = i % 2 == 0 ? 500 : 200;
    EXPECT_TRUE(net.outcome(net.ask()).status);
  }
  net.world.weather.engine_status = 500;
  EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_EQ(net.success_rate(net.worker(0)), 1);
}

TEST_F(EngineFaults, WhatAnEngineDoesNotHaveIsNoFailure) {
  net.world.weather.engine_status = 501;
  boot_first();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_EQ(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AStreamThatBeginsWithARefusalIsNone) {
  net.world.weather.chunks = 0;
  net.world.weather.stream_end = "data: {\"error\":{\"code\":400}}\n\ndata: [DONE]\n\n";
  boot_first();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_EQ(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AStreamWithoutItsEndIsBrokenOff) {
  net.world.weather.stream_end = "";
  boot_first();
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::upstream, "engine_broke_off");
  EXPECT_NE(net.text(asked).find("token"), std::string::npos) << "what came before is passed on";
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AnEngineThatGoesOnPastTheReservationIsCutThere) {
  net.world.weather.chunks = 200;  // a token each, whatever it was told
  boot_first();
  const Asked asked = net.ask(net.client(), R"("max_tokens":64)");
  (void)net.outcome(asked);
  std::size_t tokens = 0;
  const std::string& text = net.text(asked);
  for (auto at = text.find("token"); at != std::string::npos; at = text.find("token", at + 1)) {
    ++tokens;
  }
  EXPECT_GT(tokens, 0u);
  EXPECT_LE(tokens, 64u) << "more than is paid for";
  net.run(Millis(10'000));
  EXPECT_EQ(net.world.engine_pieces, 65u) << "it ends with the first that is too many";
}

/// What was delivered is charged, and the engine is cut where the request's limit is: no client
/// can have more, whatever the engine takes for a limit.
TEST_F(EngineFaults, AStreamThatPassesItsLimitIsCutThereAndChargedAsFarAsItCame) {
  net.world.weather.chunks = 60;
  boot_first();
  const Asked asked = net.ask(net.client(), R"("max_tokens":4)");
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "engine_over_limit");
  EXPECT_TRUE(got.charged);
  std::size_t tokens = 0;
  for (auto at = net.text(asked).find("token"); at != std::string::npos;
       at = net.text(asked).find("token", at + 1)) {
    ++tokens;
  }
  EXPECT_EQ(tokens, 4u);
  const Nano charged = net.proxy().proxy().counts().charged;
  EXPECT_GE(charged, Nano{20 * 4 * 8});
  EXPECT_LT(charged, Nano{20 * 5 * 8 + 20 * 40}) << "and its prompt by its bytes";
  EXPECT_EQ(net.acknowledged(net.client()), charged);
  EXPECT_EQ(net.worker().worker().counts().running, 0u);
}

/// Nobody can tell it from a worker that only says so.
TEST_F(EngineFaults, AStreamThatPassesItsLimitBeforeHalfOfItHasComeIsAFailure) {
  for (int i = 0; i < 9; ++i) {
    net.world.weather.chunk_text += "\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"token";
  }
  boot_first();
  net.expect_refused(net.ask(net.client(), R"("max_tokens":4)"), ErrorKind::upstream,
                     "engine_over_limit");
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  EXPECT_EQ(net.worker(0).worker().counts().requests_failed, 1u);
  EXPECT_EQ(net.worker(0).worker().counts().requests_cancelled, 0u);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AStreamThatPassesItsLimitIsNoFailure) {
  boot_first();
  for (int i = 0; i < 4; ++i) (void)net.outcome(net.ask(net.client(), R"("max_tokens":4)"));
  EXPECT_EQ(net.success_rate(net.worker(0)), 1);
  EXPECT_EQ(net.proxy().proxy().counts().worker_pauses, 0u);
  EXPECT_EQ(net.worker().worker().counts().requests_cancelled, 4u);
  EXPECT_EQ(net.worker().reported("went on past the request's token limit"), 4u);
}

TEST_F(EngineFaults, TheProxySaysOnceThatAWorkerFailsAndOnceThatItServesAgain) {
  net.world.weather.engine_status = 401;
  boot_first();
  const auto ask_until = [this](std::uint64_t pauses) {
    for (int i = 0; i < 60 && net.proxy().proxy().counts().worker_pauses < pauses; ++i) {
      (void)net.outcome(net.ask());
      net.run(Seconds(1));
    }
    EXPECT_EQ(net.proxy().proxy().counts().worker_pauses, pauses);
  };
  ask_until(3);
  EXPECT_EQ(net.proxy().reported("failed several requests in a row"), 1u);
  EXPECT_EQ(net.proxy().reported("serves again"), 0u);

  net.world.weather.engine_status = 200;
  net.run(Seconds(60));
  net.expect_served(net.ask());
  EXPECT_EQ(net.proxy().reported("serves again"), 1u);
  EXPECT_EQ(net.proxy().proxy().counts().worker_pauses, 3u);
}

TEST_F(EngineFaults, AStreamThatBringsAnErrorIsNotCharged) {
  net.world.weather.stream_end = "data: {\"error\":{\"message\":\"no\"}}\n\ndata: [DONE]\n\n";
  boot_first();
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_TRUE(got.status) << got.status.error().detail();
  EXPECT_EQ(got.usage.cost_nano, 0u);
  EXPECT_FALSE(got.charged);
  EXPECT_NE(net.text(asked).find("error"), std::string::npos);
  EXPECT_LT(net.success_rate(net.worker(0)), 1);
  expect_nothing_charged();
}

TEST_F(EngineFaults, AFailureThatCostNothingMayBeTriedAgain) {
  net.world.weather.engine_status = 503;
  boot_first();
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).charged);
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST_F(EngineFaults, WhereNobodySaysWhatItCostATryMayCostAgain) {
  net.world.weather.chunk_gap = Millis(1000);
  boot_first();
  const Asked asked = net.ask();
  net.run(Millis(1500));
  ASSERT_NE(net.text(asked).find("token"), std::string::npos);
  net.proxy().crash();
  EXPECT_TRUE(net.outcome(asked).charged);
}

}  // namespace
}  // namespace cocoon::core::test
