/// Requests that find every worker busy wait at the proxy, in an order that is fair between
/// clients.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// One worker of four slots, whose answers take 2 s.
class Queue : public ::testing::Test {
 protected:
  explicit Queue(Shape shape = {.clients = 2, .proxies = 1, .workers = 1}) : net(shape) {
    net.world.weather.chunk_gap = Millis(250);
  }
  std::vector<Asked> ask(Node& client, int count) {
    std::vector<Asked> asked;
    for (int i = 0; i < count; ++i) asked.push_back(net.ask(client));
    net.run(Millis(400));
    return asked;
  }
  std::size_t waiting() { return net.proxy().proxy().counts().waiting; }

  Network net;
};

TEST_F(Queue, ARequestThatFindsNoFreeSlotWaitsForOne) {
  net.boot();
  const std::vector<Asked> asked = ask(net.client(), 6);
  EXPECT_EQ(waiting(), 2u);
  for (const Asked& a : asked) net.expect_served(a);
  EXPECT_FALSE(net.said(net.proxy(), "no_candidate_free"));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Queue, AClientThatAsksForMuchDelaysItself) {
  net.boot();
  const std::vector<Asked> heavy = ask(net.client(0), 14);
  const Asked light = net.ask(net.client(1));
  net.expect_served(light);
  EXPECT_GE(waiting(), 2u);
  for (const Asked& a : heavy) net.expect_served(a);
}

TEST_F(Queue, TheHostsWeightDecidesHowManyTurnsAClientHas) {
  const AccountId heavy = net.client(0).account();
  net.world.proxy_options = [heavy](ProxyCoreOptions& o) {
    o.weight = [heavy](const AccountId& client, const ChannelId&) {
      return client == heavy ? 3u : 1u;
    };
  };
  net.boot();
  const std::vector<Asked> first = ask(net.client(0), 4);
  std::vector<Asked> light;
  std::vector<Asked> more;
  for (int i = 0; i < 5; ++i) {
    light.push_back(net.ask(net.client(1)));
    more.push_back(net.ask(net.client(0)));
  }
  const auto run = [this](const std::vector<Asked>& asked) {
    return std::count_if(asked.begin(), asked.end(),
                         [this](const Asked& a) { return net.executions(a) > 0; });
  };
  while (run(light) + run(more) < 4) net.run(Millis(20));
  EXPECT_EQ(run(more), 3);
  EXPECT_EQ(run(light), 1);
  for (const auto& all : {first, light, more}) {
    for (const Asked& a : all) net.expect_served(a);
  }
}

TEST_F(Queue, ACancelledRequestLeavesTheLineAndRunsNowhere) {
  net.boot();
  const std::vector<Asked> asked = ask(net.client(), 5);
  net.client().client().cancel(asked[4].id, net.world.now);
  net.client().turn();
  net.run(Millis(200));
  EXPECT_EQ(waiting(), 0u);
  EXPECT_EQ(net.outcome(asked[4]).status.error().kind(), ErrorKind::cancelled);
  for (int i = 0; i < 4; ++i) net.expect_served(asked[i]);
  EXPECT_EQ(net.executions(asked[4]), 0u);
}

TEST_F(Queue, ARequestThatCannotBeginInTimeIsRefusedAndNotCharged) {
  net.world.weather.chunk_gap = Millis(20'000);  // 160 s each
  net.boot();
  const std::vector<Asked> running = ask(net.client(), 4);
  const Asked late = net.ask();
  const RequestOutcome outcome = net.outcome(late);
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.status.error().kind(), ErrorKind::busy);
  EXPECT_GT(outcome.retry_after_s, 0u);
  EXPECT_FALSE(outcome.charged);
  EXPECT_EQ(net.executions(late), 0u);
  for (const Asked& a : running) net.expect_served(a);
}

TEST_F(Queue, AWorkerThatLeavesTakesNoWaitingRequestWithIt) {
  net.boot();
  const std::vector<Asked> asked = ask(net.client(), 6);
  net.worker().crash();
  net.run(Millis(100));
  EXPECT_EQ(waiting(), 0u);
  for (std::size_t i = 4; i < 6; ++i) {
    const RequestOutcome outcome = net.outcome(asked[i]);
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code(), "no_worker") << "it was the only one";
    EXPECT_EQ(net.executions(asked[i]), 0u);
  }
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(net.outcome(asked[i]).status);
}

