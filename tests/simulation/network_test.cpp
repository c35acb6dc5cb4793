#include <gtest/gtest.h>

#include <map>

#include "crypto/hash.h"
#include "simulation/callers.h"

namespace cocoon::simulation {
namespace {

/// 7 tokens of prompt and 8 of completion at 20 nanoton, 1 and 8 times.
constexpr std::uint64_t kCostOfRun = 20 * (7 + 8 * 8);

void expect_money_conserved(World& world) {
  auto audit = world.ledger->audit();
  ASSERT_TRUE(audit);
  EXPECT_TRUE(audit->balanced());
}

TEST(Simulation, EveryRequestOfAKindWorldIsServedOnceAndPaidOnce) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  populate(world, 20, 1, 20);
  Callers callers(world);
  callers.strict = true;
  world.run_for(Millis(3000));
  for (int round = 0; round < 10; ++round) {
    for (unsigned c = 0; c < 20; ++c) callers.ask(nth(world, "client", c));
    world.run_for(Millis(1500));
    callers.collect();
  }
  world.run_for(Millis(5000));
  callers.collect();
  EXPECT_EQ(callers.served, callers.asked);
  EXPECT_TRUE(callers.open.empty());
  for (const auto& [user, count] : world.executions) EXPECT_EQ(count, 1u) << user;
  std::uint64_t total = 0;
  for (const auto& [user, cost] : callers.cost) {
    EXPECT_EQ(cost, kCostOfRun) << user;
    total += cost;
  }
  EXPECT_EQ(nth(world, "proxy", 0).proxy().counts().charged.value, total);
  expect_money_conserved(world);
}

TEST(Simulation, WhatIsServedIsSettledOnTheLedger) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  populate(world, 2, 1, 2);
  Callers callers(world);
  world.run_for(Millis(3000));
  for (int i = 0; i < 20; ++i) {
    callers.ask(nth(world, "client", static_cast<unsigned>(i)));
    world.run_for(Millis(400));
    callers.collect();
  }
  settle(world);
  EXPECT_EQ(claimed(world), 20 * kCostOfRun);
  expect_money_conserved(world);
}

