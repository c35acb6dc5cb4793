/// A new version of the registry reaches the nodes one after the other. Requests of the meantime
/// are served by prices that all of them honour, and one that runs keeps the prices that it began
/// by.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class RegistryVersions : public ::testing::Test {
 protected:
  RegistryVersions() {
    net.boot();
    next = net.world.registry();
    ++next.version;
    next.effective = std::chrono::time_point_cast<Seconds>(net.world.now.unix);
    next.price_grace = Seconds(3600);
    next.prices.per_token = Nano{2 * next.prices.per_token.value};
  }

  void adopt(Node& node) {
    Status status = ok();
    switch (node.role()) {
      case wire::Role::client: status = node.client().on_registry(next, net.world.now); break;
      case wire::Role::proxy: status = node.proxy().on_registry(next, net.world.now); break;
      case wire::Role::worker: status = node.worker().on_registry(next, net.world.now); break;
    }
    EXPECT_TRUE(status) << status.error().detail();
    node.turn();
  }
  /// All who read the ledger in time have read it by then.
  void wait() { net.run(limits::kTonRegistryPoll + Seconds(1)); }
  Nano cost(const Asked& asked) {
    const RequestOutcome outcome = net.outcome(asked);
    EXPECT_TRUE(outcome.status) << outcome.status.error().detail();
    return Nano{outcome.usage.cost_nano};
  }
  bool refused(const Node& node) const { return net.said(node, "registry_version_unknown"); }

  Network net;
  billing::Registry next;
  const Nano new_cost{2 * kCost.value};
};

TEST_F(RegistryVersions, WhoIsFirstToReadOneUsesTheOneBeforeForAWhile) {
  adopt(net.client());
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_FALSE(refused(net.proxy()));
}

TEST_F(RegistryVersions, AWorkerHoldsABodyToTheAllowanceOfItsHeadersVersion) {
  for (auto& model : next.models) model.template_allowance_tokens += 2'000;
  adopt(net.worker(0));
  adopt(net.worker(1));
  net.expect_served(net.ask());
}

TEST_F(RegistryVersions, OnceAllHaveReadItItsPricesApply) {
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  wait();
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AProxyThatIsLateIsAskedByThePricesOfBefore) {
  adopt(net.client());
  wait();
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_TRUE(refused(net.proxy()));
  EXPECT_EQ(cost(net.ask()), kCost);
}

TEST_F(RegistryVersions, AProxyThatSaysSoAtItsHelloIsNotAskedInVain) {
  adopt(net.client());
  wait();
  net.proxy().crash();
  net.run(Millis(100));
  net.proxy().boot();
  net.run(Seconds(1));
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_FALSE(refused(net.proxy()));
}

TEST_F(RegistryVersions, WhereFormerPricesHaveEndedALateProxyMeansTryingAgainSoon) {
  next.price_grace = Seconds(0);
  adopt(net.client());
  wait();
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::unavailable, "registry_version_unknown");
  EXPECT_EQ(net.outcome(asked).retry_after_s, limits::kTonRegistryPoll.count());
  EXPECT_EQ(net.executions(asked), 0u);
  adopt(net.proxy());
  adopt(net.worker(0));
  adopt(net.worker(1));
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AWorkerThatIsLateIsPassedOverForAnother) {
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0)}) adopt(*node);
  wait();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(cost(net.ask()), new_cost);
  EXPECT_TRUE(refused(net.worker(1))) << "the test wants one to have been offered to it first";
}

