/// Answers that are no stream: of these nothing comes before the engine has all of it, which may
/// take longer than a stream may be silent.

#include "billing/receipt.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

constexpr Millis kThinks{200'000};
static_assert(kThinks > limits::kFirstByteDeadline + limits::kProgressDeadline);

class PlainAnswers : public ::testing::Test {
 protected:
  explicit PlainAnswers(Shape shape = {.workers = 1}) : net(shape) {
    net.streams = false;
    net.world.weather.plain_takes = kThinks;
    net.world.weather.chunk_text = "the token";
  }
  void expect_no_blame() { EXPECT_EQ(net.success_rate(net.worker()), 1); }

  Network net;
};

TEST_F(PlainAnswers, OneThatTakesLongIsServedAndPaid) {
  net.boot();
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_TRUE(got.status) << got.status.error().detail();
  EXPECT_EQ(got.usage.cost_nano, kCost.value);
  EXPECT_NE(net.text(asked).find("the token"), std::string::npos);
  EXPECT_EQ(net.worker().worker().counts().earned, billing::worker_share(kCost, 9500));
  expect_no_blame();
}

TEST_F(PlainAnswers, OneThatItsCallerGivesUpSoonCostsThePromptAndIsNotTheWorkersFailure) {
  net.boot();
  const Asked asked = net.ask();
  net.run(limits::kProgressDeadline - Seconds(10));
  net.client().client().cancel(asked.id, net.world.now);
  net.run(Millis(1000));
  const Nano charged = net.proxy().proxy().counts().charged;
  EXPECT_GT(charged, Nano{0});
  EXPECT_EQ(net.acknowledged(net.client()), charged);
  expect_no_blame();
  EXPECT_FALSE(net.outcome(asked).status);
}

TEST_F(PlainAnswers, OneOfWhichTheEngineNeverSaysAWordCostsNothingAtItsDeadline) {
  net.deadline = Millis(100'000);
  net.boot();
  EXPECT_FALSE(net.outcome(net.ask()).status);
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
  expect_no_blame();
}

/// It may have had no slot for it.
TEST_F(PlainAnswers, OneThatTheEngineTakesInLateIsNotTheWorkersFailure) {
  net.world.weather.plain_begins = limits::kProgressDeadline + Seconds(10);
  net.deadline = Millis(100'000);
  net.boot();
  EXPECT_FALSE(net.outcome(net.ask()).status);
  net.run(Millis(1000));
  expect_no_blame();
}

TEST_F(PlainAnswers, AMarkAndTheReceiptOfACutSayTheSame) {
  std::optional<wire::UsageMark> mark;
  std::optional<billing::TokenCounts> proved;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kWorker, kProxy)) return;
    if (const auto* data = hop.as<wire::Data>()) mark = data->mark;
    if (const auto* cut = hop.as<wire::Settlement>()) {
      proved = billing::SignedReceipt::decode(cut->receipt).value().receipt.tokens;
    }
  };
  net.boot();
  const Asked asked = net.ask();
  net.run(limits::kProgressDeadline + Seconds(10));
  net.client().client().cancel(asked.id, net.world.now);
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(mark, wire::UsageMark{});
  EXPECT_EQ(proved, billing::TokenCounts{});
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
}

TEST_F(PlainAnswers, AnErrorThatTakesLongIsToldAndIsNotTheWorkersFailure) {
  net.world.weather.engine_status = 422;
  net.boot();
  net.expect_refused(net.ask(), ErrorKind::invalid_argument, "engine_failed");
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
  expect_no_blame();
}

TEST_F(PlainAnswers, AnErrorThatComesSoonPassesThrough) {
  net.world.weather.engine_status = 422;
  net.world.weather.plain_takes = Millis(limits::kProgressDeadline) - Millis(1000);
  net.boot();
  const Asked asked = net.ask();
  EXPECT_TRUE(net.outcome(asked).status);
  EXPECT_EQ(net.text(asked), R"({"error":{"message":"no"}})");
}

/// What they cost is said at their end.
TEST_F(PlainAnswers, ArePassedOnWhenTheyAreWhole) {
  net.world.weather.plain_takes = Millis(1000);
  net.world.weather.plain_pauses = Millis(5000);
  net.boot();
  const Asked asked = net.ask();
  net.run(Millis(4000));
  EXPECT_EQ(net.text(asked), "");
  EXPECT_TRUE(net.outcome(asked).status);
  EXPECT_NE(net.text(asked).find("usage"), std::string::npos);
}

TEST_F(PlainAnswers, AFailureThatTakesLongIsTheWorkers) {
  net.world.weather.engine_status = 503;
  net.boot();
  net.expect_refused(net.ask(), ErrorKind::upstream, "engine_failed");
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

TEST_F(PlainAnswers, OneThatHasBegunHasToGoOn) {
  net.proxy().boot();
  RogueWorker& worker = boot_rogue_worker(net, net.worker());
  worker.act = [&worker](RogueWorker::Job& job) {
    worker.accept(job);
    worker.say(job, "{", {7, 0, 0, 0});
  };
  net.boot();
  const Asked asked = net.ask();
  net.run(Millis(limits::kProgressDeadline) + Millis(1000));
  EXPECT_TRUE(net.said(net.client(), "deadline_exceeded"));
  EXPECT_FALSE(net.outcome(asked).status);
}

TEST_F(PlainAnswers, AWorkerThatDoesNotSayThatItIsAtItIsSilent) {
  net.proxy().boot();
  RogueWorker& worker = boot_rogue_worker(net, net.worker());
  worker.act = [&worker](RogueWorker::Job& job) { worker.accept(job); };
  net.boot();
  const Asked asked = net.ask();
  net.run(Millis(kThinks));
  net.client().client().cancel(asked.id, net.world.now);
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
  EXPECT_LT(net.success_rate(net.worker()), 1);
  EXPECT_FALSE(net.outcome(asked).status);
}

/// Nothing of an answer has come when the first of two proxies is lost.
class LostPlainAnswers : public PlainAnswers {
 protected:
  LostPlainAnswers() : PlainAnswers({.proxies = 2, .workers = 1}) {
    net.boot();
    net.meddle = [this](Hop& hop) {
      if (&hop.from == &net.proxy(0) && &hop.to == &net.client() && hop.as<wire::Data>()) {
        hop.drop();  // the head by which the worker shows that it is at it
      }
    };
    asked = net.ask();
    net.run(Millis(limits::kFirstByteDeadline) + Seconds(30));
  }
  Asked asked;
};

TEST_F(LostPlainAnswers, AreMadeAgain) {
  net.proxy(0).crash();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_TRUE(got.status) << got.status.error().detail();
  EXPECT_GT(net.proxy(1).proxy().counts().charged, Nano{0});
}

TEST_F(LostPlainAnswers, AreNotWaitedForWhereNobodyAcceptsThem) {
  net.meddle = [this](Hop& hop) {
    if (&hop.from != &net.proxy(1) || &hop.to != &net.client()) return;
    if (hop.as<wire::Accepted>() || hop.as<wire::Data>() || hop.as<wire::End>()) hop.drop();
  };
  const MonoTime lost = net.world.now.mono;
  net.proxy(0).crash();
  EXPECT_EQ(net.outcome(asked).status.error().code(), "deadline_exceeded");
  EXPECT_LT(net.world.now.mono, lost + limits::kFirstByteDeadline + Seconds(10));
}

}  // namespace
}  // namespace cocoon::core::test
