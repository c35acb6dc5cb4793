/// A deposit that was topped up in time: nobody is told that it is used up.

#include "base/limits.h"
#include "ledger/local_message.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

constexpr Nano kDeposit{200'000};

TEST(TopUp, IsUsedWithoutARefusal) {
  Network net({.workers = 1, .deposit = kDeposit});
  net.world.max_exposure = Nano{60'000};
  net.boot();
  const auto channels = net.world.ledger->channels();
  ASSERT_TRUE(channels);
  simulation::carry_out_on(
      *net.world.ledger,
      ledger::top_up(net.client().account(), channels->front().id(), Nano{1'000'000}),
      net.world.now.unix);
  for (Nano spent{}; spent < Nano{2 * kDeposit.value}; spent.value += kCost.value) {
    net.expect_served(net.ask());
    if (::testing::Test::HasFailure()) break;
  }
}

TEST(TopUp, IsLookedForInVainWhileTheLedgerIsAwayAndNothingStops) {
  Network net({.workers = 1, .deposit = kDeposit});
  net.world.max_exposure = kDeposit;  // so that the deposit is low from the first request on
  net.boot();
  net.world.weather.ledger_away = 1000;
  for (int i = 0; i < 10; ++i) net.expect_served(net.ask());
}

TEST(TopUp, IsNotLookedForAtEachRequest) {
  Network net({.workers = 1, .deposit = kDeposit});
  net.world.max_exposure = Nano{60'000};
  net.boot();
  while (net.outcome(net.ask()).status) continue;
  const unsigned before = net.world.channel_reads;
  const MonoTime from = net.world.now.mono;
  for (int i = 0; i < 50; ++i) {
    net.expect_refused(net.ask(), ErrorKind::payment, "deposit_exhausted");
  }
  const auto periods = (net.world.now.mono - from) / limits::kChannelReread;
  EXPECT_LE(net.world.channel_reads - before, static_cast<unsigned>(periods) + 1);
  EXPECT_LT(periods, 25) << "fewer than requests, or this shows nothing";
}

}  // namespace
}  // namespace cocoon::core::test
