#pragma once
/// @file Those who ask the clients of a simulation, and what they saw.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "support/world.h"

namespace cocoon::simulation {

/// What the callers of one simulation see.
struct Callers {
  explicit Callers(World& w) : world(w) {}

  World& world;
  std::map<std::pair<Node*, core::ClientRequestId>, std::string> open;
  std::map<std::string, unsigned> ends;
  std::map<std::string, std::uint64_t> cost;
  unsigned served = 0;
  unsigned failed = 0;
  unsigned lost = 0;  ///< their client crashed
  unsigned asked = 0;
  bool strict = false;

  void ask(Node& node) {
    if (!node.up()) return;
    const std::string user = "r" + std::to_string(asked++);
    InferenceRequest request;
    request.body = R"({"model":"sim/model","stream":true,"max_tokens":64,"user":")" + user +
                   R"(","messages":[{"role":"user","content":"hello"}]})";
    request.deadline = Millis(60'000);
    auto id = node.client().submit(request, node.now());
    ASSERT_TRUE(id) << id.error().detail();
    open[{&node, *id}] = user;
    node.turn();
  }

  /// Gives up all that `node` was asked.
  void cancel(Node& node) {
    for (const auto& [request, user] : open) {
      if (request.first == &node) node.client().cancel(request.second, node.now());
    }
    node.turn();
  }

  /// Takes the events of every living client.
  void collect() {
    for (auto& node : world.nodes) {
      if (!node->up() || !node->name().starts_with("client")) continue;
      for (core::ClientEvent& event : node->client().take_events()) {
        auto* done = std::get_if<core::RequestDone>(&event);
        if (done == nullptr) continue;
        const auto at = open.find({node.get(), done->request});
        ASSERT_NE(at, open.end()) << "a request ended twice";
        ++ends[at->second];
        cost[at->second] = done->outcome.usage.cost_nano;
        ++(done->outcome.status ? served : failed);
        if (strict && !done->outcome.status) {
          ADD_FAILURE() << node->name() << ": " << done->outcome.status.error().code() << ": "
                        << done->outcome.status.error().detail();
        }
        open.erase(at);
      }
    }
  }

  /// By all that they were told.
  std::uint64_t paid() const {
    std::uint64_t sum = 0;
    for (const auto& [user, nano] : cost) sum += nano;
    return sum;
  }

  /// A crashed client takes its callers with it.
  void forget(Node& node) {
    for (auto at = open.begin(); at != open.end();) {
      if (at->first.first == &node) {
        ++lost;
        ++ends[at->second];
        at = open.erase(at);
      } else {
        ++at;
      }
    }
  }
};

/// Of this run: COCOON_SEED, or the same one always.
inline std::uint64_t seed() {
  const char* given = std::getenv("COCOON_SEED");
  return given == nullptr ? 20261122 : std::strtoull(given, nullptr, 10);
}

/// Adds and boots the nodes, with a channel between each client and each proxy.
inline void populate(World& world, unsigned clients, unsigned proxies, unsigned workers) {
  for (unsigned i = 0; i < proxies; ++i) world.add(wire::Role::proxy);
  for (unsigned i = 0; i < workers; ++i) world.add(wire::Role::worker);
  for (unsigned i = 0; i < clients; ++i) world.add(wire::Role::client);
  world.fund(Nano{5'000'000'000});
  for (auto& node : world.nodes) node->boot();
}

/// The n-th node whose name begins with `role`, counted round.
inline Node& nth(World& world, const std::string& role, std::uint64_t n) {
  std::vector<Node*> all;
  for (auto& node : world.nodes) {
    if (node->name().starts_with(role)) all.push_back(node.get());
  }
  return *all[n % all.size()];
}

/// Every role redeems, pays out and acknowledges what it can.
inline void settle(World& world) {
  for (int round = 0; round < 3; ++round) {
    for (auto& node : world.nodes) {
      if (node->name().starts_with("client")) node->client().settle_all(world.now);
      if (node->name().starts_with("proxy")) node->proxy().settle_all(world.now);
      node->turn();
    }
    world.run_for(Millis(1000));
  }
}

/// What all channels have paid out.
inline std::uint64_t claimed(World& world) {
  std::uint64_t sum = 0;
  auto channels = world.ledger->channels();
  EXPECT_TRUE(channels);
  for (const auto& channel : *channels) sum += channel.claimed.value;
  return sum;
}

}  // namespace cocoon::simulation
