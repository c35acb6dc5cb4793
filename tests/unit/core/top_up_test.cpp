/// A deposit that was topped up in time: nobody is told that it is used up. A channel that was
/// closed: the one that was opened in its place is used.

#include "base/limits.h"
#include "billing/voucher.h"
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

// --- Another channel ---

class NextChannel : public ::testing::Test {
 protected:
  NextChannel() { net.world.max_exposure = Nano{60'000}; }

  ChannelId channel() {
    const auto found =
        net.world.ledger->find_channel(net.client().account(), net.proxy().account());
    EXPECT_TRUE(found && *found);
    return (*found)->id();
  }
  void close() {
    const auto message =
        ledger::channel_order(ledger::MessageKind::start_close, net.client().account(), channel());
    simulation::carry_out_on(*net.world.ledger, message, net.world.now.unix);
  }

  Network net{{.workers = 1, .deposit = kDeposit}};
};

TEST_F(NextChannel, IsUsedOnceTheFormerOneWasClosed) {
  net.boot();
  close();
  net.expect_served(net.ask());  // nobody knows yet; the proxy learns it when it redeems
  net.run(Seconds(100));
  EXPECT_TRUE(net.said(net.proxy(), "channel_not_open"));
  EXPECT_FALSE(net.client().client().ready());
  EXPECT_NE(net.problem(net.client()).find("cocoon-wallet"), std::string::npos);
  net.expect_refused(net.ask(), ErrorKind::payment, "channel_not_open");
  net.world.fund(kDeposit);
  net.run(2 * limits::kReconnectLongest);
  EXPECT_TRUE(net.client().client().ready());
  net.expect_served(net.ask());
}

TEST_F(NextChannel, IsNotTakenBeforeWhatRunsHasEnded) {
  net.world.max_exposure = kDeposit;  // so that the client looks at each request
  net.boot();
  net.world.weather.chunk_gap = Seconds(2);
  const Asked asked = net.ask();
  net.run(limits::kChannelReread + Seconds(1));
  close();
  const Asked next = net.ask();
  net.run(Seconds(1));
  net.expect_refused(net.ask(), ErrorKind::payment, "channel_not_open");
  EXPECT_TRUE(net.client().client().ready());
  net.expect_served(asked);
  net.expect_served(next);
  net.run(Seconds(2));
  EXPECT_FALSE(net.client().client().ready());
}

TEST_F(NextChannel, IsTakenWhenTheFormerOneRunsLow) {
  std::map<ChannelId, Nano> acknowledged;
  net.meddle = [&](Hop& hop) {
    const auto* message = hop.as<wire::Voucher>();
    if (message == nullptr) return;
    const auto voucher = billing::Voucher::decode(message->voucher);
    ASSERT_TRUE(voucher);
    acknowledged[voucher->channel] = voucher->spent;
  };
  net.boot();
  net.world.fund(Nano{5'000'000'000});
  Nano spent{};
  for (; spent < Nano{2 * kDeposit.value}; spent.value += kCost.value) {
    net.expect_served(net.ask());
    if (::testing::Test::HasFailure()) break;
  }
  net.run(Seconds(3));
  ASSERT_EQ(acknowledged.size(), 2u);
  Nano sum{};
  for (const auto& [id, value] : acknowledged) sum = saturating_add(sum, value);
  EXPECT_EQ(sum, spent) << "also what was owed on the former one";
}

}  // namespace
}  // namespace cocoon::core::test
