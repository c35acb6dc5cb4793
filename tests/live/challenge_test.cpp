// Proxies and workers challenge each other over real TLS, with real quotes of the simulated
// platform. Somebody with genuine evidence of his own, or with the boot keys of others, stands
// between them, relays, reflects, diverts and splices; nothing of that passes.

#include <fstream>

#include "attest/challenge.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/system_random.h"
#include "io/clock.h"
#include "live/challenging_node.h"
#include "session/answer_batch.h"
#include "session/challenge.h"
#include "wire/evidence_parts.h"

namespace cocoon::live {
namespace {

Credentials duplicate(const Credentials& of) {
  return {of.key.duplicate(), of.certificate, of.collateral};
}

class LiveChallenge : public io::test::LoopTest {
 protected:
  LiveChallenge() {
    std::ofstream(folder_.file("root.pem")) << platform().root_pem();
    std::ofstream(folder_.file("collateral.json")) << platform().collateral().to_json();
  }

  /// A node with evidence of its own.
  ChallengingNode& make(wire::Role role, tee::MakeQuote quotes = honest_quote) {
    return nodes_.emplace_back(context(), role, with_evidence(sound(), role), folder_.file(""),
                               std::move(quotes));
  }
  static std::string code(ChallengingNode& node) {
    return node.core().ended.empty() ? "" : std::string(node.core().ended.front().code());
  }

 private:
  test::TemporaryFolder folder_;
  std::list<ChallengingNode> nodes_;
};

TEST_F(LiveChallenge, AnHonestPairPassesWithAQuoteEach) {
  auto& proxy = make(wire::Role::proxy);
  auto& worker = make(wire::Role::worker);
  worker.dial(proxy.listen());
  ASSERT_TRUE(run_until([&] { return proxy.core().passed == 1 && worker.core().passed == 1; }));
  EXPECT_EQ(proxy.quotes(), 1);
  EXPECT_EQ(worker.quotes(), 1);
}

TEST_F(LiveChallenge, ManyWorkersShareTheProxysQuotes) {
  auto& proxy = make(wire::Role::proxy);
  const auto address = proxy.listen();
  constexpr unsigned kWorkers = 20;
  std::vector<ChallengingNode*> workers;
  for (unsigned i = 0; i < kWorkers; ++i) workers.push_back(&make(wire::Role::worker));
  for (ChallengingNode* worker : workers) worker->dial(address);
  ASSERT_TRUE(run_until([&] { return proxy.core().passed == kWorkers; }));
  ASSERT_TRUE(run_until([&] {
    return std::all_of(workers.begin(), workers.end(),
                       [](ChallengingNode* w) { return w->core().passed == 1; });
  }));
  EXPECT_LE(proxy.quotes(), static_cast<int>(kWorkers));
}

TEST_F(LiveChallenge, OneTimeQuotesAreNotRemembered) {
  auto& proxy = make(wire::Role::proxy);
  auto& worker = make(wire::Role::worker);
  const auto address = proxy.listen();
  worker.dial(address);
  ASSERT_TRUE(run_until([&] { return worker.core().passed == 1; }));
  worker.dial(address);
  ASSERT_TRUE(run_until([&] { return worker.core().passed == 2; }));
  // The certificate's verdict is used again; the quote of each answer is verified.
  EXPECT_EQ(proxy.verifier().cached(), 1u);
  EXPECT_EQ(proxy.verifier().verified(), 3u);
}

// --- Between a worker and a proxy ---

/// A man in the middle: a proxy to the worker, and a worker to the proxy.
class ManInTheMiddle : public LiveChallenge {
 protected:
  /// Which way a message was sent.
  enum class From { proxy, worker };

  /// @param as_proxy, as_worker what he shows them
  void stand_between(Credentials as_proxy, Credentials as_worker) {
    to_proxy_.on_message = [this](const wire::Message& m) { hear(From::proxy, m); };
    to_worker_.on_message = [this](const wire::Message& m) { hear(From::worker, m); };
    to_proxy_.come(context(), proxy_.listen(), as_worker);
    worker_.dial(to_worker_.listen(context(), as_proxy));
  }
  void with_evidence_of_his_own() {
    stand_between(with_evidence(sound(), wire::Role::proxy),
                  with_evidence(sound(), wire::Role::worker));
  }
  /// He passes on what he hears, unless a test has its own idea.
  void hear(From from, const wire::Message& message) {
    if (meddle && meddle(from, message)) return;
    (from == From::proxy ? to_worker_ : to_proxy_).send(message);
  }
  void expect_nobody_passes() {
    EXPECT_EQ(proxy_.core().passed, 0u);
    EXPECT_EQ(worker_.core().passed, 0u);
  }

