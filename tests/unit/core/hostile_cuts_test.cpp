/// What a request that was cut costs, where the proxy is hostile. The worker's receipt proves a
/// charge once, and only for what reached the client; the rest stays within max_exposure.

#include "billing/receipt.h"
#include "billing/voucher.h"
#include "unit/core/acts.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

constexpr Nano kExposure{100'000};

class HostileCuts : public ::testing::Test {
 protected:
  HostileCuts() : net({.workers = 1}) {
    net.world.max_exposure = kExposure;
    net.world.weather.chunks = 60;
    net.boot();
    net.meddle = [this](Hop& hop) {
      if (auto* voucher = hop.as<wire::Voucher>()) {
        const auto value = billing::Voucher::decode(voucher->voucher);
        if (value) authorised_ = std::max(authorised_, value->authorised);
      }
      if (!hop.between(kProxy, kClient)) return;
      if (auto* cut = hop.as<wire::Settlement>()) {
        charged = std::max(charged, cut->cost);
        if (!cut->receipt.empty()) ++receipts;
        if (settle) settle(hop, *cut);
      } else if (answer) {
        answer(hop);
      }
    };
  }

  /// Asks, and gives up after `time`; runs until all about it is said.
  void ask_and_cancel(Millis time = Millis(400)) {
    const Asked asked = net.ask();
    net.run(time);
    asked.client->client().cancel(asked.id, net.world.now);
    net.run(Millis(500));
  }
  /// Asks, and has the client lose its connection while the answer comes.
  void ask_and_lose() {
    const Asked asked = net.ask();
    net.run(Millis(400));
    net.forge(net.proxy(), net.client(), wire::GoAway{.reason = "internal_error", .fatal = true});
    const RequestOutcome got = net.outcome(asked);
    ASSERT_FALSE(got.status);
    net.run(Millis(5000));
    ASSERT_TRUE(net.client().client().ready());
  }
  /// Stops the client as its node does, and starts it again: it proves what it had heard of by
  /// then.
  void stop_and_start_client() {
    ClientCore& client = net.client().client();
    client.drain(net.world.now);
    client.end_all(net.world.now);
    EXPECT_FALSE(client.settled());
    net.run(Millis(200));
    EXPECT_TRUE(client.settled()) << "before anything is due that comes with time";
    net.client().crash();
    net.client().boot();
    net.run(Millis(500));
  }
  /// No settlement arrives; `request` becomes the one that the last was about.
  void drop_settlements(RequestHash& request) {
    settle = [&request](Hop& hop, wire::Settlement& cut) {
      request = cut.request;
      hop.drop();
    };
  }
  /// The proxy's statement, in a hop or by itself.
  struct Statement {
    Bytes bytes;
    crypto::Signature signature;
  };
  Statement statement(ByteView original, Nano charged_sum) {
    auto value = billing::UsageStatement::decode(original).value();
    value.charged = charged_sum;
    const auto made = billing::sign(std::move(value), net.proxy().account_key());
    return {made.value.encode(), made.signature};
  }
  Nano acknowledged() { return net.acknowledged(net.client()); }
  /// What the client holds for proved: it authorises max_exposure beyond that.
  Nano proved() {
    acknowledged();
    return floor_sub(authorised_, kExposure);
  }

  Network net;
  /// The last word on settlements, and on all else that goes from the proxy to the client.
  std::function<void(Hop&, wire::Settlement&)> settle;
  std::function<void(Hop&)> answer;
  std::map<ClientRequestId, Asked> running;
  Nano charged;           ///< the most that an honest proxy said of one request
  unsigned receipts = 0;  ///< that the honest proxy passed on

 private:
  Nano authorised_;
};

TEST_F(HostileCuts, AreProvedWhereTheEnginePassesTheLimit) {
  EXPECT_FALSE(net.outcome(net.ask(net.client(), R"("max_tokens":4)")).status);
  net.run(Millis(500));
  EXPECT_EQ(receipts, 1u);
  EXPECT_GT(charged, Nano{0});
  EXPECT_EQ(acknowledged(), charged);
  EXPECT_EQ(proved(), charged);
}

TEST_F(HostileCuts, AreProvedByTheWorkersReceipt) {
  ask_and_cancel();
  EXPECT_EQ(receipts, 1u);
  EXPECT_GT(charged, Nano{5 * 20 * 8});
  EXPECT_EQ(acknowledged(), charged);
  EXPECT_EQ(proved(), charged);
}

TEST_F(HostileCuts, AreProvedWhereTheClientStops) {
  const Asked paused = net.ask();
  net.client().client().pause(paused.id, true, net.world.now);
  const Asked runs = net.ask();
  net.run(Millis(400));
  const Asked offered = net.ask();
  stop_and_start_client();
  for (const Asked& asked : {paused, runs, offered}) {
    const RequestOutcome got = net.outcome(asked);
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.status.error().kind(), ErrorKind::unavailable);
    EXPECT_EQ(got.status.error().code(), "draining");
  }
  EXPECT_EQ(receipts, 2u);
  const Nano said = net.proxy().proxy().counts().charged;
  EXPECT_GT(said, Nano{2 * 5 * 20 * 8});
  EXPECT_EQ(proved(), said);
  EXPECT_EQ(acknowledged(), said);
}

