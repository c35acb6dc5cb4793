/// Proxy and worker challenge each other on every connection; until both have answered, neither is
/// worth anything to the other. The man in the middle here is one inside TLS: as if he had taken
/// the boot keys of both out of their machines.

#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "unit/core/network.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

class HostileChallenge : public ::testing::Test {
 protected:
  explicit HostileChallenge(Shape shape = {.workers = 1}) : net(shape) {
    // Longer than the ledger takes: who is not the first comes while the first quote is made.
    net.world.weather.quote_time = Millis(100);
  }

  /// Starts all, and runs until the first challenges are over, whatever came of them.
  void boot() {
    net.boot();
    net.run(Millis(300));
  }
  bool listed() { return net.proxy().proxy().counts().workers != 0; }
  bool connected() { return net.worker().worker().counts().proxies_connected != 0; }
  /// Whether a request finds a worker.
  void expect_nobody_serves() {
    EXPECT_FALSE(connected());
    const Asked asked = net.ask(net.client(), R"("max_tokens":64)");
    const RequestOutcome got = net.outcome(asked);
    EXPECT_FALSE(got.status);
    EXPECT_EQ(net.executions(asked), 0u);
    EXPECT_EQ(got.usage.cost_nano, 0u);
  }
  void expect_served_after_all() {
    net.meddle = nullptr;
    net.run(Millis(Seconds(180)));
    net.expect_served(net.ask());
  }

  Network net;
};

// --- Answers that are missing ---