/// A proxy that has just been restarted is there before its workers are.
TEST(Simulation, AProxyWithoutWorkersIsPassedOverForTheNext) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  Node& empty = world.add(wire::Role::proxy);
  Node& other = world.add(wire::Role::proxy);
  Node& worker = world.add(wire::Role::worker);
  Node& client = world.add(wire::Role::client);
  world.fund(Nano{5'000'000'000});
  const auto all = std::exchange(world.endpoints, {other.name()});
  for (Node* node : {&empty, &other, &worker}) node->boot();
  world.endpoints = all;  // the client knows both, the empty one first
  client.boot();
  Callers callers(world);
  callers.strict = true;
  world.run_for(Millis(3000));
  for (int i = 0; i < 3; ++i) callers.ask(client);
  world.run_for(Millis(3000));
  callers.collect();
  EXPECT_EQ(callers.served, 3u);
  worker.crash();
  world.run_for(Millis(3000));
  callers.strict = false;
  callers.ask(client);
  world.run_for(Millis(3000));
  callers.collect();
  EXPECT_EQ(callers.failed, 1u) << "where no proxy has one, that is said at once";
}

/// Everything goes wrong at random: links break or go silent, engines fail, the ledger is away,
/// nodes of every role crash. Then the world calms down, and everything has to come right.
TEST(Simulation, InABadWorldEveryRequestStillEndsExactlyOnceAndNoMoneyIsLost) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  constexpr unsigned kClients = 200;
  Weather weather;
  weather.latency_high = Millis(120);
  weather.ledger_away = 50;
  weather.engine_fails = 10;
  weather.engine_stalls = 2;
  weather.link_breaks = 1;
  weather.link_silences = 1;
  World world(seed(), weather);
  populate(world, kClients, 3, 150);
  Callers callers(world);
  world.run_for(Millis(3000));
  for (int step = 0; step < 200; ++step) {
    for (int i = 0; i < 20; ++i) callers.ask(nth(world, "client", world.random.below(kClients)));
    if (world.random.chance(200)) {
      Node& node = *world.nodes[world.random.below(world.nodes.size())];
      callers.collect();
      if (node.name().starts_with("client")) callers.forget(node);
      node.crash();
      world.after(world.random.between(Millis(10), Millis(4000)), [&node] { node.boot(); });
    }
    world.run_for(Millis(200));
    callers.collect();
    if (step % 50 == 0) expect_money_conserved(world);
  }
  world.weather = Weather{};
  world.run_for(Millis(130'000));
  callers.collect();
  EXPECT_TRUE(callers.open.empty()) << callers.open.size() << " requests never ended";
  for (const auto& [user, count] : callers.ends) EXPECT_EQ(count, 1u) << user;
  EXPECT_GT(callers.served, callers.asked / 2)
      << "served " << callers.served << " of " << callers.asked;
  EXPECT_EQ(callers.served + callers.failed + callers.lost, callers.asked);
  // A request whose proxy was lost before the first byte of an answer may be run again elsewhere,
  // and an attempt by its next candidate where a worker is lost with its word that it has begun.
  constexpr unsigned kMost = limits::kMaxAttempts * limits::kDefaultCandidates;
  for (const auto& [user, count] : world.executions) EXPECT_LE(count, kMost) << user;
  settle(world);
  expect_money_conserved(world);
  std::uint64_t most = 0;
  for (const auto& [user, count] : world.executions) most += count * kCostOfRun;
  EXPECT_LE(claimed(world), most) << "more was debited than what was run costs";
  // The calm world serves again.
  const unsigned before = callers.served;
  callers.strict = true;
  for (unsigned c = 0; c < kClients; ++c) callers.ask(nth(world, "client", c));
  world.run_for(Millis(30'000));
  callers.collect();
  EXPECT_EQ(callers.served, before + kClients);
}

/// A bad world's history, to the nanoton.
struct History {
  unsigned served = 0;
  unsigned failed = 0;
  std::map<std::string, std::uint64_t> cost;
  /// A digest over who sent how much to whom and when, in order. (Not what: libsodium draws the
  /// headers of its streams itself.)
  Hash sent{};
  friend bool operator==(const History&, const History&) = default;
};

History history(std::uint64_t seed) {
  constexpr unsigned kClients = 20;
  Weather weather;
  weather.ledger_away = 50;
  weather.engine_fails = 30;
  weather.link_breaks = 2;
  weather.link_silences = 1;
  World world(seed, weather);
  History h;
  world.tap = [&h, &world](Node& from, Node& to, Bytes& bytes) {
    h.sent = crypto::sha256(
        ByteWriter()
            .bytes(h.sent)
            .bytes(as_bytes(from.name()))
            .bytes(as_bytes(to.name()))
            .u64be(bytes.size())
            .u64be(static_cast<std::uint64_t>(world.now.mono.time_since_epoch().count()))
            .take());
  };
  populate(world, kClients, 2, 10);
  Callers callers(world);
  world.run_for(Millis(2000));
  for (int i = 0; i < 60; ++i) {
    for (int k = 0; k < 4; ++k) callers.ask(nth(world, "client", world.random.below(kClients)));
    if (i % 10 == 5) {
      Node& node = *world.nodes[world.random.below(world.nodes.size())];
      callers.collect();
      if (node.name().starts_with("client")) callers.forget(node);
      node.crash();
      world.after(world.random.between(Millis(10), Millis(4000)), [&node] { node.boot(); });
    }
    world.run_for(Millis(150));
    callers.collect();
  }
  world.run_for(Millis(70'000));
  callers.collect();
  h.served = callers.served;
  h.failed = callers.failed;
  h.cost = {callers.cost.begin(), callers.cost.end()};
  return h;
}

TEST(Simulation, TheSameSeedGivesTheSameHistory) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  const History first = history(seed());
  EXPECT_GT(first.served, 100u);
  EXPECT_GT(first.failed, 0u);
  EXPECT_EQ(first, history(seed()));
  EXPECT_NE(first.sent, history(seed() + 1).sent);
}

}  // namespace
}  // namespace cocoon::simulation