TEST_F(HostileCuts, CostThePromptWhereTheClientStopsBeforeAnythingCame) {
  net.world.weather.chunk_gap = Millis(5000);
  net.ask();
  net.run(Millis(400));
  stop_and_start_client();
  EXPECT_GT(charged, Nano{0});
  EXPECT_EQ(proved(), charged);
  EXPECT_EQ(acknowledged(), charged);
}

TEST_F(HostileCuts, OfNobodyWhoAnswersDoNotKeepAClientThatStops) {
  const Asked asked = net.ask();
  net.run(Millis(400));
  ClientCore& client = net.client().client();
  client.drain(net.world.now);
  client.end_all(net.world.now);
  net.forge(net.proxy(), net.client(), wire::GoAway{.reason = "internal_error", .fatal = true});
  net.run(Millis(100));
  EXPECT_EQ(net.outcome(asked).status.error().code(), "draining");
  EXPECT_TRUE(client.settled());
}

TEST_F(HostileCuts, CountAsSpent) {
  ask_and_cancel();
  EXPECT_GT(charged, Nano{0});
  EXPECT_EQ(net.client().client().spent(), charged);
}

TEST_F(HostileCuts, CostThePromptWhereNothingCameYet) {
  net.world.weather.chunk_gap = Millis(5000);
  ask_and_cancel();
  EXPECT_GT(charged, Nano{0});
  EXPECT_LE(charged, Nano{20 * 64});  // one token per 8 bytes of a body far below 512 bytes
  EXPECT_EQ(acknowledged(), charged);
  EXPECT_EQ(proved(), charged);
}

TEST_F(HostileCuts, CostNothingWhereTheEngineRefused) {
  net.world.weather.engine_status = 400;
  net.world.weather.chunk_gap = Millis(100);
  ask_and_cancel();
  EXPECT_EQ(charged, Nano{0});
  EXPECT_EQ(acknowledged(), Nano{0});
}

TEST_F(HostileCuts, CostNothingBeforeAcceptance) {
  ask_and_cancel(Millis(0));
  EXPECT_EQ(charged, Nano{0});
  EXPECT_EQ(acknowledged(), Nano{0});
}

TEST_F(HostileCuts, AreNotProvedByAnAlteredReceipt) {
  settle = [](Hop& hop, wire::Settlement& cut) {
    if (cut.receipt.empty()) return;
    auto receipt = billing::SignedReceipt::decode(cut.receipt).value();
    ++receipt.receipt.tokens.completion;
    receipt.receipt.cost.value += 20 * 8;
    cut.receipt = hop.keep(receipt.encode());
  };
  ask_and_cancel();
  ASSERT_EQ(receipts, 1u);
  EXPECT_EQ(proved(), Nano{0});
}

TEST_F(HostileCuts, AreNotProvedByTheReceiptOfAnother) {
  Bytes first;
  settle = [&](Hop& hop, wire::Settlement& cut) {
    if (cut.receipt.empty()) return;
    if (first.empty()) {
      first = to_bytes(cut.receipt);
    } else {
      cut.receipt = hop.keep(first);
    }
  };
  ask_and_cancel();
  const Nano once = proved();
  ASSERT_GT(once, Nano{0});
  ask_and_cancel();
  ASSERT_EQ(receipts, 2u);
  EXPECT_EQ(proved(), once);
}

TEST_F(HostileCuts, AreProvedOnce) {
  Bytes receipt;
  RequestHash request;
  settle = [&](Hop& hop, wire::Settlement& cut) {
    if (cut.receipt.empty()) return;
    receipt = to_bytes(cut.receipt);
    request = cut.request;
    hop.after(wire::Settlement{cut.request, kCap, cut.receipt});
  };
  ask_and_cancel();
  ASSERT_EQ(receipts, 1u);
  net.forge(net.proxy(), net.client(), wire::Settlement{request, kCap, receipt});
  net.run(Millis(100));
  EXPECT_EQ(acknowledged(), charged);
  EXPECT_EQ(proved(), charged);
}

