/// A hostile worker: what it says of requests, answers and usage. The proxy charges nothing that
/// its receipt does not prove, the client pays for nothing that it cannot check, and requests of
/// other workers go on.

#include "base/limits.h"
#include "codec/hex.h"
#include "unit/core/acts.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

/// One worker, which is hostile.
class HostileWorker : public ::testing::Test {
 protected:
  HostileWorker() : net({.workers = 1}) {}
  void SetUp() override {
    net.proxy().boot();
    rogue = &boot_rogue_worker(net, net.worker());
    net.boot();
    ASSERT_TRUE(rogue->admitted);
  }

  /// The proxy refused the worker's receipt: the client hears of it, and nothing is charged.
  void expect_receipt_refused() {
    const Asked asked = net.ask();
    net.expect_refused(asked, ErrorKind::upstream, "bad_receipt");
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
    EXPECT_FALSE(rogue->ended) << "one bad receipt does not end the worker's other requests";
  }
  /// The proxy has ended the worker's connection with `code`; its requests end, uncharged.
  void expect_thrown_out(const Asked& asked, std::string_view code) {
    const RequestOutcome got = net.outcome(asked);
    EXPECT_FALSE(got.status);
    EXPECT_EQ(got.usage.cost_nano, 0u);
    ASSERT_TRUE(rogue->ended);
    EXPECT_EQ(rogue->ended->code(), code) << rogue->ended->detail();
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
  }

  Network net;
  RogueWorker* rogue = nullptr;
};

TEST_F(HostileWorker, IsServedAndPaidWhileItIsHonest) {
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_TRUE(got.status) << got.status.error().detail();
  EXPECT_EQ(got.usage.cost_nano, kCost.value);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

/// A worker has to remember every request for as long as it may come again.
TEST_F(HostileWorker, IsHandedRequestsThatAreSoonTooOldToBeginAnew) {
  UnixTime until{};
  rogue->act = [&](RogueWorker::Job& job) {
    until = job.opener.header().not_after;
    rogue->answer(job);
  };
  const UnixTime from = net.world.now.unix;
  EXPECT_TRUE(net.outcome(net.ask()).status);
  EXPECT_GT(until, from + limits::kMaxQueueWait);
  EXPECT_LE(until, net.world.now.unix + limits::kSealedFor);
}

// --- Usage ---

TEST_F(HostileWorker, MorePromptThanTheBodyHasBytesIsRefused) {
  rogue->edit_receipt = [](billing::Receipt& r) { r.tokens.prompt = 1'000'000; };
  expect_receipt_refused();
}

TEST_F(HostileWorker, MoreOutputThanTheReservationIsRefused) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->answer(job, std::string(500, 'x'), {7, 0, 65, 0});
  };
  expect_receipt_refused();
}

TEST_F(HostileWorker, MoreReasoningThanTheReservationIsRefused) {
  rogue->edit_receipt = [](billing::Receipt& r) { r.tokens.reasoning = 64; };
  expect_receipt_refused();
}

TEST_F(HostileWorker, MoreOutputThanTheAnswerHasBytesIsNotPaid) {
  // 40 tokens of a text of 3 bytes: within the padding, so the proxy cannot tell. The client can.
  rogue->act = [this](RogueWorker::Job& job) { rogue->answer(job, "abc", {7, 0, 40, 0}); };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "receipt_overcharge");
  const std::uint64_t seen = 20 * (7 + 3 * 8);
  EXPECT_LE(got.usage.cost_nano, seen);
  EXPECT_LE(net.acknowledged(net.client()).value, seen);
}

TEST_F(HostileWorker, ACostThatIsNotThePriceOfItsCountsIsRefused) {
  rogue->edit_receipt = [](billing::Receipt& r) { r.cost = Nano{kCost.value + 1}; };
  expect_receipt_refused();
}

TEST_F(HostileWorker, AFailedRunThatCostsSomethingIsRefused) {
  rogue->edit_receipt = [](billing::Receipt& r) {
    r.outcome = billing::Outcome::failed;
    r.cost = kCost;
  };
  expect_receipt_refused();
}

