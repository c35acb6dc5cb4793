/// Certificates and evidence run out while requests run: fresh connections take over, and no
/// request notices.

#include <gtest/gtest.h>

#include "simulation/callers.h"

namespace cocoon::simulation {
namespace {

constexpr Seconds kDay{24 * 3600};

/// Answers that take 40 s.
Weather long_answers() {
  Weather weather;
  weather.chunk_gap = Millis(5000);
  weather.chunks = 8;
  return weather;
}

TEST(Renewal, ThreeDaysOfCertificatesOfOneDayLoseNoRequest) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), long_answers());
  world.certificate_lifetime = kDay;
  Node& proxy = world.add(wire::Role::proxy);
  Node& first = world.add(wire::Role::worker);
  Node& second = world.add(wire::Role::worker);
  Node& client = world.add(wire::Role::client);
  world.fund(Nano{5'000'000'000});
  // The proxy renews two hours after the workers: at their renewal they are shown evidence that
  // does not last until their next one.
  for (Node* node : {&first, &second, &client}) node->boot();
  world.run_for(Millis(2 * 3600 * 1000));
  proxy.boot();
  Callers callers(world);
  callers.strict = true;
  world.run_for(Millis(60'000));
  const unsigned at_first = world.connections;
  ASSERT_EQ(at_first, 3u);
  const MonoTime end = world.now.mono + 3 * kDay;
  while (world.now.mono < end && !::testing::Test::HasFailure()) {
    callers.ask(client);  // the one before it still runs
    ASSERT_GE(callers.open.size(), 1u);
    world.run_for(Millis(25'000));
    for (Node* node : {&proxy, &first, &second, &client}) node->review();
    callers.collect();
  }
  world.run_for(Millis(60'000));
  callers.collect();
  EXPECT_EQ(callers.served, callers.asked);
  EXPECT_EQ(world.expired, 0u) << "connections lived until their evidence ended";
  for (const auto& [user, count] : world.executions) EXPECT_EQ(count, 1u) << user;
  // Each worker at its own renewals and before the proxy's evidence ends, the client at the latter.
  EXPECT_GE(world.connections - at_first, 2u * 4 + 2);
  EXPECT_EQ(proxy.links(), 3u);
  for (Node* node : {&first, &second, &client}) EXPECT_EQ(node->links(), 1u) << node->name();
  EXPECT_EQ(first.worker().counts().proxies_connected, 1u);
  EXPECT_EQ(proxy.proxy().counts().workers, 2u);
  EXPECT_EQ(proxy.proxy().counts().clients, 1u);
}

TEST(Renewal, ARequestFinishesOnTheConnectionThatIsBeingReplaced) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), long_answers());
  populate(world, 1, 1, 1);
  Node& proxy = nth(world, "proxy", 0);
  Node& worker = nth(world, "worker", 0);
  Callers callers(world);
  callers.strict = true;
  world.run_for(Millis(3000));
  callers.ask(nth(world, "client", 0));
  world.run_for(Millis(12'000));
  worker.renew();
  world.run_for(Millis(8'000));
  EXPECT_EQ(worker.links(), 2u) << "the old connection has a request to finish";
  EXPECT_EQ(worker.worker().counts().proxies_connected, 1u);
  callers.ask(nth(world, "client", 0));  // goes over the fresh one, to the same worker
  world.run_for(Millis(28'000));
  callers.collect();
  EXPECT_EQ(callers.served, 1u);
  EXPECT_EQ(worker.links(), 1u);
  world.run_for(Millis(30'000));
  callers.collect();
  EXPECT_EQ(callers.served, 2u);
  EXPECT_EQ(proxy.proxy().counts().workers, 1u);
}

TEST(Renewal, AnOlderConnectionThatDoesNotTakeItsLeaveIsEnded) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), long_answers());
  populate(world, 1, 1, 1);
  Node& proxy = nth(world, "proxy", 0);
  Node& worker = nth(world, "worker", 0);
  Callers callers(world);
  world.run_for(Millis(3000));
  callers.ask(nth(world, "client", 0));
  world.run_for(Millis(12'000));
  ASSERT_EQ(proxy.proxy().counts().running, 1u);
  worker.lose_newest_link();
  world.run_for(Millis(12'000));  // long before the old one counts as silent
  callers.collect();
  EXPECT_EQ(callers.failed, 1u);
  EXPECT_EQ(proxy.proxy().counts().running, 0u);
  EXPECT_EQ(proxy.proxy().counts().workers, 1u);
}

}  // namespace
}  // namespace cocoon::simulation
