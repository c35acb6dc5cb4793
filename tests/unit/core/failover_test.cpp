/// Requests whose first proxy has no worker for them, does not say, or is behind: they go on to the
/// next one, all of them at once, and where there is none their callers hear it soon.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

constexpr auto kProxy = wire::Role::proxy;
constexpr auto kClient = wire::Role::client;

/// Two proxies. The client prefers the first, and the workers know the second alone.
class Failover : public ::testing::Test {
 protected:
  Failover() {
    const auto all = std::exchange(net.world.endpoints, {net.proxy(1).name()});
    for (Node* node : {&net.proxy(0), &net.proxy(1), &net.worker(0), &net.worker(1)}) node->boot();
    net.world.endpoints = all;
    net.meddle = [this](Hop& hop) {
      if (hop.as<wire::CandidatesRequest>() != nullptr) ++asks[&hop.to];
    };
    net.boot();
  }

  std::vector<Asked> ask(int count) {
    std::vector<Asked> asked;
    for (int i = 0; i < count; ++i) asked.push_back(net.ask());
    return asked;
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 2}};
  std::map<const Node*, unsigned> asks;
};

TEST_F(Failover, AllThatWaitPassAProxyOverAtOnce) {
  const std::vector<Asked> asked = ask(500);
  net.run(Millis(100));
  EXPECT_EQ(asks[&net.proxy(0)], 1u);
  EXPECT_GE(asks[&net.proxy(1)], 1u);
  EXPECT_EQ(net.proxy(0).proxy().counts().requests_refused, 0u);
  EXPECT_GT(net.proxy(1).proxy().counts().running, 8u) << "more than the workers take at once";
  for (const Asked& a : asked) (void)net.outcome(a);
}

TEST_F(Failover, AllThatWaitAreRefusedAtOnceWhereNoProxyHasAWorker) {
  net.worker(0).crash();
  net.worker(1).crash();
  net.run(Millis(100));
  asks.clear();
  const std::vector<Asked> asked = ask(500);
  net.run(Millis(100));
  EXPECT_TRUE(net.client().client().idle());
  EXPECT_EQ(asks[&net.proxy(0)], 1u);
  EXPECT_EQ(asks[&net.proxy(1)], 1u);
  for (const Asked& a : asked) EXPECT_FALSE(net.outcome(a).status);
}

TEST_F(Failover, ALaterRequestAsksAgain) {
  net.expect_served(net.ask());
  const unsigned before = asks[&net.proxy(0)];
  net.expect_served(net.ask());
  EXPECT_EQ(asks[&net.proxy(0)], before + 1) << "its workers may be back";
}

}  // namespace
}  // namespace cocoon::core::test
