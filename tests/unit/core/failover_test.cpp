/// Requests whose first proxy has no worker for them, does not say, or is paid no more: they go on
/// to the next one, all of them at once, and where there is none their callers hear it soon.

#include "base/limits.h"
#include "ledger/local_message.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// Two proxies. The client prefers the first, and the workers know the second alone.
class Failover : public ::testing::Test {
 protected:
  Failover() {
    const auto all = std::exchange(net.world.endpoints, {net.proxy(1).name()});
    for (Node* node : {&net.proxy(0), &net.proxy(1), &net.worker(0), &net.worker(1)}) node->boot();
    net.world.endpoints = all;
    net.meddle = [this](Hop& hop) {
      if (hop.as<wire::CandidatesRequest>() != nullptr) ++asks[&hop.to];
    };
    net.boot();
  }

  std::vector<Asked> ask(int count) {
    std::vector<Asked> asked;
    for (int i = 0; i < count; ++i) asked.push_back(net.ask());
    return asked;
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 2}};
  std::map<const Node*, unsigned> asks;
  /// Who is there within the request's price, and who at any.
  static constexpr unsigned kBothQuestions = 2;
};

TEST_F(Failover, AllThatWaitPassAProxyOverAtOnce) {
  const std::vector<Asked> asked = ask(500);
  net.run(Millis(100));
  EXPECT_EQ(asks[&net.proxy(0)], kBothQuestions);
  EXPECT_GE(asks[&net.proxy(1)], 1u);
  EXPECT_EQ(net.proxy(0).proxy().counts().requests_refused, 0u);
  EXPECT_GT(net.proxy(1).proxy().counts().running, 8u) << "more than the workers take at once";
  for (const Asked& a : asked) (void)net.outcome(a);
}

TEST_F(Failover, AllThatWaitAreRefusedAtOnceWhereNoProxyHasAWorker) {
  net.worker(0).crash();
  net.worker(1).crash();
  net.run(Millis(100));
  asks.clear();
  const std::vector<Asked> asked = ask(500);
  net.run(Millis(100));
  EXPECT_TRUE(net.client().client().idle());
  EXPECT_EQ(asks[&net.proxy(0)], kBothQuestions);
  EXPECT_EQ(asks[&net.proxy(1)], kBothQuestions);
  for (const Asked& a : asked) EXPECT_FALSE(net.outcome(a).status);
}

TEST_F(Failover, ALaterRequestAsksAgain) {
  net.expect_served(net.ask());
  const unsigned before = asks[&net.proxy(0)];
  net.expect_served(net.ask());
  EXPECT_EQ(asks[&net.proxy(0)], before + kBothQuestions) << "its workers may be back";
}

TEST_F(Failover, AProxyThatAnswersNoQuestionIsPassedOver) {
  net.meddle = [this](Hop& hop) {
    if (&hop.from == &net.proxy(0) && hop.as<wire::Candidates>() != nullptr) hop.drop();
  };
  const Asked asked = net.ask();
  net.run(limits::kCandidatesDeadline + Seconds(3));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_served(asked);
}

TEST_F(Failover, WhereNoOtherProxyAnswersTheCallerIsToldThatTheyAreSilent) {
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::Candidates>() != nullptr) hop.drop();
  };
  const Asked asked = net.ask();
  net.run(2 * limits::kCandidatesDeadline + Seconds(5));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_refused(asked, ErrorKind::unavailable, "proxy_silent");
  EXPECT_GT(net.outcome(asked).retry_after_s, 0u);
}

// --- Where nobody serves a model ---

TEST_F(Failover, AModelThatNoWorkerIsReadyForFailsSoon) {
  for (std::size_t w : {0u, 1u}) {
    net.worker(w).worker().on_engine_ready(false, "killed", net.world.now);
    net.worker(w).turn();
  }
  net.run(Millis(100));
  const Asked asked = net.ask();
  net.run(Seconds(1));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_refused(asked, ErrorKind::unavailable, "no_worker");
  EXPECT_EQ(net.outcome(asked).retry_after_s, limits::kRetryAfterNoProxy.count());
}

TEST_F(Failover, AModelWhoseEnginesWereKilledJustNowFailsSoon) {
  for (int i = 0; i < 20; ++i) net.expect_served(net.ask());  // the client holds candidates
  for (std::size_t w : {0u, 1u}) {
    net.worker(w).worker().on_engine_ready(false, "killed", net.world.now);
    net.worker(w).turn();
  }
  const Asked asked = net.ask();
  net.run(Seconds(1));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_refused(asked, ErrorKind::unavailable, "no_worker");
}

TEST_F(Failover, WhatWaitedForAnEngineThatIsKilledFailsSoon) {
  net.world.weather.chunk_gap = Seconds(3);
  const std::vector<Asked> asked = ask(9);
  net.run(Seconds(1));
  ASSERT_EQ(net.proxy(1).proxy().counts().waiting, 1u);
  for (std::size_t w : {0u, 1u}) {
    net.worker(w).worker().on_engine_ready(false, "killed", net.world.now);
    net.worker(w).turn();
  }
  net.run(Seconds(1));
  EXPECT_EQ(net.proxy(1).proxy().counts().waiting, 0u);
  int told = 0;
  for (const Asked& a : asked) {
    const RequestOutcome outcome = net.outcome(a);
    told += !outcome.status && outcome.status.error().code() == "no_worker";
  }
  EXPECT_EQ(told, 1);
}