TEST(Burst, BeyondWhatItsCapsLeaveIsBusyAndNoMatterOfPayment) {
  Network net;
  net.world.max_exposure = Nano{100'000};
  net.boot();
  std::vector<Asked> asked;
  for (int i = 0; i < 50; ++i) asked.push_back(net.ask());
  int served = 0;
  for (const Asked& a : asked) {
    const RequestOutcome outcome = net.outcome(a);
    if (outcome.status) {
      ++served;
      continue;
    }
    EXPECT_EQ(outcome.status.error().code(), "caps_in_use");
    EXPECT_EQ(outcome.status.error().kind(), ErrorKind::busy);
    EXPECT_GT(outcome.retry_after_s, 0u);
  }
  EXPECT_GT(served, 0);
  EXPECT_LT(served, 50);
  net.expect_served(net.ask());
}

/// A proxy that bounds what a client may ask.
class ClientLimits : public ::testing::Test {
 protected:
  struct Ends {
    int served = 0;
    int refused = 0;
  };
  /// Of requests that are made at once: refused ones are by `code`, for a time, and not charged.
  Ends ends_of(Node& client, int requests, std::string_view code) {
    std::vector<Asked> asked;
    for (int i = 0; i < requests; ++i) asked.push_back(net.ask(client));
    Ends ends;
    for (const Asked& a : asked) {
      const RequestOutcome got = net.outcome(a);
      ++(got.status ? ends.served : ends.refused);
      if (got.status) continue;
      EXPECT_EQ(got.status.error().code(), code);
      EXPECT_EQ(got.status.error().kind(), ErrorKind::busy);
      EXPECT_GT(got.retry_after_s, 0u);
      EXPECT_FALSE(got.charged);
      EXPECT_EQ(net.executions(a), 0u);
    }
    return ends;
  }

  Network net{{.clients = 2, .proxies = 1, .workers = 2}};
};

/// The proxy tells the client, which keeps to it.
TEST_F(ClientLimits, NoMoreRequestsOfAClientRunAtOnceThanItMayHave) {
  net.world.proxy_options = [](ProxyCoreOptions& o) { o.max_requests_per_client = 3; };
  net.boot();
  const Ends ends = ends_of(net.client(0), 5, "too_many_streams");
  EXPECT_EQ(ends.served, 3);
  EXPECT_EQ(ends.refused, 2);
  net.expect_served(net.ask(net.client(0)));
}

TEST_F(ClientLimits, TheBoundIsEachClientsOwn) {
  net.world.proxy_options = [](ProxyCoreOptions& o) { o.max_requests_per_client = 3; };
  net.boot();
  std::vector<Asked> asked;
  for (int i = 0; i < 3; ++i) {
    asked.push_back(net.ask(net.client(0)));
    asked.push_back(net.ask(net.client(1)));
  }
  for (const Asked& a : asked) net.expect_served(a);
}

TEST_F(ClientLimits, NobodyBeginsRequestsFasterThanHeMay) {
  net.world.proxy_options = [](ProxyCoreOptions& o) { o.max_request_rate_per_client = 2; };
  net.boot();
  EXPECT_GT(ends_of(net.client(0), 6, "too_fast").refused, 0);
  net.run(Seconds(5));
  net.expect_served(net.ask(net.client(0)));
  net.expect_served(net.ask(net.client(1)));
}

TEST(StreamLimit, WhatOneProxyHasNoStreamForGoesToTheNext) {
  Network net({.clients = 1, .proxies = 2, .workers = 2});
  net.meddle = [&](Hop& hop) {
    auto* ack = hop.as<wire::HelloAck>();
    if (ack != nullptr && &hop.from == &net.proxy(0)) ack->max_streams = 0;
  };
  net.boot();
  for (int i = 0; i < 3; ++i) net.expect_served(net.ask());
}

TEST(Refusal, NamesFreeWorkersOfAnyPrice) {
  Network net({.clients = 1, .proxies = 1, .workers = 3});
  net.world.weather.chunk_gap = Millis(250);
  net.worker(2).ask_coefficient(4000);  // the two cheap ones are the candidates that come first
  net.boot();
  std::vector<Asked> asked;
  for (int i = 0; i < 12; ++i) asked.push_back(net.ask());
  for (const Asked& a : asked) {
    const RequestOutcome outcome = net.outcome(a);
    EXPECT_TRUE(outcome.status) << outcome.status.error().detail();
  }
}

}  // namespace
}  // namespace cocoon::core::test
