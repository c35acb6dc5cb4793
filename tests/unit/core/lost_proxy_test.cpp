/// A client's proxy is lost, hangs or has no worker free, beside another one: what has had no
/// answer yet is served there.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class LostProxy : public ::testing::Test {
 protected:
  LostProxy() {
    net.world.weather.latency_low = net.world.weather.latency_high = Millis(1);
    net.boot();
    net.run(Millis(500));
  }
  /// From now on nothing reaches the first proxy, and nothing comes from it.
  void hang_first() {
    net.meddle = [this](Hop& hop) {
      if (&hop.from == &net.proxy(0) || &hop.to == &net.proxy(0)) hop.drop();
    };
  }
  /// Runs until a worker has accepted the request, at the first proxy, and holds its answer back.
  Asked accepted_one(bool with_head = false) {
    unsigned chunks = 0;
    bool accepted = false;
    net.meddle = [&, with_head](Hop& hop) {
      if (!hop.between(kProxy, kClient) || &hop.from != &net.proxy(0)) return;
      accepted = accepted || hop.as<wire::Accepted>() != nullptr;
      if (hop.as<wire::Data>() != nullptr && chunks++ >= (with_head ? 1u : 0u)) hop.drop();
      if (hop.as<wire::End>() != nullptr) hop.drop();
    };
    const Asked asked = net.ask();
    for (int i = 0; i < 300 && !(accepted && chunks > 0); ++i) net.run(Millis(10));
    EXPECT_TRUE(accepted);
    net.meddle = {};
    return asked;
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 2}};
};

TEST_F(LostProxy, WhatItsWorkerHadAcceptedIsMadeAgainAtTheNext) {
  const Asked asked = accepted_one();
  net.proxy(0).crash();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_TRUE(got.status) << got.status.error().detail();
  EXPECT_GT(net.proxy(1).proxy().counts().charged, Nano{0});
  EXPECT_LE(net.executions(asked), 2u);
}

TEST_F(LostProxy, NothingIsMadeAgainOnceItsCallerHasHadSomeOfTheAnswer) {
  const Asked asked = accepted_one(true);
  net.proxy(0).crash();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_EQ(got.status.error().code(), "proxy_lost");
  EXPECT_TRUE(got.charged) << "nobody can tell";
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST_F(LostProxy, OneThatHangsStopsNewRequestsForSecondsOnly) {
  hang_first();
  const Asked stuck = net.ask();
  net.run(Millis(7000));
  for (int i = 0; i < 5; ++i) {
    const MonoTime from = net.world.now.mono;
    net.expect_served(net.ask());
    EXPECT_LT(net.world.now.mono, from + Seconds(3));
  }
  EXPECT_TRUE(net.outcome(stuck).status) << "at the next one, once the first counts as lost";
}

TEST_F(LostProxy, OneThatAnswersAgainIsTheFirstChoiceAgain) {
  net.expect_served(net.ask());
  net.meddle = [this](Hop& hop) {
    if (&hop.from == &net.proxy(0) && hop.to.role() == kClient) hop.drop();
  };
  const Asked stuck = net.ask();
  net.run(Millis(8000));
  net.expect_served(net.ask());
  const Nano other = net.proxy(1).proxy().counts().charged;
  EXPECT_GT(other, Nano{0});
  net.meddle = {};
  net.forge(net.proxy(0), net.client(), wire::Pong{1});
  net.run(Millis(100));
  net.expect_served(net.ask());
  EXPECT_EQ(net.proxy(1).proxy().counts().charged, other);
  net.client().client().cancel(stuck.id, net.world.now);
  (void)net.outcome(stuck);
}

TEST_F(LostProxy, OneWhoseEngineThinksForLongIsNotSilent) {
  net.meddle = [this](Hop& hop) {  // all but the answers' chunks
    if (&hop.from == &net.proxy(0) && hop.between(kProxy, kClient) &&
        hop.as<wire::Data>() != nullptr) {
      hop.drop();
    }
  };
  const Asked slow = net.ask();
  net.run(Millis(10'000));
  const Nano other = net.proxy(1).proxy().counts().charged;
  const Asked next = net.ask();
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy(1).proxy().counts().charged, other) << "it answered the ping";
  net.client().client().cancel(slow.id, net.world.now);
  net.client().client().cancel(next.id, net.world.now);
  (void)net.outcome(slow);
  (void)net.outcome(next);
}

/// The first proxy refuses all that it is offered: its workers are busy.
struct Busy {
  explicit Busy(Network& net) {
    net.meddle = [this, &net](Hop& hop) {
      if (&hop.from != &net.client() || &hop.to != &net.proxy(0)) return;
      if (const auto* open = hop.as<wire::Open>()) {
        ++offers;
        wire::Reset busy;
        busy.stream = open->stream;
        busy.kind = static_cast<std::uint8_t>(ErrorKind::busy);
        busy.code = "no_candidate_free";
        busy.retry_after_ms = 1000;
        hop.drop();
        net.forge(net.proxy(0), net.client(), busy);
      } else if (hop.as<wire::Data>() || hop.as<wire::End>() || hop.as<wire::Reset>()) {
        hop.drop();
      }
    };
  }
  unsigned offers = 0;
};

TEST_F(LostProxy, OneWhoseWorkersAreBusyPassesItsRequestsOn) {
  const Busy busy(net);
  net.expect_served(net.ask());
  EXPECT_EQ(busy.offers, 2u);
  EXPECT_GT(net.proxy(1).proxy().counts().charged, Nano{0});
}

TEST(BusyProxy, ThatIsTheOnlyOneIsAskedThreeTimes) {
  Network net({.workers = 2});
  net.boot();
  const Busy busy(net);
  net.expect_refused(net.ask(), ErrorKind::busy, "no_candidate_free");
  EXPECT_EQ(busy.offers, limits::kMaxAttempts);
}

}  // namespace
}  // namespace cocoon::core::test
