/// Deadlines are the client's to choose: one that passes costs what the client's own cut would
/// have, and a worker is blamed for what it did alone.

#include "base/limits.h"
#include "unit/core/rogue_client.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

constexpr Millis kGrace = limits::kDeadlineGrace;

/// The fields of a request whose body is larger than a proxy holds.
std::string large() {
  return R"("max_tokens":64,"metadata":{"filler":")" + std::string(400'000, 'x') + R"("})";
}

bool is_answer(Hop& hop) {
  return hop.as<wire::Accepted>() || hop.as<wire::Data>() || hop.as<wire::End>();
}

/// Counts the receipts of cut requests, by their receiver.
class Time : public ::testing::Test {
 protected:
  explicit Time(Shape shape) : net(shape) {
    net.world.weather.chunks = 60;
    net.world.weather.chunk_gap = Millis(200);  // 12 s
    net.meddle = [this](Hop& hop) { on_hop(hop); };
  }
  void on_hop(Hop& hop) {
    const auto* cut = hop.as<wire::Settlement>();
    if (cut != nullptr && !cut->receipt.empty()) ++receipts[&hop.to];
    if (meddle) meddle(hop);
  }
  std::uint64_t charged() { return net.proxy().proxy().counts().charged.value; }

  Network net;
  std::function<void(Hop&)> meddle;
  std::map<const Node*, unsigned> receipts;
};

// --- The client's ---

/// A client that stays silent when its time is over, and an honest worker.
class ClientsTime : public Time {
 protected:
  ClientsTime() : Time({.clients = 1, .workers = 1}) {}
  void SetUp() override {
    net.proxy().boot();
    net.worker().boot();
    net.run(Millis(100));
    rogue = &boot_rogue_client(net, net.client());
    net.run(Millis(200));
    ASSERT_EQ(rogue->recipients.size(), 1u);
    rogue->send_voucher(Nano{0}, Nano{100'000'000});
    net.run(Millis(50));
    rogue->time_left_ms = 1000;
  }
  RogueClient* rogue = nullptr;
};

TEST_F(ClientsTime, ThatPassesCostsWhatWasForwarded) {
  const auto stream = rogue->request();
  net.run(Millis(900) + kGrace);
  EXPECT_EQ(charged(), 0u) << "a client that is a little late makes its own cut";
  net.run(Millis(500));
  EXPECT_EQ(rogue->resets[stream], "deadline_exceeded");
  EXPECT_GT(charged(), 8u * 20 * 8);  // 3 s of 5 tokens
  EXPECT_EQ(rogue->costs[stream].value, charged());
  EXPECT_EQ(net.worker().worker().counts().running, 0u);
  EXPECT_EQ(net.success_rate(net.worker()), 1);
}

TEST_F(ClientsTime, ThatPassesIsProvedByTheWorkersReceiptAndPaid) {
  bool paid = false;
  meddle = [&](Hop& hop) { paid = paid || hop.as<wire::Payout>() != nullptr; };
  rogue->request();
  net.run(Millis(2000) + kGrace);
  EXPECT_EQ(receipts[&net.client()], 1u);
  rogue->send_voucher(Nano{charged()}, Nano{100'000'000});
  net.run(Millis(5000));
  EXPECT_TRUE(paid);
}

TEST_F(ClientsTime, ThatPassesBeforeAcceptanceCostsNothingAndBlamesNobody) {
  meddle = [](Hop& hop) {
    if (hop.from.role() == wire::Role::worker && is_answer(hop)) hop.drop();
  };
  for (int i = 0; i < 3; ++i) {
    const auto stream = rogue->request();
    net.run(Millis(1500) + kGrace);
    EXPECT_EQ(rogue->resets[stream], "deadline_exceeded");
  }
  EXPECT_EQ(charged(), 0u);
  EXPECT_EQ(net.success_rate(net.worker()), 1);
}

/// The proxy says nothing: the worker ends the run by itself, later than the proxy would.
TEST_F(ClientsTime, IsOverAtTheWorkerAfterTwiceTheGrace) {
  meddle = [](Hop& hop) {
    if (hop.to.role() == wire::Role::worker && hop.as<wire::Reset>()) hop.drop();
  };
  rogue->request();
  net.run(Millis(900) + 2 * kGrace);
  EXPECT_EQ(net.worker().worker().counts().running, 1u);
  net.run(Millis(500));
  EXPECT_EQ(net.worker().worker().counts().running, 0u);
  EXPECT_EQ(net.worker().worker().counts().requests_cancelled, 1u);
  EXPECT_EQ(receipts[&net.proxy()], 1u);
  EXPECT_EQ(receipts[&net.client()], 1u);
}