TEST_F(HostileWorker, MarksThatGoBackwardsEndTheRequestUncharged) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->accept(job);
    rogue->say(job, "one", {7, 0, 3, 0});
    rogue->say(job, "two", {7, 0, 2, 0});
    rogue->finish(job, {7, 0, 6, 0});
  };
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::upstream, "usage_shrank");
  EXPECT_TRUE(net.said(net.proxy(), "usage_shrank"));
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
}

TEST_F(HostileWorker, InflatedMarksOfACancelledRequestAreCutToWhatWasSent) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->accept(job);
    rogue->say(job, "one", {1'000'000, 1'000'000, 1'000'000, 1'000'000});
  };
  const Asked asked = net.ask();
  net.run(Millis(200));
  net.client().client().cancel(asked.id, net.world.now);
  EXPECT_EQ(net.outcome(asked).status.error().code(), "cancelled");
  net.run(Millis(500));
  EXPECT_EQ(rogue->cancelled, 1u);
  // Never above the reservation: 1,088 tokens of prompt and 64 of output.
  EXPECT_LE(net.proxy().proxy().counts().charged.value, 20u * (1088 + 64 * 8));
  EXPECT_LE(net.acknowledged(net.client()).value, 20u * (1088 + 64 * 8));
}

/// It ends each request by its engine's going on past the limit of 64 tokens.
class OverLimit : public HostileWorker {
 protected:
  void end_after(std::string_view text, const billing::TokenCounts& mark) {
    rogue->prompt_tokens = mark.prompt;
    rogue->act = [this, text = std::string(text), mark](RogueWorker::Job& job) {
      rogue->accept(job);
      rogue->say(job, text, mark);
      rogue->link->reset(job.stream, Error(ErrorKind::upstream, "engine_over_limit", "too much"));
    };
    asked = net.ask();
    got = net.outcome(asked);
    EXPECT_FALSE(got.status);
    net.run(Millis(100));
  }
  void expect_failure() {
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
    EXPECT_LT(net.success_rate(net.worker()), 1);
  }
  void expect_charged(Nano cost) {
    EXPECT_EQ(net.proxy().proxy().counts().charged, cost);
    EXPECT_EQ(net.success_rate(net.worker()), 1);
  }
  Asked asked;
  RequestOutcome got;
};

TEST_F(OverLimit, AfterAHeadIsAFailure) {
  end_after(" ", {7, 0, 0, 0});
  expect_failure();
}

TEST_F(OverLimit, BeforeHalfOfItIsAFailure) {
  end_after(std::string(31, 'x'), {7, 0, 31, 0});
  expect_failure();
}

TEST_F(OverLimit, FromHalfOfItOnIsCharged) {
  end_after(std::string(32, 'x'), {7, 0, 32, 0});
  expect_charged(Nano{20 * (7 + 32 * 8)});
}

TEST_F(OverLimit, CountsReasoning) {
  end_after(std::string(16, 'x'), {7, 0, 16, 16});
  expect_charged(Nano{20 * (7 + 32 * 8)});
}

// --- Receipts ---

TEST_F(HostileWorker, AnAnswerWithoutAReceiptIsNotCharged) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->accept(job);
    rogue->say(job, "all of it", {7, 0, 8, 0});
    wire::End end;
    end.stream = job.stream;
    rogue->link->send_end(end);
  };
  expect_receipt_refused();
}

TEST_F(HostileWorker, AReceiptSignedByAnotherKeyIsRefused) {
  const auto other = crypto::SigningKey::generate(net.world.random);
  rogue->receipt_key = &other;
  expect_receipt_refused();
}

TEST_F(HostileWorker, AReceiptSignedByItsAccountIsRefused) {
  rogue->receipt_key = &rogue->identity.account;
  expect_receipt_refused();
}

/// Every field of a receipt that says which request, worker and price it is about.
struct ReceiptLie {
  const char* name;
  std::function<void(billing::Receipt&)> tell;
};
class HostileReceipt : public HostileWorker, public ::testing::WithParamInterface<ReceiptLie> {};