TEST_F(HostileCuts, AreProvedAsFarAsTheReceiptGoes) {
  // Every cap is claimed in full, and each receipt is shown twice.
  settle = [](Hop& hop, wire::Settlement& cut) {
    cut.cost = kCap;
    if (!cut.receipt.empty()) hop.after(cut);
  };
  for (int i = 0; i < 8; ++i) ask_and_cancel();
  ASSERT_GT(receipts, 1u);
  const Nano most{receipts * charged.value};
  EXPECT_LE(proved(), most);
  EXPECT_LE(acknowledged(), saturating_add(most, kExposure));
}

TEST_F(HostileCuts, CostNothingWhereMoreThanTheCapIsClaimed) {
  settle = [](Hop&, wire::Settlement& cut) { cut.cost = Nano{kCap.value + 1}; };
  ask_and_cancel();
  EXPECT_EQ(acknowledged(), Nano{0});
  EXPECT_EQ(proved(), Nano{0});
}

TEST_F(HostileCuts, CostThePromptWhereTheCancelCrossedTheAcceptance) {
  net.world.weather.chunk_gap = Millis(5000);
  answer = [](Hop& hop) {
    if (hop.as<wire::Accepted>() || hop.as<wire::Data>()) hop.drop();
  };
  ask_and_cancel();
  EXPECT_GT(charged, Nano{0});
  EXPECT_EQ(acknowledged(), charged);
  EXPECT_EQ(proved(), charged);
}

TEST_F(HostileCuts, AreNotProvedByReasoningOfWhichNothingCame) {
  net.worker().crash();
  RogueWorker& worker = boot_rogue_worker(net, net.worker(), [](RogueWorker& rogue) {
    rogue.prompt_tokens = 7;
    rogue.act = [&rogue](RogueWorker::Job& job) { rogue.accept(job); };
  });
  net.run(Millis(200));
  settle = [](Hop& hop, wire::Settlement& cut) {
    cut.cost = kCap;
    if (cut.receipt.empty()) hop.drop();  // it is said together with the receipt
  };
  ask_and_cancel();
  ASSERT_EQ(worker.jobs(), 1u);
  const Bytes receipt = worker.receipt(worker.job(0), {7, 0, 0, 64}).encode();
  worker.send(wire::Settlement{worker.job(0).opener.hash(), Nano{0}, receipt});
  net.run(Millis(100));
  ASSERT_EQ(receipts, 1u);
  EXPECT_EQ(acknowledged(), kCap);
  EXPECT_EQ(proved(), Nano{20 * 7});
}

/// Only later did the proxy find the connection dead: its statement came before the charge.
TEST_F(HostileCuts, OfALostConnectionMayBeNamedAfterTheStatement) {
  RequestHash request;
  drop_settlements(request);
  answer = [&](Hop& hop) {
    auto* shown = hop.as<wire::UsageStatement>();
    if (shown == nullptr) return;
    const Statement earlier = statement(shown->statement, Nano{0});
    shown->statement = hop.keep(earlier.bytes);
    shown->signature = hop.keep(to_bytes(earlier.signature));
  };
  ask_and_lose();
  ASSERT_GT(charged, Nano{0});
  ASSERT_EQ(acknowledged(), Nano{0});
  const Nano cost{kCap.value / 2 + 1};
  for (int i = 0; i < 2; ++i) {  // the second time is once too often
    net.forge(net.proxy(), net.client(), wire::Settlement{request, cost, {}, kCap});
    net.run(Millis(100));
    EXPECT_EQ(acknowledged(), cost);
  }
}

TEST_F(HostileCuts, OfALostConnectionCostNoMoreThanTheCapByStatementAndName) {
  RequestHash request;
  drop_settlements(request);
  ask_and_lose();
  ASSERT_GT(charged, Nano{0});
  ASSERT_EQ(acknowledged(), charged);  // by the statement
  net.forge(net.proxy(), net.client(), wire::Settlement{request, kCap, {}, Nano{2 * kCap.value}});
  net.run(Millis(100));
  EXPECT_EQ(acknowledged(), kCap);
}

