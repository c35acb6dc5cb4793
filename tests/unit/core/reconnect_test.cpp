/// How often a role comes back to a proxy that does not want it, and how soon to one that does, or
/// that is needed because another one goes.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// A registry that lists no model any more, so that its proxy takes no worker's record.
void close_to_workers(Network& net, Node& proxy) {
  billing::Registry registry = net.world.registry();
  ++registry.version;
  registry.models.clear();
  ASSERT_TRUE(proxy.proxy().on_registry(registry, net.world.now));
}

class Reconnect : public ::testing::Test {
 protected:
  Reconnect() { net.boot(); }

  /// Connections that are made within `time`.
  unsigned connections(Millis time) {
    const unsigned before = net.world.connections;
    net.run(time);
    return net.world.connections - before;
  }
  bool is_found(Millis time) {
    net.run(time);
    return net.client().client().ready() && net.proxy().proxy().counts().workers == 1;
  }

  Network net{{.clients = 1, .proxies = 1, .workers = 1}};
};

TEST_F(Reconnect, AWorkerThatIsRefusedComesBackLessAndLessOften) {
  close_to_workers(net, net.proxy());
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

TEST_F(Reconnect, RequestsWaitForAProxyThatIsRestarted) {
  net.proxy().crash();
  net.run(Millis(500));
  const Asked asked = net.ask();
  net.run(Millis(500));
  EXPECT_FALSE(net.client().client().idle());
  net.proxy().boot();
  net.expect_served(asked);
}

TEST_F(Reconnect, RequestsDoNotWaitLongForAProxyThatStaysAway) {
  net.proxy().crash();
  net.run(Millis(500));
  const Asked asked = net.ask();
  net.run(limits::kRetryAfterNoProxy + Seconds(1));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_refused(asked, ErrorKind::unavailable, "no_proxy");
  const Asked later = net.ask();
  net.run(Millis(10));
  EXPECT_TRUE(net.client().client().idle()) << "it is known by now";
  net.expect_refused(later, ErrorKind::unavailable, "no_proxy");
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

// --- Two proxies that are restarted one after the other ---

class Rolling : public ::testing::Test {
 protected:
  Rolling() {
    net.boot();
    net.run(limits::kConnectionProved);
  }

  /// The first proxy is down for so long that nobody tries it soon, and is back.
  void restart_first() {
    net.proxy(0).crash();
    net.run(Seconds(60));
    net.proxy(0).boot();
    net.run(Millis(500));
    const auto counts = net.proxy(0).proxy().counts();
    ASSERT_EQ(counts.clients + counts.workers, 0u) << "or this shows nothing";
  }
  void expect_all_at_first() {
    net.run(2 * limits::kReconnectFirst);
    const auto counts = net.proxy(0).proxy().counts();
    EXPECT_EQ(counts.clients, 1u);
    EXPECT_EQ(counts.workers, 1u);
  }
  void drain_second() {
    net.proxy(1).proxy().drain(net.world.now);
    net.proxy(1).turn();
  }

  Network net{{.clients = 1, .proxies = 2, .workers = 1}};
};

TEST_F(Rolling, TheOneThatIsBackIsTakenAtOnceWhenTheOtherOneDrains) {
  restart_first();
  net.world.weather.chunk_gap = Seconds(2);
  const Asked running = net.ask();
  net.run(Millis(100));
  drain_second();
  net.world.weather.chunk_gap = Millis(20);
  const Asked asked = net.ask();
  expect_all_at_first();
  net.run(Seconds(2));
  EXPECT_EQ(net.proxy(0).proxy().counts().requests_done, 1u);
  net.expect_served(asked);
  net.expect_served(running);
}

TEST_F(Rolling, TheOneThatIsBackIsTakenAtOnceWhenTheOtherOneIsLost) {
  restart_first();
  net.proxy(1).crash();
  const Asked asked = net.ask();
  expect_all_at_first();
  net.run(Seconds(2));
  EXPECT_TRUE(net.client().client().idle());
  net.expect_served(asked);
}

TEST_F(Rolling, WorkersMayComeAfterTheirClients) {
  net.worker().crash();
  net.run(Millis(100));
  net.proxy(1).crash();
  net.run(Millis(100));
  const Asked asked = net.ask();  // the first one says that it has no worker
  net.run(Seconds(1));
  EXPECT_FALSE(net.client().client().idle());
  net.worker().boot();
  net.expect_served(asked);
}

TEST_F(Rolling, AWorkerThatNobodyWantsIsNotSentToAndFro) {
  for (std::size_t p : {0u, 1u}) close_to_workers(net, net.proxy(p));
  net.worker().crash();
  net.worker().boot();
  const unsigned before = net.world.connections;
  net.run(Seconds(300));
  EXPECT_LE(net.world.connections - before, 2u * 80u);
}

}  // namespace
}  // namespace cocoon::core::test