TEST_F(HostileChallenge, AWorkerThatDoesNotAnswerGetsNothing) {
  net.meddle = [](Hop& hop) {
    if (hop.between(kWorker, kProxy) && hop.as<wire::Answer>()) hop.drop();
    if (hop.between(kWorker, kProxy) && hop.as<wire::Evidence>()) hop.drop();
  };
  boot();
  EXPECT_EQ(net.worker().quotes(), 1u);
  EXPECT_EQ(net.proxy().quotes(), 0u) << "who has not answered gets no quote of the proxy";
  expect_nobody_serves();
  net.run(Millis(limits::kChallengeDeadline) + Millis(2000));
  EXPECT_TRUE(net.said(net.proxy(), "challenge_timeout") ||
              net.said(net.worker(), "challenge_timeout"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AProxyThatDoesNotAnswerGetsNothing) {
  net.meddle = [](Hop& hop) {
    if (hop.between(kProxy, kWorker) && hop.as<wire::Answer>()) hop.drop();
    if (hop.between(kProxy, kWorker) && hop.as<wire::Evidence>()) hop.drop();
  };
  boot();
  EXPECT_EQ(net.proxy().quotes(), 1u);
  expect_nobody_serves();
  net.run(Millis(limits::kChallengeDeadline) + Millis(2000));
  EXPECT_TRUE(net.said(net.worker(), "challenge_timeout"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AWorkerOfAnOlderVersionIsRefused) {
  net.proxy().boot();
  RogueWorker& old = boot_rogue_worker(
      net, net.worker(), [](RogueWorker& rogue) { rogue.asks = rogue.answers = false; });
  net.run(Millis(500));
  EXPECT_TRUE(old.admitted);
  old.send_record();  // what it would do next
  net.worker().turn();
  net.run(Millis(500));
  ASSERT_TRUE(old.ended);
  EXPECT_EQ(old.ended->code(), "challenge_expected");
}

TEST_F(HostileChallenge, AWorkerThatAsksNothingIsOfNoUse) {
  net.proxy().boot();
  RogueWorker& rogue = boot_rogue_worker(net, net.worker(), [](RogueWorker& r) { r.asks = false; });
  net.run(Millis(500));
  rogue.send_record();
  net.worker().turn();
  net.run(Millis(500));
  ASSERT_TRUE(rogue.ended);
  EXPECT_EQ(rogue.ended->code(), "challenge_expected");
}

TEST_F(HostileChallenge, AMachineThatGivesNoQuoteIsSaidToGiveNone) {
  net.world.weather.quote_fails = 1000;
  boot();
  EXPECT_TRUE(net.said(net.worker(), "cannot_answer"));
  expect_nobody_serves();
  net.world.weather.quote_fails = 0;
  expect_served_after_all();
}

// --- Answers that are another's ---

TEST_F(HostileChallenge, AQuestionThatWasChangedOnTheWayIsAnsweredInVain) {
  net.meddle = [](Hop& hop) {
    if (auto* question = hop.as<wire::Challenge>(); question && hop.between(kProxy, kWorker)) {
      question->nonce[0] ^= 1;
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.proxy(), "challenge_failed"));
  EXPECT_EQ(net.proxy().quotes(), 0u);
  expect_nobody_serves();
  expect_served_after_all();
}

TEST_F(HostileChallenge, AProxysAnswerToAnotherQuestionIsRefused) {
  net.meddle = [](Hop& hop) {
    if (auto* question = hop.as<wire::Challenge>(); question && hop.between(kWorker, kProxy)) {
      question->nonce[0] ^= 1;
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.worker(), "challenge_failed"));
  expect_nobody_serves();
  expect_served_after_all();
}

TEST_F(HostileChallenge, AWorkersOwnAnswerIsNoAnswerToIt) {
  // Reflection: it is asked with its own question, and given its own answer.
  std::optional<ByteArray<32>> question;
  net.meddle = [&](Hop& hop) {
    if (auto* asked = hop.as<wire::Challenge>()) {
      if (hop.between(kWorker, kProxy)) question = asked->nonce;
      if (hop.between(kProxy, kWorker)) hop.drop();
    }
    const bool answer = hop.as<wire::Answer>() || hop.as<wire::Evidence>();
    if (!answer || !hop.between(kWorker, kProxy)) return;
    net.forge(hop.to, hop.from, hop.message);
    hop.drop();
  };
  net.boot();
  ASSERT_TRUE(question);
  net.forge(net.proxy(), net.worker(), wire::Challenge{*question});
  net.run(Millis(300));
  EXPECT_EQ(net.worker().quotes(), 1u);
  EXPECT_TRUE(net.said(net.worker(), "challenge_failed"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AProxyAnswersNoQuestionOfItsOwn) {
  // Reflection the other way: its question comes back to it. It answers nobody who has not answered
  // first.
  std::optional<ByteArray<32>> question;
  net.meddle = [&](Hop& hop) {
    const auto* asked = hop.as<wire::Challenge>();
    if (asked == nullptr) return;
    if (hop.between(kProxy, kWorker)) question = asked->nonce;
    hop.drop();
  };
  net.boot();
  ASSERT_TRUE(question);
  net.forge(net.worker(), net.proxy(), wire::Challenge{*question});
  net.run(Millis(500));
  EXPECT_EQ(net.proxy().quotes(), 0u);
  expect_nobody_serves();
  expect_served_after_all();
}

/// Two workers, whose connections the man in the middle crosses.
class CrossedWorkers : public HostileChallenge {
 protected:
  CrossedWorkers() : HostileChallenge(Shape{.workers = 2}) {}
};

TEST_F(CrossedWorkers, AnAnswerOfOneIsNoneOnTheConnectionOfTheOther) {
  // Both are asked the same, so that only the connection tells their answers apart.
  std::optional<ByteArray<32>> nonce;
  net.meddle = [&](Hop& hop) {
    if (auto* question = hop.as<wire::Challenge>(); question && hop.between(kProxy, kWorker)) {
      if (!nonce) nonce = question->nonce;
      question->nonce = *nonce;
    }
    const bool answer = hop.as<wire::Answer>() || hop.as<wire::Evidence>();
    if (!answer || !hop.between(kWorker, kProxy)) return;
    Node& other = &hop.from == &net.worker(0) ? net.worker(1) : net.worker(0);
    net.forge(other, hop.to, hop.message);
    hop.drop();
  };
  boot();
  EXPECT_TRUE(net.said(net.proxy(), "challenge_failed"));
  EXPECT_EQ(net.proxy().quotes(), 0u);
  expect_nobody_serves();
  expect_served_after_all();
}

/// A worker with several proxies: the second and third wait for one quote together.
class SplicedBatches : public HostileChallenge {
 protected:
  SplicedBatches() : HostileChallenge(Shape{.proxies = 3, .workers = 1}) {}
};

TEST_F(SplicedBatches, AQuoteOfAnotherBatchIsNone) {
  std::map<Node*, wire::Answer> answers;
  std::map<Node*, Bytes> quotes;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kWorker, kProxy)) return;
    if (auto* answer = hop.as<wire::Answer>()) answers[&hop.to] = *answer;
    if (auto* part = hop.as<wire::Evidence>()) quotes[&hop.to] = to_bytes(part->part);
    if (hop.as<wire::Answer>() || hop.as<wire::Evidence>()) hop.drop();
  };
  boot();
  ASSERT_EQ(answers.size(), 3u);
  ASSERT_EQ(net.worker().quotes(), 2u);
  Node* alone = nullptr;
  Node* together = nullptr;
  for (auto& [proxy, answer] : answers) (answer.leaves == 1 ? alone : together) = proxy;
  ASSERT_TRUE(alone && together);
  wire::Answer spliced = answers[together];
  spliced.quote = answers[alone].quote;
  const Bytes& quote = quotes[alone];
  net.forge(net.worker(), *together, spliced);
  net.forge(net.worker(), *together,
            wire::Evidence{spliced.quote, static_cast<std::uint32_t>(quote.size()), 0, quote});
  net.run(Millis(50));
  EXPECT_TRUE(net.said(*together, "challenge_failed"));
}

TEST_F(SplicedBatches, APlaceOfAnotherPeerIsNone) {
  net.meddle = [](Hop& hop) {
    auto* answer = hop.as<wire::Answer>();
    if (answer == nullptr || answer->leaves < 2 || !hop.between(kWorker, kProxy)) return;
    answer->inclusion.index ^= 1;
  };
  boot();
  EXPECT_EQ(net.said(net.proxy(0), "challenge_failed") +
                net.said(net.proxy(1), "challenge_failed") +
                net.said(net.proxy(2), "challenge_failed"),
            2);
}

TEST_F(SplicedBatches, ATruncatedPathIsNone) {
  net.meddle = [](Hop& hop) {
    auto* answer = hop.as<wire::Answer>();
    if (answer == nullptr || answer->leaves < 2 || !hop.between(kWorker, kProxy)) return;
    answer->inclusion.path.pop_back();
  };
  boot();
  EXPECT_EQ(net.said(net.proxy(0), "challenge_failed") +
                net.said(net.proxy(1), "challenge_failed") +
                net.said(net.proxy(2), "challenge_failed"),
            2);
}

// --- Things out of turn ---

TEST_F(HostileChallenge, ASecondAnswerEndsTheConnection) {
  net.meddle = [](Hop& hop) {
    if (auto* answer = hop.as<wire::Answer>(); answer && hop.between(kWorker, kProxy)) {
      hop.after(*answer);
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.proxy(), "unexpected_answer"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, ASecondQuestionEndsTheConnection) {
  net.meddle = [](Hop& hop) {
    if (auto* question = hop.as<wire::Challenge>(); question && hop.between(kProxy, kWorker)) {
      hop.after(*question);
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.worker(), "unexpected_challenge"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AQuestionAfterwardsEndsTheConnection) {
  boot();
  ASSERT_TRUE(connected());
  net.forge(net.worker(), net.proxy(), wire::Challenge{});
  net.run(Millis(10));
  EXPECT_TRUE(net.said(net.proxy(), "unexpected_message"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AnAnswerThatNobodyAskedForEndsTheConnection) {
  boot();
  ASSERT_TRUE(connected());
  net.forge(net.proxy(), net.worker(), wire::Answer{.leaves = 1});
  net.run(Millis(10));
  EXPECT_TRUE(net.said(net.worker(), "unexpected_message"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AStreamBeforeTheProxysAnswerEndsTheConnection) {
  Bytes header(10, 1);
  net.meddle = [&](Hop& hop) {
    if (hop.as<wire::Challenge>() && hop.between(kProxy, kWorker)) {
      hop.before(wire::Open{.stream = 2, .header = header, .wraps = {header}});
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.worker(), "challenge_expected"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, APayoutBeforeTheProxysAnswerEndsTheConnection) {
  const ByteArray<64> signature{};
  net.meddle = [&](Hop& hop) {
    if (hop.as<wire::Challenge>() && hop.between(kProxy, kWorker)) {
      hop.before(wire::Payout{signature, signature});
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.worker(), "challenge_expected"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AQuoteThatIsTooLargeEndsTheConnection) {
  net.meddle = [](Hop& hop) {
    if (auto* part = hop.as<wire::Evidence>(); part && hop.between(kWorker, kProxy)) {
      part->total = limits::kMaxEvidenceBytes + 1;
    }
  };
  boot();
  EXPECT_TRUE(net.said(net.proxy(), "challenge_failed"));
  expect_served_after_all();
}

TEST_F(HostileChallenge, AQuoteThatTheVerifierRefusesEndsTheConnection) {
  net.proxy().boot();
  RogueWorker& rogue = boot_rogue_worker(net, net.worker(), [](RogueWorker& r) {
    r.edit_answer = [](wire::Answer& answer, Bytes& quote) {
      quote.back() ^= 1;  // another guest's
      answer.quote = EvidenceDigest{crypto::sha256(quote)};
    };
  });
  net.run(Millis(500));
  ASSERT_TRUE(rogue.ended);
  EXPECT_EQ(rogue.ended->code(), "challenge_failed");
  EXPECT_EQ(net.proxy().quotes(), 0u);
}

// --- What is meant to happen ---

TEST_F(HostileChallenge, BothMakeOneQuote) {
  boot();
  EXPECT_EQ(net.worker().quotes(), 1u);
  EXPECT_EQ(net.proxy().quotes(), 1u);
  EXPECT_TRUE(listed());
  net.expect_served(net.ask());
}

TEST_F(HostileChallenge, AFreshConnectionIsChallengedLikeTheFirst) {
  boot();
  net.worker().renew();
  net.run(Millis(500));
  EXPECT_EQ(net.worker().quotes(), 2u);
  EXPECT_EQ(net.proxy().quotes(), 2u);
  net.expect_served(net.ask());
}

/// A proxy that has just come back, and all its workers with it.
class ManyWorkers : public HostileChallenge {
 protected:
  ManyWorkers() : HostileChallenge(Shape{.workers = 50}) {}
};

TEST_F(ManyWorkers, ShareTheProxysQuotes) {
  boot();
  EXPECT_EQ(net.proxy().proxy().counts().workers, 50u);
  // One for whoever was first, and one for all who came while it was made.
  EXPECT_EQ(net.proxy().quotes(), 2u);
  net.expect_served(net.ask());
}

}  // namespace
}  // namespace cocoon::core::test