TEST_F(HostileCuts, OfALostConnectionAreNotChargedAgainByNameWhatTheStatementHad) {
  RequestHash request;
  drop_settlements(request);
  ask_and_lose();
  ASSERT_GT(charged, Nano{0});
  ASSERT_EQ(acknowledged(), charged);
  // An honest proxy, whose first settlement went down with the connection.
  net.forge(net.proxy(), net.client(), wire::Settlement{request, charged, {}, charged});
  net.run(Millis(100));
  EXPECT_EQ(acknowledged(), charged);
}

TEST_F(HostileCuts, OfALostConnectionAreNotChargedWhatARunningRequestMayHaveCost) {
  Bytes original;
  settle = [](Hop& hop, wire::Settlement&) { hop.drop(); };
  answer = [&](Hop& hop) {
    auto* shown = hop.as<wire::UsageStatement>();
    if (shown == nullptr) return;
    original = to_bytes(shown->statement);
    hop.drop();
  };
  ask_and_lose();
  const Asked running_one = net.ask();
  net.run(Millis(400));
  const auto claim = [&](Nano sum) {
    const Statement made = statement(original, sum);
    net.forge(net.proxy(), net.client(),
              wire::UsageStatement{.statement = made.bytes, .signature = made.signature});
    net.run(Millis(10));
  };
  claim(kCap);
  EXPECT_EQ(acknowledged(), Nano{0});
  const RequestOutcome got = net.outcome(running_one);
  EXPECT_TRUE(got.status);
  EXPECT_EQ(acknowledged(), Nano{got.usage.cost_nano});
}

TEST_F(HostileCuts, TellTheCallerWhatHadComeByThen) {
  net.world.weather.chunk_gap = Millis(1000);  // so that nothing is on its way
  const Asked asked = net.ask();
  net.run(Millis(4500));
  asked.client->client().cancel(asked.id, net.world.now);
  const RequestOutcome got = net.outcome(asked);
  net.run(Millis(500));
  EXPECT_TRUE(got.charged);
  EXPECT_GT(got.usage.completion_tokens, 2u);
  EXPECT_GT(got.usage.cost_nano, 0u);
  EXPECT_EQ(acknowledged(), Nano{got.usage.cost_nano});
}

TEST_F(HostileCuts, AreOnTheProxysWordWithoutAReceipt) {
  settle = [](Hop&, wire::Settlement& cut) { cut.receipt = {}; };
  for (int i = 0; i < 40; ++i) ask_and_cancel();
  EXPECT_EQ(proved(), Nano{0});
  EXPECT_LE(acknowledged(), kExposure);
}

TEST_F(HostileCuts, OfAnswersThatAreHeldBackProveNoMoreThanThePrompt) {
  std::uint64_t prompt = 0;
  answer = [&](Hop& hop) {
    if (auto* accepted = hop.as<wire::Accepted>()) prompt = accepted->prompt_tokens;
    if (hop.as<wire::Data>()) hop.drop();
  };
  ask_and_cancel();
  ASSERT_EQ(receipts, 1u);
  ASSERT_GT(charged, Nano{20 * prompt});
  EXPECT_EQ(proved(), Nano{20 * prompt});
}

TEST_F(HostileCuts, OfAnswersThatAreHeldBackUntilTheDeadlineProveNothing) {
  // The engine has more to say than the client waits for.
  net.world.weather.chunk_gap = Millis(limits::kProgressDeadline) / 10;
  answer = [&](Hop& hop) {
    if (hop.as<wire::Data>()) hop.drop();
  };
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  net.run(Millis(500));
  ASSERT_EQ(receipts, 1u);
  ASSERT_GT(charged, Nano{0});
  EXPECT_EQ(proved(), Nano{0});
}

TEST_F(HostileCuts, CannotCountMorePromptThanTheRequestHas) {
  answer = [](Hop& hop) {
    if (auto* accepted = hop.as<wire::Accepted>()) accepted->prompt_tokens = 1024 + 64 + 1;
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "prompt_over_bound");
}

/// The proxy had ended the stream before it heard of the cancel.
TEST_F(HostileCuts, ThatCrossTheEndAreChargedByIt) {
  net.world.weather.chunks = 4;
  Nano cost;
  answer = [&](Hop& hop) {
    if (auto* end = hop.as<wire::End>()) {
      cost = end->cost;
      for (auto& [id, asked] : running) hop.to.client().cancel(id, net.world.now);
    }
  };
  const Asked asked = net.ask();
  running.emplace(asked.id, asked);
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "cancelled");
  net.run(Millis(500));
  EXPECT_GT(cost, Nano{0});
  EXPECT_EQ(acknowledged(), cost);
  EXPECT_EQ(proved(), cost);
}

}  // namespace
}  // namespace cocoon::core::test