TEST_P(HostileReceipt, IsRefused) {
  rogue->edit_receipt = GetParam().tell;
  expect_receipt_refused();
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileReceipt,
    ::testing::Values(
        ReceiptLie{"Network", [](billing::Receipt& r) { r.network.bytes[0] ^= 1; }},
        ReceiptLie{"Request", [](billing::Receipt& r) { r.request.bytes[0] ^= 1; }},
        ReceiptLie{"Proxy", [](billing::Receipt& r) { r.proxy.bytes[0] ^= 1; }},
        ReceiptLie{"Worker", [](billing::Receipt& r) { r.worker.bytes[0] ^= 1; }},
        ReceiptLie{"RegistryVersion", [](billing::Receipt& r) { ++r.registry_version; }},
        ReceiptLie{"Coefficient", [](billing::Receipt& r) { r.coefficient_e3 = 2000; }},
        ReceiptLie{"Evidence", [](billing::Receipt& r) { r.evidence.bytes[0] ^= 1; }}),
    [](const auto& param) { return std::string(param.param.name); });

/// What only the client can check.
class HostileSealedReceipt : public HostileWorker,
                             public ::testing::WithParamInterface<ReceiptLie> {};

TEST_P(HostileSealedReceipt, IsRefusedByTheClient) {
  rogue->edit_receipt = GetParam().tell;
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "receipt_mismatch");
  EXPECT_LE(net.acknowledged(net.client()), kCost);
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileSealedReceipt,
    ::testing::Values(
        ReceiptLie{"Run", [](billing::Receipt& r) { r.run.bytes[0] ^= 1; }},
        ReceiptLie{"RequestCommitment", [](billing::Receipt& r) { r.request_commitment[0] ^= 1; }},
        ReceiptLie{"AnswerCommitment", [](billing::Receipt& r) { r.answer_commitment[0] ^= 1; }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(HostileWorker, ACheaperReceiptForTheClientThanForTheProxyIsSeen) {
  // The proxy is shown more than the client: the client pays what it was shown itself.
  net.meddle = [this](Hop& hop) {
    auto* end = hop.as<wire::End>();
    if (end == nullptr || &hop.from != &net.worker()) return;
    auto shown = billing::SignedReceipt::decode(end->receipt).value().receipt;
    shown.tokens.completion = 20;
    shown.cost = Nano{20 * (7 + 20 * 8)};
    end->receipt = hop.keep(rogue->sign(shown).encode());
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "charge_mismatch");
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

// --- Streams ---

TEST_F(HostileWorker, AnswersOfTwoRequestsAreNotExchanged) {
  rogue->act = [this](RogueWorker::Job& job) {
    if (rogue->jobs() < 2 || !rogue->job(0).sealer || !rogue->job(1).sealer) return;
    RogueWorker::Job& one = rogue->job(0);
    RogueWorker::Job& two = rogue->job(1);
    rogue->accept(one);
    rogue->accept(two);
    std::swap(one.sealer, two.sealer);
    rogue->say(one, "for another", {7, 0, 1, 0});
    rogue->say(two, "for another", {7, 0, 1, 0});
    (void)job;
  };
  const Asked one = net.ask();
  const Asked two = net.ask();
  net.expect_refused(one, ErrorKind::upstream, "bad_answer");
  net.expect_refused(two, ErrorKind::upstream, "bad_answer");
  EXPECT_EQ(net.text(one) + net.text(two), "");
}

TEST_F(HostileWorker, AcceptingTwiceEndsItsConnection) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->accept(job);
    rogue->send_raw(wire::Accepted{job.stream, 0});
  };
  expect_thrown_out(net.ask(), "frame_unexpected");
}

TEST_F(HostileWorker, DataBeforeAcceptanceEndsItsConnection) {
  rogue->act = [this](RogueWorker::Job& job) {
    const Bytes some(400, 1);
    rogue->send_raw(wire::Data{job.stream, some, std::nullopt});
  };
  expect_thrown_out(net.ask(), "data_before_accepted");
}

TEST_F(HostileWorker, OpeningAStreamEndsItsConnection) {
  rogue->act = [this](RogueWorker::Job& job) {
    const auto header = session::encode_request_header(job.opener.header()).value();
    wire::Open open;
    open.stream = 1;
    open.header = header;
    open.wraps = {ByteView(header).first(100)};
    open.time_left_ms = 1;
    rogue->send_raw(open);
  };
  expect_thrown_out(net.ask(), "too_many_streams");
}

TEST_F(HostileWorker, MoreDataThanTheProxyGaveCreditForEndsItsConnection) {
  rogue->act = [this](RogueWorker::Job& job) {
    rogue->accept(job);
    const Bytes block(limits::kMaxDataBytes, 1);
    for (int i = 0; i < 65; ++i) rogue->send_raw(wire::Data{job.stream, block, std::nullopt});
  };
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  ASSERT_TRUE(rogue->ended);
  EXPECT_EQ(rogue->ended->code(), "credit_exceeded");
}

TEST_F(HostileWorker, AnAnswerAfterACancelIsDropped) {
  RogueWorker::Job* late = nullptr;
  rogue->act = [&](RogueWorker::Job& job) {
    if (late != nullptr) return rogue->answer(job);
    late = &job;
    rogue->accept(job);
  };
  const Asked asked = net.ask();
  net.run(Millis(200));
  // The worker answers before it hears of the cancel.
  net.client().client().cancel(asked.id, net.world.now);
  rogue->say(*late, "too late", {7, 0, 8, 0});
  rogue->finish(*late, {7, 0, 8, 0});
  EXPECT_EQ(net.outcome(asked).status.error().code(), "cancelled");
  net.run(Millis(500));
  EXPECT_EQ(net.text(asked), "");
  EXPECT_FALSE(rogue->ended);
  EXPECT_TRUE(net.outcome(net.ask()).status);
}

TEST_F(HostileWorker, AnAnswerOnAStreamThatIsOverEndsItsConnection) {
  const Asked served = net.ask();
  EXPECT_TRUE(net.outcome(served).status);
  const Bytes some(400, 1);
  rogue->send_raw(wire::Data{rogue->job(0).stream, some, std::nullopt});
  net.run(Millis(200));
  ASSERT_TRUE(rogue->ended);
  EXPECT_EQ(rogue->ended->code(), "stream_closed");
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(HostileWorker, OneThatSaysNothingIsGivenUpAtTheDeadline) {
  rogue->act = [](RogueWorker::Job&) {};
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::timeout, "deadline_exceeded");
  net.run(Millis(500));
  EXPECT_EQ(rogue->cancelled, 1u);
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
}

TEST_F(HostileWorker, ARefusalOfItsMakingCannotChargeTheClient) {
  rogue->act = [this](RogueWorker::Job& job) {
    wire::Reset reset;
    reset.stream = job.stream;
    reset.kind = static_cast<std::uint8_t>(ErrorKind::invalid_argument);
    reset.code = "model_mismatch";
    reset.cost = Nano{1'000'000};
    reset.charged_total = Nano{1'000'000};
    rogue->send_raw(reset);
  };
  net.expect_refused(net.ask(), ErrorKind::invalid_argument, "model_mismatch");
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
}

TEST(HostileWorkerBesideHonestOnes, TakesNoneOfTheirRequestsWithIt) {
  Network net({.clients = 2, .workers = 3});
  net.proxy().boot();
  RogueWorker& rogue = boot_rogue_worker(net, net.worker(0));
  net.boot();
  rogue.act = [&](RogueWorker::Job& job) {
    rogue.accept(job);
    rogue.send_raw(wire::Accepted{job.stream, 0});
  };
  std::vector<Asked> all;
  for (int i = 0; i < 6; ++i) all.push_back(net.ask(net.client(static_cast<std::size_t>(i % 2))));
  unsigned served = 0;
  for (const Asked& asked : all) {
    const RequestOutcome got = net.outcome(asked);
    if (got.status) {
      ++served;
      EXPECT_EQ(got.usage.cost_nano, kCost.value);
      EXPECT_NE(got.worker, to_hex(net.worker(0).account().view()));
    } else {
      EXPECT_EQ(got.status.error().code(), "worker_lost");
      EXPECT_EQ(got.usage.cost_nano, 0u);
    }
  }
  EXPECT_GE(served, 1u);
  net.expect_served(net.ask(net.client(0)));
}

}  // namespace
}  // namespace cocoon::core::test
