/// Nodes whose ledger could not be read for longer than a registry may be old: none of them begins
/// anything, what runs goes on, and they take work again once it can be read.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class StaleRegistry : public ::testing::Test {
 protected:
  StaleRegistry() { net.boot(); }

  void set_stale(Node& node, bool stale) {
    node.core().on_registry_stale(stale, net.world.now);
    node.turn();
    net.run(Millis(100));
  }
  std::vector<Node*> all() { return {&net.client(), &net.proxy(), &net.worker()}; }

  Network net{{.workers = 1}};
};

TEST_F(StaleRegistry, AClientBeginsNothing) {
  set_stale(net.client(), true);
  EXPECT_FALSE(net.client().client().ready());
  EXPECT_NE(net.problem(net.client()).find("not read the ledger"), std::string::npos);
  const auto refused = net.client().client().submit({}, net.world.now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "registry_too_old");
}

TEST_F(StaleRegistry, AClientSealsNothingThatWaited) {
  net.proxy().crash();
  const Asked asked = net.ask();
  set_stale(net.client(), true);
  net.expect_refused(asked, ErrorKind::unavailable, "registry_too_old");
}

TEST_F(StaleRegistry, AProxyRefusesRequests) {
  set_stale(net.proxy(), true);
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::unavailable, "registry_too_old");
  EXPECT_EQ(net.executions(asked), 0u);
}

TEST_F(StaleRegistry, AWorkerSaysThatItTakesNone) {
  set_stale(net.worker(), true);
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 0u);
}

TEST_F(StaleRegistry, AWorkerRefusesWhatIsSentAllTheSame) {
  // Its status does not reach the proxy.
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::WorkerStatus>() != nullptr) hop.drop();
  };
  set_stale(net.worker(), true);
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 0u);
  EXPECT_TRUE(net.said(net.worker(), "worker_not_ready"));
}

TEST_F(StaleRegistry, WhatRunsGoesOnAndIsPaid) {
  const Asked asked = net.ask();
  for (int i = 0; i < 1000 && net.executions(asked) == 0; ++i) net.run(Millis(1));
  ASSERT_EQ(net.executions(asked), 1u);
  for (Node* node : all()) {
    node->core().on_registry_stale(true, net.world.now);
    node->turn();
  }
  net.expect_served(asked);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(StaleRegistry, WorkIsTakenAgainOnceTheLedgerCanBeRead) {
  for (Node* node : all()) set_stale(*node, true);
  for (Node* node : all()) set_stale(*node, false);
  EXPECT_TRUE(net.client().client().ready());
  net.expect_served(net.ask());
}

}  // namespace
}  // namespace cocoon::core::test