// --- Where the channel with the first proxy pays for nothing more ---

class Unpaid : public ::testing::Test {
 protected:
  static constexpr Nano kDeposit{200'000};

  Unpaid() { net.boot(); }

  ChannelId channel_with(const Node& proxy) {
    auto view = net.world.ledger->find_channel(net.client().account(), proxy.account());
    EXPECT_TRUE(view && *view);
    return (*view)->id();
  }
  void top_up(const Node& proxy) {
    const auto message =
        ledger::top_up(net.client().account(), channel_with(proxy), Nano{1'000'000'000});
    simulation::carry_out_on(*net.world.ledger, message, net.world.now.unix);
  }
  /// That proxy sees no request, and the client is told that its deposit does not cover it.
  void refuse_at(Node& proxy) {
    net.meddle = [this, &proxy](Hop& hop) {
      if (!hop.between(kClient, kProxy) || &hop.to != &proxy) return;
      const auto* open = hop.as<wire::Open>();
      if (open != nullptr || hop.as<wire::Data>() || hop.as<wire::End>()) hop.drop();
      if (open == nullptr) return;
      wire::Reset refusal;
      refusal.stream = open->stream;
      refusal.kind = static_cast<std::uint8_t>(ErrorKind::payment);
      refusal.code = "deposit_exhausted";
      net.forge(proxy, net.client(), refusal);
    };
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 2, .deposit = kDeposit}};
};

TEST_F(Unpaid, WhatTheFirstDepositDoesNotCoverGoesToTheNextProxy) {
  top_up(net.proxy(1));
  for (Nano spent{}; spent < Nano{2 * kDeposit.value}; spent.value += kCost.value) {
    net.expect_served(net.ask());
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(net.proxy(0).proxy().counts().requests_done, 100u);
  EXPECT_GT(net.proxy(1).proxy().counts().requests_done, 100u);
}

TEST_F(Unpaid, WhereNoDepositCoversItTheCallerIsTold) {
  while (net.outcome(net.ask()).status) continue;
  net.expect_refused(net.ask(), ErrorKind::payment, "deposit_exhausted");
  EXPECT_EQ(net.outcome(net.ask()).retry_after_s, 0u) << "waiting does not help";
}

TEST_F(Unpaid, AProxyThatSaysSoIsPassedOver) {
  refuse_at(net.proxy(0));
  for (int i = 0; i < 5; ++i) net.expect_served(net.ask());
  EXPECT_EQ(net.proxy(1).proxy().counts().requests_done, 5u);
}

TEST_F(Unpaid, ThatMoneyIsWantedIsSaidRatherThanThatNobodyServes) {
  const auto all = std::exchange(net.world.endpoints, {net.proxy(1).name()});
  for (std::size_t w : {0u, 1u}) net.worker(w).crash();
  for (std::size_t w : {0u, 1u}) net.worker(w).boot();
  net.world.endpoints = all;
  net.run(Millis(200));
  refuse_at(net.proxy(1));
  net.expect_refused(net.ask(), ErrorKind::payment, "deposit_exhausted");
}

// --- Which models are served ---

class Models : public ::testing::Test {
 protected:
  using Answer = Result<std::vector<ModelInfo>>;

  /// What comes of the question within `time`.
  std::optional<Answer> models(Millis time) {
    const std::uint64_t ask = net.client().client().ask_models(net.world.now);
    net.client().turn();
    return answer(ask, time);
  }
  std::optional<Answer> answer(std::uint64_t ask, Millis time) {
    net.world.run_for(time);
    std::optional<Answer> found;
    for (ClientEvent& event : net.client().client().take_events()) {
      auto* models = std::get_if<ModelsReceived>(&event);
      if (models == nullptr || models->ask != ask) continue;
      EXPECT_FALSE(found) << "a question is answered once";
      found = std::move(models->models);
    }
    return found;
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 1}};
};

TEST_F(Models, AProxyThatDoesNotSayIsNotWaitedForForEver) {
  net.boot();
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::Models>() != nullptr && hop.between(kProxy, kClient)) hop.drop();
  };
  const auto got = models(limits::kCandidatesDeadline + Seconds(2));
  ASSERT_TRUE(got);
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().kind(), ErrorKind::timeout);
  EXPECT_EQ(got->error().code(), "models_unanswered");
}

TEST_F(Models, AQuestionOutlivesTheProxyThatItWasPutTo) {
  net.boot();
  net.meddle = [this](Hop& hop) {
    if (hop.as<wire::Models>() != nullptr && &hop.from == &net.proxy(0)) hop.drop();
  };
  const std::uint64_t ask = net.client().client().ask_models(net.world.now);
  net.client().turn();
  net.world.run_for(Millis(100));
  net.proxy(0).crash();
  const auto got = answer(ask, Seconds(1));
  ASSERT_TRUE(got);
  ASSERT_TRUE(*got);
  EXPECT_EQ((*got)->size(), 1u);
}

TEST_F(Models, AQuestionWaitsForTheFirstProxy) {
  for (auto& node : net.world.nodes) node->boot();
  ASSERT_FALSE(net.client().client().ready());
  const auto got = models(Seconds(1));
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got);
}

TEST_F(Models, WhereNoProxyCanBeReachedThatIsSaid) {
  net.client().boot();
  const auto got = models(Seconds(1));
  ASSERT_TRUE(got);
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code(), "no_proxy");
}

}  // namespace
}  // namespace cocoon::core::test