  ChallengingNode& proxy_ = make(wire::Role::proxy);
  ChallengingNode& worker_ = make(wire::Role::worker);
  HandPeer to_proxy_;
  HandPeer to_worker_;
  /// Whether it has dealt with the message.
  std::function<bool(From, const wire::Message&)> meddle;
};

TEST_F(ManInTheMiddle, WithGenuineEvidenceCannotRelay) {
  with_evidence_of_his_own();
  ASSERT_TRUE(run_until([&] { return !proxy_.core().ended.empty(); }));
  EXPECT_EQ(code(proxy_), "challenge_failed");
  EXPECT_EQ(worker_.quotes(), 1) << "the worker has answered him, for what it is worth";
  EXPECT_EQ(proxy_.quotes(), 0);
  expect_nobody_passes();
}

TEST_F(ManInTheMiddle, WithTheBootKeysOfBothCannotRelay) {
  // Both certificates are the right ones: only the TLS connections are not.
  stand_between(duplicate(proxy_.credentials()), duplicate(worker_.credentials()));
  ASSERT_TRUE(run_until([&] { return !proxy_.core().ended.empty(); }));
  EXPECT_EQ(code(proxy_), "challenge_failed");
  EXPECT_EQ(worker_.quotes(), 1);
  EXPECT_EQ(proxy_.quotes(), 0);
  expect_nobody_passes();
}

TEST_F(ManInTheMiddle, CannotDivertAWorkerToAProxyThatItDidNotChoose) {
  // To the worker he is a proxy of his own; to the proxy he is that worker, whose key he has.
  stand_between(with_evidence(sound(), wire::Role::proxy), duplicate(worker_.credentials()));
  ASSERT_TRUE(run_until([&] { return !proxy_.core().ended.empty(); }));
  EXPECT_EQ(code(proxy_), "challenge_failed");
  EXPECT_EQ(proxy_.quotes(), 0);
  expect_nobody_passes();
}

TEST_F(ManInTheMiddle, CannotReflectAWorkersAnswerToIt) {
  meddle = [this](From from, const wire::Message& message) {
    const bool answer = std::holds_alternative<wire::Answer>(message) ||
                        std::holds_alternative<wire::Evidence>(message);
    if (std::holds_alternative<wire::Challenge>(message)) {
      if (from == From::worker) to_worker_.send(message);  // its own question
      return true;
    }
    if (answer) to_worker_.send(message);
    return answer;
  };
  with_evidence_of_his_own();
  ASSERT_TRUE(run_until([&] { return !worker_.core().ended.empty(); }));
  EXPECT_EQ(code(worker_), "challenge_failed");
  EXPECT_EQ(worker_.quotes(), 1);
  expect_nobody_passes();
}

TEST_F(ManInTheMiddle, CannotHaveAProxyAnswerItsOwnQuestion) {
  bool heard = false;
  meddle = [&](From from, const wire::Message& message) {
    if (std::holds_alternative<wire::Challenge>(message)) {
      if (from == From::worker) return true;
      to_proxy_.send(message);
      to_proxy_.send(wire::Ping{1});
    }
    if (std::holds_alternative<wire::Pong>(message)) heard = true;
    return from == From::proxy && !std::holds_alternative<wire::HelloAck>(message);
  };
  with_evidence_of_his_own();
  ASSERT_TRUE(run_until([&] { return heard; }));
  EXPECT_EQ(proxy_.quotes(), 0);
  expect_nobody_passes();
}

// --- A worker by hand ---

/// A worker with genuine evidence, whose answer is what the test makes of it.
class HandWorker : public LiveChallenge {
 protected:
  HandWorker() {
    hand_.on_message = [this](const wire::Message& message) {
      if (std::holds_alternative<wire::HelloAck>(message)) begin();
      if (const auto* question = std::get_if<wire::Challenge>(&message)) answer(*question);
      if (std::holds_alternative<wire::Answer>(message)) answered_ = true;
    };
  }

