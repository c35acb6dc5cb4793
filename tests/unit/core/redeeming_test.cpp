/// Which of its clients' vouchers a proxy redeems so that its workers' vouchers are backed.

#include "unit/core/rogue_client.h"

namespace cocoon::core::test {
namespace {

/// The least that is redeemed for backing: twenty fees.
constexpr Nano kFloor{20'000};

/// Client `n` begins to close its channel. @return which
ChannelId start_close(Network& net, std::size_t n) {
  const AccountId client = net.client(n).account();
  const auto channels = net.world.ledger->channels();
  for (const auto& state : *channels) {
    if (state.terms.client != client) continue;
    simulation::carry_out_on(
        *net.world.ledger,
        ledger::channel_order(ledger::MessageKind::start_close, client, state.id()),
        net.world.now.unix);
    return state.id();
  }
  ADD_FAILURE() << "no such channel";
  return {};
}

/// One request earns its worker more than the proxy's stake.
class Redeeming : public ::testing::Test {
 protected:
  Redeeming() : net({.clients = 3, .workers = 1, .stake = Nano{1'000}}) {
    EXPECT_TRUE(net.world.ledger->edit_registry(
        [](billing::Registry& r) {
          r.message_fee = Nano{kFloor.value / 20};
          return ok();
        },
        net.world.now.unix));
    net.proxy().boot();
    net.worker().boot();
    net.run(Millis(200));
    for (std::size_t n = 0; n < 3; ++n) clients.push_back(&boot_rogue_client(net, net.client(n)));
    net.run(Millis(200));
  }
  /// Client `n` says that it has spent so much.
  void acknowledge(std::size_t n, Nano spent) {
    clients[n]->send_voucher(spent, kEnough);
    net.run(Millis(100));
  }
  /// From now on the worker is owed what nothing backs.
  void serve_one() {
    clients[0]->request();
    net.run(Millis(1000));
    ASSERT_EQ(net.proxy().proxy().counts().requests_done, 1u);
  }
  Nano claimed(std::size_t n) {
    const auto channels = net.world.ledger->channels();
    for (const auto& state : *channels) {
      if (state.terms.client == net.client(n).account()) return state.claimed;
    }
    ADD_FAILURE() << "no such channel";
    return {};
  }

  Network net;
  std::vector<RogueClient*> clients;
};

TEST_F(Redeeming, WhatIsNotWorthItsFeeIsLeftAlone) {
  acknowledge(1, Nano{1});
  acknowledge(0, Nano{0});
  serve_one();
  acknowledge(2, Nano{kFloor.value - 1});
  net.run(Millis(10'000));
  for (std::size_t n = 0; n < 3; ++n) EXPECT_EQ(claimed(n), Nano{0}) << n;
}

TEST_F(Redeeming, WhatIsWorthItBacksTheWorkers) {
  acknowledge(0, Nano{0});
  serve_one();
  acknowledge(1, kFloor);
  net.run(Millis(3000));
  EXPECT_EQ(claimed(1), kFloor);
}

TEST_F(Redeeming, NothingIsRedeemedWhereWorkersAreBacked) {
  acknowledge(1, Nano{10 * kFloor.value});
  net.run(Millis(3000));
  EXPECT_EQ(claimed(1), Nano{0});
}

TEST_F(Redeeming, TheLargestIsEnough) {
  acknowledge(0, kFloor);
  acknowledge(1, Nano{3 * kFloor.value});
  acknowledge(2, Nano{2 * kFloor.value});
  serve_one();
  net.run(Millis(3000));
  EXPECT_EQ(claimed(1), Nano{3 * kFloor.value});
  EXPECT_EQ(claimed(0), Nano{0});
  EXPECT_EQ(claimed(2), Nano{0});
}

TEST_F(Redeeming, WhatAClientWasChargedThatClosesItsChannelIsPresented) {
  acknowledge(0, Nano{0});
  serve_one();
  start_close(net, 0);
  net.run(Millis(net.world.registry().client_close_delay) / 2);
  EXPECT_EQ(claimed(0), kCost);
}

TEST_F(Redeeming, SoIsThatOfAClientThatTheProxyHasNotSeenSinceItsStart) {
  acknowledge(0, Nano{0});
  serve_one();
  net.run(Millis(2000));  // its accounts are stored once a second
  net.client(0).crash();
  net.proxy().crash();
  start_close(net, 0);
  net.proxy().boot();
  net.run(Millis(net.world.registry().client_close_delay) / 2);
  EXPECT_EQ(claimed(0), kCost);
}

/// With one look a second and a delay of 100 s, 40 channels are more than a quarter of it has turns
/// for.
TEST(ManyChannels, EachIsLookedAtWithinItsDelay) {
  constexpr unsigned kClients = 40;
  Network net({.clients = kClients, .workers = 4});
  // Nothing is worth redeeming before.
  ASSERT_TRUE(net.world.ledger->edit_registry(
      [](billing::Registry& r) {
        r.message_fee = Nano{1000};
        return ok();
      },
      net.world.now.unix));
  net.boot();
  for (unsigned n = 0; n < kClients; ++n) net.expect_served(net.ask(net.client(n)));
  net.run(Millis(60'000));
  std::set<ChannelId> closed;
  for (unsigned n = 0; n < kClients; n += 4) closed.insert(start_close(net, n));
  net.run(Millis(net.world.registry().client_close_delay) - Millis(2000));
  const auto channels = net.world.ledger->channels();
  for (const auto& state : *channels) {
    if (!closed.contains(state.id())) continue;
    EXPECT_EQ(state.claimed, kCost);
  }
}

TEST_F(Redeeming, AStopLeavesWhatIsNotWorthItsFee) {
  acknowledge(1, Nano{kFloor.value - 1});
  acknowledge(2, kFloor);
  net.proxy().proxy().settle_all(net.world.now);
  net.proxy().turn();
  net.run(Millis(1000));
  EXPECT_EQ(claimed(1), Nano{0});
  EXPECT_EQ(claimed(2), kFloor);
}

}  // namespace
}  // namespace cocoon::core::test