TEST_F(RegistryVersions, WhatRunsWhenFormerPricesEndIsPaidByThem) {
  net.world.weather.chunk_gap = Millis(1000);
  const Asked asked = net.ask();
  net.run(Millis(1000));
  ASSERT_EQ(net.executions(asked), 1u);
  next.price_grace = Seconds(2);
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  EXPECT_EQ(cost(asked), kCost);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(RegistryVersions, AVerdictByTheRulesOfBeforeDoesNotCountForTheNewOnes) {
  net.world.weather.latency_low = net.world.weather.latency_high = Millis(0);
  const auto remove_their_images = [&] {
    for (Node* worker : {&net.worker(0), &net.worker(1)}) {
      ports::VerifiedEvidence other = *worker->evidence();
      other.certificate.push_back(0);  // verifiers refuse what it shows
      worker->show_evidence(std::move(other));
    }
  };
  bool seen = false;
  net.meddle = [&](Hop& hop) {
    const bool shown =
        hop.as<wire::Evidence>() && hop.between(wire::Role::proxy, wire::Role::client);
    if (!shown || std::exchange(seen, true)) return;
    // While that is being verified, a new version comes, by which the same is asked for again; the
    // answers come in the order of the questions.
    net.world.after(Millis(1), [&] {
      for (Node* node : {&net.proxy(), &net.worker(0), &net.worker(1), &net.client()}) adopt(*node);
      net.world.after(Millis(1), remove_their_images);
    });
  };
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 0u);
  ASSERT_TRUE(seen);
}

TEST_F(RegistryVersions, AProxyThatIsTakenOutIsLeftByClientsAndWorkers) {
  next.proxies.clear();  // an empty list lists nobody
  const Asked asked = net.ask();
  for (int i = 0; i < 1000 && net.executions(asked) == 0; ++i) net.run(Millis(1));
  for (Node* node : {&net.client(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(30));
  EXPECT_FALSE(net.outcome(asked).status) << "what runs there does not go on";
  EXPECT_FALSE(net.client().client().ready());
  EXPECT_NE(net.problem(net.client()).find("does not list proxy"), std::string::npos);
  for (Node* node : {&net.worker(0), &net.worker(1)}) {
    EXPECT_EQ(node->worker().counts().proxies_connected, 0u);
    EXPECT_NE(node->worker().counts().proxy_reason.find("does not list proxy"), std::string::npos);
  }
  EXPECT_FALSE(net.outcome(net.ask()).status);
}

TEST_F(RegistryVersions, AProxyThatIsListedAgainIsUsedAgain) {
  const auto listed = std::exchange(next.proxies, {});
  for (Node* node : {&net.client(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(30));
  ++next.version;
  next.proxies = listed;
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(limits::kReconnectLongest);
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AWorkerCashesWhatAProxyOwesThatIsTakenOut) {
  net.expect_served(net.ask());
  net.run(Seconds(3));
  next.proxies.clear();
  for (Node* node : {&net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(3));
  const auto proxies = net.world.ledger->proxies();
  ASSERT_EQ(proxies->size(), 1u);
  const Nano share = billing::worker_share(kCost, next.prices.worker_share_e4);
  const auto& paid = proxies->front().paid;
  ASSERT_EQ(paid.size(), 1u);
  EXPECT_EQ(paid.begin()->second, share);
}

/// Nodes that name no proxies themselves.
class FollowedRegistry : public RegistryVersions {
 protected:
  FollowedRegistry() {
    net.world.endpoints.clear();
    for (Node* node : nodes) {
      node->crash();
      node->boot();
    }
    net.run(Seconds(1));
  }
  void adopt_next() {
    ++next.version;
    for (Node* node : nodes) adopt(*node);
  }

  const std::vector<Node*> nodes{&net.client(), &net.worker(0), &net.worker(1)};
};

TEST_F(FollowedRegistry, AProxyThatIsListedLaterIsUsed) {
  const auto listed = std::exchange(next.proxies, {});
  adopt_next();
  net.run(Seconds(1));
  EXPECT_EQ(net.problem(net.client()), "no proxy is configured, and the registry lists none");
  next.proxies = listed;
  adopt_next();
  net.run(Seconds(1));
  EXPECT_TRUE(net.client().client().ready());
  for (Node* worker : {&net.worker(0), &net.worker(1)}) {
    EXPECT_EQ(worker->worker().counts().proxies_connected, 1u);
  }
}

TEST_F(FollowedRegistry, AnEndpointThatIsNoLongerListedIsLeftAlone) {
  net.proxy().crash();
  net.run(Seconds(10));
  next.proxies.front().endpoint = "elsewhere:1";
  adopt_next();
  net.run(limits::kReconnectLongest);
  net.proxy().boot();
  const unsigned connections = net.world.connections;
  net.run(limits::kReconnectLongest * 3);
  EXPECT_EQ(net.world.connections, connections);
}

}  // namespace
}  // namespace cocoon::core::test
