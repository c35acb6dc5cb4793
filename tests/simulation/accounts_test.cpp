/// A client's and a proxy's accounts survive the death of either, whenever it comes.

#include "simulation/callers.h"

namespace cocoon::simulation {
namespace {

/// Who dies. A devnet whose proxy was killed stops its client in order, without a proxy.
enum class Death : std::uint8_t {
  of_proxy,
  of_client,
  of_client_unseen,  ///< the proxy goes on with its half-open connection
  of_link,           ///< nobody dies, but the client's connection; the proxy does not see it
  of_both,
  of_proxy_then_client_stops
};

bool spares_proxy(Death death) {
  return death == Death::of_client || death == Death::of_client_unseen || death == Death::of_link;
}

void kill(World& world, Callers& callers, Death death) {
  Node& client = nth(world, "client", 0);
  if (death == Death::of_link) return client.lose_newest_link();
  if (!spares_proxy(death)) nth(world, "proxy", 0).crash();
  if (death == Death::of_proxy) return;
  if (death == Death::of_proxy_then_client_stops) {
    world.run_for(Millis(100));  // it sees that the proxy is gone
    callers.collect();
    client.client().settle_all(world.now);
    client.turn();
  }
  callers.forget(client);
  death == Death::of_client_unseen ? client.vanish() : client.crash();
}

/// Serves a request, kills `steps` events after it was asked, brings all back, and asks again.
/// @return false where nothing was left to interrupt: the accounts had come to rest before.
bool survives(Death death, unsigned steps) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()) + ", killed after " + std::to_string(steps) +
               " events");
  World world(seed(), {});
  populate(world, 1, 1, 1);
  Callers callers(world);
  world.run_for(Millis(3000));
  const MonoTime asked = world.now.mono;
  callers.ask(nth(world, "client", 0));
  for (unsigned i = 0; i < steps; ++i) (void)world.step();
  const bool at_rest = world.now.mono - asked > Seconds(3);
  callers.collect();
  const std::uint64_t charged_before = nth(world, "proxy", 0).proxy().counts().charged.value;
  const std::uint64_t seen_before = callers.paid();
  kill(world, callers, death);
  world.run_for(Millis(100));
  for (auto& node : world.nodes) {
    if (!node->up()) node->boot();
  }
  world.run_for(limits::kReconnectLongest);
  callers.collect();

  callers.strict = true;  // from here on all is well
  const unsigned before = callers.served;
  for (int i = 0; i < 3; ++i) {
    callers.ask(nth(world, "client", 0));
    world.run_for(Millis(5000));
    callers.collect();
  }
  EXPECT_EQ(callers.served, before + 3);
  settle(world);
  const std::uint64_t seen = callers.paid();
  const std::uint64_t charged = nth(world, "proxy", 0).proxy().counts().charged.value;
  if (spares_proxy(death)) {
    EXPECT_EQ(claimed(world), charged);  // the proxy has seen all that happened
  } else if (death != Death::of_both) {
    EXPECT_EQ(claimed(world), seen);  // the client has
  } else {                            // what neither had stored yet is forgotten
    EXPECT_GE(claimed(world), seen - seen_before);
    EXPECT_LE(claimed(world), charged_before + charged);
  }
  return !at_rest;
}

void survive_at_any_point(Death death) {
  unsigned steps = 0;
  while (survives(death, steps) && !testing::Test::HasFailure()) ++steps;
  EXPECT_GT(steps, 30u);  // a request is more events than that
}

TEST(Accounts, SurviveTheDeathOfTheProxyAtAnyPoint) {
  survive_at_any_point(Death::of_proxy);
}

TEST(Accounts, SurviveTheDeathOfTheClientAtAnyPoint) {
  survive_at_any_point(Death::of_client);
}

TEST(Accounts, SurviveAnUnseenDeathOfTheClientAtAnyPoint) {
  survive_at_any_point(Death::of_client_unseen);
}

TEST(Accounts, SurviveAnUnseenLossOfTheClientsConnectionAtAnyPoint) {
  survive_at_any_point(Death::of_link);
}

TEST(Accounts, SurviveTheDeathOfBothAtAnyPoint) {
  survive_at_any_point(Death::of_both);
}

TEST(Accounts, SurviveTheDeathOfTheProxyAndAnOrderlyEndOfTheClientAtAnyPoint) {
  survive_at_any_point(Death::of_proxy_then_client_stops);
}

/// A request that a lost connection cut reserves its cap only until the next connection.
TEST(Accounts, CutRequestsDoNotUseUpTheExposure) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  world.max_exposure = Nano{100'000};  // three requests at their caps
  populate(world, 1, 1, 1);
  Callers callers(world);
  Node& client = nth(world, "client", 0);
  world.run_for(Millis(3000));
  for (int i = 0; i < 6; ++i) {
    callers.ask(client);
    world.run_for(Millis(150));
    EXPECT_FALSE(client.client().idle()) << "there was nothing to cut";
    nth(world, "proxy", 0).crash();
    world.run_for(Millis(100));
    nth(world, "proxy", 0).boot();
    world.run_for(limits::kReconnectLongest);
    callers.collect();
  }
  callers.strict = true;
  const unsigned before = callers.served;
  callers.ask(client);
  world.run_for(Millis(5000));
  callers.collect();
  EXPECT_EQ(callers.served, before + 1);
}

/// Honest cancels give their exposure back: the worker's receipt proves what each of them cost.
TEST(Accounts, CancelledRequestsAreChargedProvedAndSettled) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  world.max_exposure = Nano{40'000};  // one request at its cap, and a few cancels more
  world.weather.chunks = 40;
  populate(world, 1, 1, 1);
  Callers callers(world);
  Node& client = nth(world, "client", 0);
  world.run_for(Millis(3000));
  for (int i = 0; i < 30; ++i) {
    callers.ask(client);
    world.run_for(Millis(400));
    ASSERT_FALSE(client.client().idle());
    callers.cancel(client);
    world.run_for(Millis(2000));
    callers.collect();
  }
  const std::uint64_t charged = nth(world, "proxy", 0).proxy().counts().charged.value;
  EXPECT_GT(charged, 30u * 20u * 8u);  // several tokens each
  settle(world);
  EXPECT_EQ(claimed(world), charged);
}

}  // namespace
}  // namespace cocoon::simulation