TEST_F(ClientsTime, IsNotTheProxysToExtend) {
  rogue->time_left_ms = 0xffffffff;
  const auto stream = rogue->request();
  net.world.weather.chunk_gap = Millis(60'000);
  net.run(Millis(limits::kRequestDeadline) + kGrace - Millis(500));
  EXPECT_FALSE(rogue->resets.contains(stream));
  net.run(Millis(1000));
  EXPECT_EQ(rogue->resets[stream], "deadline_exceeded");
}

// --- An honest client's ---

class HonestClientsTime : public Time {
 protected:
  HonestClientsTime() : Time({.clients = 1, .workers = 1}) {}
};

TEST_F(HonestClientsTime, IsEndedByItsOwnCut) {
  net.boot();
  net.deadline = Millis(1000);
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "deadline_exceeded");
  net.run(Millis(1000) + kGrace);
  EXPECT_TRUE(net.said(net.client(), "deadline_exceeded"));
  EXPECT_FALSE(net.said(net.proxy(), "deadline_exceeded"));
  EXPECT_GT(charged(), 0u);
  EXPECT_EQ(net.acknowledged(net.client()).value, charged());
  EXPECT_EQ(receipts[&net.client()], 1u);
}

TEST_F(HonestClientsTime, CostsTheSameWhereTheProxyEndsIt) {
  net.boot();
  net.deadline = Millis(1000);
  net.world.weather.chunk_gap = Millis(10'000);  // nothing comes but the acceptance
  bool cut = false;
  meddle = [&](Hop& hop) {
    if (&hop.from == &net.client() && hop.as<wire::Reset>()) {
      cut = true;
      hop.drop();
    }
  };
  const Asked asked = net.ask();
  ASSERT_FALSE(net.outcome(asked).status);
  net.run(Millis(2000) + kGrace);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(net.said(net.proxy(), "deadline_exceeded"));
  EXPECT_GT(charged(), 0u);
  EXPECT_EQ(net.acknowledged(net.client()).value, charged());
}

/// The client's machine was asleep: the proxy's reset is there before its own timer has run.
TEST_F(HonestClientsTime, CostsWhatTheProxySaysWhereTheCutComesTooLate) {
  net.boot();
  net.deadline = Millis(1000);
  net.world.weather.chunk_gap = Millis(10'000);
  wire::Reset reset;
  meddle = [&](Hop& hop) {
    if (&hop.to == &net.client() && hop.as<wire::Data>()) hop.drop();  // no mark comes
    const auto* open = hop.as<wire::Open>();
    if (open != nullptr && &hop.from == &net.client()) reset.stream = open->stream;
  };
  const Asked asked = net.ask();
  net.run(Millis(500));
  reset.kind = static_cast<std::uint8_t>(ErrorKind::timeout);
  reset.code = "deadline_exceeded";
  reset.cost = reset.charged_total = Nano{20 * 3};
  Bytes bytes;
  wire::encode(bytes, reset);
  Now woken = net.world.now;
  woken.mono += Seconds(10);
  net.client().core().on_bytes(1, bytes, woken);
  net.client().turn();
  EXPECT_EQ(net.outcome(asked).status.error().code(), "deadline_exceeded");
  EXPECT_EQ(net.acknowledged(net.client()), reset.cost);
}

// --- What is said of workers ---

/// A worker that does as its test says, and honest clients.
class Blame : public Time {
 protected:
  explicit Blame(Shape shape = {.clients = 1, .workers = 1}) : Time(shape) {}
  void SetUp() override {
    net.proxy().boot();
    worker = &boot_rogue_worker(net, net.worker());
    worker->prompt_tokens = 7;
    net.boot();
    ASSERT_TRUE(worker->admitted);
  }
  void reset(RogueWorker::Job& job, ErrorKind kind, std::string_view code) {
    worker->refuse(job, Error(kind, code, "as the test says"));
  }
  RogueWorker* worker = nullptr;
};

struct Refusal {
  ErrorKind kind;
  std::string_view code;
  bool blamed;
};
class BlameOfRefusals : public Blame, public ::testing::WithParamInterface<Refusal> {};

TEST_P(BlameOfRefusals, IsForWhatIsTheWorkersOwnFault) {
  worker->act = [this](RogueWorker::Job& job) { reset(job, GetParam().kind, GetParam().code); };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_FALSE(got.status);
  EXPECT_FALSE(got.charged);
  EXPECT_EQ(net.success_rate(net.worker()) < 1, GetParam().blamed);
}
INSTANTIATE_TEST_SUITE_P(
    All, BlameOfRefusals,
    ::testing::Values(Refusal{ErrorKind::busy, "worker_full", false},
                      Refusal{ErrorKind::payment, "cap_too_low", false},
                      Refusal{ErrorKind::payment, "max_unpaid", false},
                      Refusal{ErrorKind::payment, "over_max_unpaid", false},
                      Refusal{ErrorKind::invalid_argument, "model_mismatch", false},
                      Refusal{ErrorKind::protocol, "bad_wrap", false},
                      Refusal{ErrorKind::timeout, "request_expired", false},
                      Refusal{ErrorKind::not_found, "model_not_found", false},
                      Refusal{ErrorKind::unavailable, "unknown_sealing_key", false},
                      Refusal{ErrorKind::unavailable, "going_away", false},
                      Refusal{ErrorKind::unavailable, "registry_too_old", false},
                      Refusal{ErrorKind::unavailable, "engine_down", true},
                      Refusal{ErrorKind::upstream, "engine_failed", true},
                      Refusal{ErrorKind::io, "disconnected", true}),
    [](const auto& param) { return std::string(param.param.code); });

TEST_F(Blame, IsForATimeoutWithinTheClientsTimeWhichCostsNothing) {
  worker->act = [this](RogueWorker::Job& job) {
    worker->accept(job);
    worker->say(job, "some", {7, 0, 1, 0});
    reset(job, ErrorKind::timeout, "engine_stalled");
  };
  net.expect_refused(net.ask(), ErrorKind::timeout, "engine_stalled");
  EXPECT_EQ(charged(), 0u);
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

TEST_F(Blame, IsNotForATimeoutAfterTheClientsTimeWhichCostsTheMark) {
  RogueWorker::Job* running = nullptr;
  worker->act = [&](RogueWorker::Job& job) {
    worker->accept(job);
    worker->say(job, "some", {7, 0, 1, 0});
    running = &job;
  };
  net.deadline = Millis(1000);
  meddle = [&](Hop& hop) {  // the client's own cut comes late
    if (&hop.from == &net.client() && hop.as<wire::Reset>()) hop.drop();
  };
  const Asked asked = net.ask();
  net.run(Millis(1500));
  ASSERT_NE(running, nullptr);
  reset(*running, ErrorKind::timeout, "engine_deadline");
  EXPECT_FALSE(net.outcome(asked).status);
  net.run(Millis(100));
  EXPECT_EQ(charged(), 20u * (7 + 8));
  EXPECT_EQ(net.acknowledged(net.client()).value, charged());
  EXPECT_EQ(net.success_rate(net.worker()), 1);
}

TEST_F(Blame, IsForSilenceAfterAcceptanceWhichCostsNothing) {
  worker->act = [this](RogueWorker::Job& job) { worker->accept(job); };
  net.expect_refused(net.ask(), ErrorKind::timeout, "deadline_exceeded");
  net.run(Millis(1000));
  EXPECT_EQ(charged(), 0u);
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

TEST_F(Blame, IsForALimitThatIsPassedBeforeTheAnswerBegins) {
  worker->act = [this](RogueWorker::Job& job) {
    worker->accept(job);
    reset(job, ErrorKind::upstream, "engine_over_limit");
  };
  net.expect_refused(net.ask(), ErrorKind::upstream, "engine_over_limit");
  EXPECT_EQ(charged(), 0u);
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

/// Where the client's limit is nothing, the first byte is too many; but not even that has come.
TEST(BlameForNothing, IsForALimitOfNothingThatIsPassedBeforeTheAnswerBegins) {
  Network net({.workers = 1});
  net.proxy().boot();
  RogueWorker& worker = boot_rogue_worker(net, net.worker());
  net.run(Millis(100));
  RogueClient& client = boot_rogue_client(net, net.client());
  net.run(Millis(200));
  client.send_voucher(Nano{0}, kEnough);
  worker.prompt_tokens = 7;
  worker.act = [&](RogueWorker::Job& job) {
    worker.accept(job);
    worker.link->reset(job.stream, Error(ErrorKind::upstream, "engine_over_limit", "too much"));
  };
  session::RequestHeader header = client.header();
  header.max_output_tokens = 0;
  client.request(header, RogueClient::body());
  net.run(Millis(200));
  EXPECT_EQ(worker.jobs(), 1u);
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

TEST_F(Blame, IsForSilenceBeforeAcceptance) {
  worker->act = [](RogueWorker::Job&) {};
  net.expect_refused(net.ask(), ErrorKind::timeout, "deadline_exceeded");
  net.run(Millis(1000));
  EXPECT_LT(net.success_rate(net.worker()), 1);
}

TEST_F(Blame, IsNotForSilenceThatAnHonestEngineMayKeep) {
  worker->act = [this](RogueWorker::Job& job) { worker->accept(job); };
  const Asked asked = net.ask();
  net.run(Millis(limits::kEngineFirstByteDeadline));
  net.client().client().cancel(asked.id, net.world.now);
  net.run(Millis(500));
  EXPECT_EQ(charged(), 20u * 7);
  EXPECT_EQ(net.acknowledged(net.client()).value, charged());
  EXPECT_EQ(net.success_rate(net.worker()), 1);
}

TEST(BlameOfHaste, IsForAcceptanceBeforeTheBodyHasCome) {
  Network net({.workers = 1});
  net.boot();
  bool accepted = false;
  net.meddle = [&](Hop& hop) {
    const auto* data = hop.as<wire::Data>();
    if (data == nullptr || &hop.to != &net.worker() || std::exchange(accepted, true)) return;
    net.forge(net.worker(), net.proxy(), wire::Accepted{data->stream, 0, 0});
  };
  const Asked asked = net.ask(net.client(), large());
  net.run(Millis(100));
  EXPECT_TRUE(accepted);
  EXPECT_LT(net.success_rate(net.worker()), 1);
  EXPECT_TRUE(net.said(net.proxy(), "cancelled"));
  net.expect_served(asked);  // at the second attempt
}

/// One worker that finds fault with every request, beside an honest one.
class FaultFinder : public Blame {
 protected:
  FaultFinder() : Blame({.clients = 1, .workers = 2}) {}
};

TEST_F(FaultFinder, TurnsNoClientAway) {
  net.world.weather = simulation::Weather{.latency_low = Millis(1), .latency_high = Millis(1)};
  worker->act = [this](RogueWorker::Job& job) {
    reset(job, ErrorKind::invalid_argument, "model_mismatch");
  };
  for (int i = 0; i < 6; ++i) net.expect_served(net.ask());
  EXPECT_GT(worker->jobs(), 0u);
  EXPECT_EQ(net.success_rate(net.worker()), 1) << "the client may have brought it about";
}

TEST_F(FaultFinder, WhoFindsThereIsNoTimeTurnsNoClientAwayAndRests) {
  net.world.weather = simulation::Weather{.latency_low = Millis(1), .latency_high = Millis(1)};
  worker->act = [this](RogueWorker::Job& job) {
    reset(job, ErrorKind::timeout, "deadline_exceeded");
  };
  std::vector<Asked> asked;
  for (int i = 0; i < 20; ++i) {
    asked.push_back(net.ask());
    net.run(Millis(20));
  }
  for (const Asked& one : asked) net.expect_served(one);
  EXPECT_GT(worker->jobs(), 0u);
  EXPECT_LT(worker->jobs(), 5u) << "about one a second is offered to it";
}

TEST_F(FaultFinder, IsBelievedWhereTheOthersSayTheSame) {
  worker->act = [this](RogueWorker::Job& job) {
    reset(job, ErrorKind::invalid_argument, "model_mismatch");
  };
  net.worker(1).crash();
  net.run(Millis(200));
  net.expect_refused(net.ask(), ErrorKind::invalid_argument, "model_mismatch");
}

TEST(ClockBehind, OfAClientCostsItNoShortRequest) {
  Network net({.workers = 1});
  net.boot();
  net.client().set_clock_error(-(limits::kClockSkew - Seconds(2)));
  net.deadline = Millis(5000);
  net.expect_served(net.ask());
}

// --- Streams that nobody waits for ---

TEST(EndedBeforeItsBody, ARequestLeavesNoStreamOpenAtTheClient) {
  Network net({.workers = 1});
  net.boot();
  bool ended = false;
  net.meddle = [&](Hop& hop) {
    const auto* data = hop.as<wire::Data>();
    if (data == nullptr || &hop.from != &net.client() || std::exchange(ended, true)) return;
    net.forge(net.proxy(), net.client(), wire::Accepted{data->stream, 0, 0});
    net.forge(net.proxy(), net.client(), wire::End{.stream = data->stream});
  };
  const Asked asked = net.ask(net.client(), large());
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_TRUE(net.said(net.client(), "cancelled"));
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy().proxy().counts().running, 0u);
}

}  // namespace
}  // namespace cocoon::core::test
