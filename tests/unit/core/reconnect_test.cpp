/// How often a role comes back to a proxy that does not want it, and how soon to one that does.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class Reconnect : public ::testing::Test {
 protected:
  Reconnect() { net.boot(); }

  /// Connections that are made within `time`.
  unsigned connections(Millis time) {
    const unsigned before = net.world.connections;
    net.run(time);
    return net.world.connections - before;
  }
  /// The proxy's registry lists no model any more, so that it takes no worker's record.
  void close_to_workers() {
    billing::Registry registry = net.world.registry();
    ++registry.version;
    registry.models.clear();
    ASSERT_TRUE(net.proxy().proxy().on_registry(registry, net.world.now));
  }
  bool is_found(Millis time) {
    net.run(time);
    return net.client().client().ready() && net.proxy().proxy().counts().workers == 1;
  }

  Network net{{.clients = 1, .proxies = 1, .workers = 1}};
};

TEST_F(Reconnect, AWorkerThatIsRefusedComesBackLessAndLessOften) {
  close_to_workers();
  net.worker().crash();
  net.worker().boot();
  const unsigned quotes = net.worker().quotes();
  EXPECT_LE(connections(Seconds(60)), 10u);
  EXPECT_LE(net.worker().quotes() - quotes, 10u);
  EXPECT_LE(connections(Seconds(300)), 25u) << "every 30 s at most";
  EXPECT_GT(connections(Seconds(300)), 5u) << "and it does not give up";
}

TEST_F(Reconnect, AClientThatIsLiedToComesBackLessAndLessOften) {
  net.meddle = [](Hop& hop) {
    auto* answer = hop.as<wire::Candidates>();
    if (answer != nullptr && !answer->workers.empty()) {
      answer->root_signature = hop.flipped(answer->root_signature, 5);
    }
  };
  const unsigned before = net.world.connections;
  for (int second = 0; second < 60; ++second) {
    if (net.client().client().ready()) (void)net.ask();
    net.run(Seconds(1));
  }
  EXPECT_LE(net.world.connections - before, 10u);
}

TEST_F(Reconnect, AProxyThatWasRestartedIsFoundAtOnce) {
  net.run(limits::kConnectionProved);
  for (int i = 0; i < 5; ++i) {
    net.proxy().crash();
    net.run(Millis(50));
    net.proxy().boot();
    ASSERT_TRUE(is_found(Millis(2) * limits::kReconnectFirst.count())) << i;
    net.run(limits::kConnectionProved);
  }
}

TEST_F(Reconnect, WorkAndAnswersEndTheRowOfFailures) {
  for (int i = 0; i < 8; ++i) {
    net.expect_served(net.ask());
    net.proxy().crash();
    net.run(Millis(50));
    net.proxy().boot();
    ASSERT_TRUE(is_found(Millis(2) * limits::kReconnectFirst.count())) << i;
  }
}

}  // namespace
}  // namespace cocoon::core::test