  void begin() {
    challenge_.emplace(
        session::ChallengeSetting{attest::EvidenceRole::worker, hand_.facts->exporter,
                                  crypto::sha256(own_.certificate), hand_.facts->fingerprint},
        ByteArray<32>{});
    hand_.send(challenge_->question());
  }
  void answer(const wire::Challenge& question) {
    ASSERT_TRUE(challenge_->on_challenge(question));
    session::AnswerBatch batch;
    batch.add(0, *challenge_->take_leaf());
    batch.add(1, Hash{});  // somebody else
    const ByteArray<64> report_data = *batch.begin();
    const Bytes quote = make_quote(report_data);
    const wire::Answer answer = batch.finish(quote).front().second;
    hand_.send(answer);
    for (const auto& part : wire::split_evidence(answer.quote, quote)) hand_.send(part);
  }
  void come() {
    hand_.come(context(), proxy_.listen(), own_);
    hand_.send(wire::Hello{.role = wire::Role::worker});
  }
  /// The proxy's verifier finds the quote to be none, for this reason.
  void expect_refused(std::string_view reason) {
    come();
    ASSERT_TRUE(run_until([&] { return !hand_.ended.empty(); }));
    EXPECT_EQ(hand_.ended, "challenge_failed");
    ASSERT_FALSE(proxy_.core().ended.empty());
    const std::string& detail = proxy_.core().ended.front().detail();
    EXPECT_NE(detail.find("(" + std::string(reason) + ")"), std::string::npos) << detail;
    EXPECT_EQ(proxy_.core().passed, 0u);
    EXPECT_EQ(proxy_.quotes(), 0);
  }

  ChallengingNode& proxy_ = make(wire::Role::proxy);
  Credentials own_ = with_evidence(sound(), wire::Role::worker);
  HandPeer hand_;
  std::optional<session::Challenge> challenge_;
  std::function<Bytes(const ByteArray<64>&)> make_quote = [](const ByteArray<64>& report_data) {
    return honest_quote(report_data).value();
  };
  bool answered_ = false;
};

TEST_F(HandWorker, PassesWithAGoodQuote) {
  come();
  ASSERT_TRUE(run_until([&] { return answered_; }));
  EXPECT_EQ(proxy_.core().passed, 1u);
}

TEST_F(HandWorker, DoesNotPassWithAQuoteOfAnotherBatch) {
  make_quote = [](const ByteArray<64>&) {
    return honest_quote(attest::challenge_report_data(Hash{}, 1)).value();
  };
  expect_refused("answer_not_bound");
}

TEST_F(HandWorker, DoesNotPassWithItsCertificatesQuote) {
  make_quote = [this](const ByteArray<64>&) {
    return attest::parse_certificate_evidence(own_.certificate).value().quote;
  };
  expect_refused("answer_not_bound");
}

TEST_F(HandWorker, DoesNotPassWithAQuoteOfAnotherGuest) {
  make_quote = [](const ByteArray<64>& report_data) {
    auto td = guest();
    td.mr_td[0] ^= 1;
    td.report_data = report_data;
    return platform().quote(td).value();
  };
  expect_refused("answer_mismatch");
}

TEST_F(HandWorker, DoesNotPassWithAQuoteOfADebugGuest) {
  make_quote = [](const ByteArray<64>& report_data) {
    auto td = guest();
    td.td_attributes |= 1;
    td.report_data = report_data;
    return platform().quote(td).value();
  };
  expect_refused("answer_mismatch");
}

TEST_F(HandWorker, DoesNotPassWithAQuoteThatSomebodyElseSigned) {
  make_quote = [](const ByteArray<64>& report_data) {
    static crypto::SystemRandom random;
    auto td = guest();
    td.report_data = report_data;
    return attest::sim::SimPlatform::create(random, io::now().unix).value().quote(td).value();
  };
  expect_refused("evidence_untrusted");
}

TEST_F(HandWorker, DoesNotPassWithAChangedQuote) {
  make_quote = [](const ByteArray<64>& report_data) {
    Bytes quote = honest_quote(report_data).value();
    quote[400] ^= 1;  // within the body that is signed, and compared with nothing
    return quote;
  };
  come();
  ASSERT_TRUE(run_until([&] { return !hand_.ended.empty(); }));
  EXPECT_EQ(hand_.ended, "challenge_failed");
  EXPECT_EQ(proxy_.core().passed, 0u);
}

TEST_F(HandWorker, DoesNotPassWithRubbish) {
  make_quote = [](const ByteArray<64>&) { return Bytes(limits::kMaxEvidenceBytes, 4); };
  expect_refused("quote_format");
}

}  // namespace
}  // namespace cocoon::live
