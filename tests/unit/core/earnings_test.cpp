/// What a worker earns reaches it before it stops serving a proxy that owes it too much.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

TEST(Earnings, AWorkerThatEarnsFastCashesBeforeItReachesMaxUnpaid) {
  Network net(Shape{.workers = 1});
  net.world.max_unpaid = Nano{160'000};
  net.boot();
  // About 13,500 a second: with what two runs reserve, max_unpaid would be reached between two of
  // its periodic looks at what was paid.
  std::vector<Asked> asked;
  for (int round = 0; round < 150; ++round) {
    for (int i = 0; i < 2; ++i) asked.push_back(net.ask());
    net.run(Millis(200));
  }
  for (const Asked& one : asked) net.expect_served(one);
}

TEST(Earnings, AVoucherThatWasLostWithItsConnectionComesAgain) {
  Network net(Shape{.workers = 1});
  net.boot();
  Bytes lost;
  Bytes came;
  net.meddle = [&](Hop& hop) {
    const auto* payout = hop.as<wire::Payout>();
    if (payout == nullptr || !hop.between(wire::Role::proxy, wire::Role::worker)) return;
    lost = to_bytes(payout->voucher);
    hop.drop();
  };
  net.expect_served(net.ask());
  net.run(Millis(3000));
  ASSERT_FALSE(lost.empty());
  net.meddle = [&](Hop& hop) {
    const auto* payout = hop.as<wire::Payout>();
    if (payout && hop.between(wire::Role::proxy, wire::Role::worker))
      came = to_bytes(payout->voucher);
  };
  net.forge(net.proxy(), net.worker(), wire::GoAway{.reason = "internal_error", .fatal = true});
  net.run(Millis(10'000));
  EXPECT_EQ(came, lost);
}

/// A proxy whose requests are cut before their last chunk, and that pays for none.
class CutsWithoutPay : public ::testing::Test {
 protected:
  CutsWithoutPay() : net({.workers = 1}) {
    net.world.max_unpaid = Nano{100'000};
    net.world.weather.chunks = 60;
    net.boot();
    net.meddle = [this](Hop& hop) {
      if (pays || !hop.as<wire::Payout>()) return;
      if (hop.between(wire::Role::proxy, wire::Role::worker)) hop.drop();
    };
  }
  /// Whether the worker ran it.
  bool cut_one() {
    const Asked asked = net.ask();
    for (int i = 0; i < 400 && net.text(asked).size() < 2'900; ++i) net.run(Millis(10));
    net.client().client().cancel(asked.id, net.world.now);
    EXPECT_FALSE(net.outcome(asked).status);
    net.run(Millis(300));
    return net.executions(asked) > 0;
  }

  Network net;
  bool pays = false;
};

TEST_F(CutsWithoutPay, GetNoMoreThanMaxUnpaidOfWork) {
  unsigned ran = 0;
  for (int i = 0; i < 40; ++i) ran += cut_one() ? 1 : 0;
  EXPECT_GT(ran, 4u);
  EXPECT_LT(ran, 15u) << "about 9,200 nanoton each";
  EXPECT_TRUE(net.said(net.worker(), "max_unpaid"));
}

TEST_F(CutsWithoutPay, AreForgivenWithinTheHour) {
  while (cut_one()) {
  }
  net.meddle = {};
  net.run(Seconds(1800));
  EXPECT_TRUE(net.outcome(net.ask()).status);
}

TEST_F(CutsWithoutPay, AreNothingToWhoPays) {
  pays = true;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(cut_one()) << i;
  EXPECT_FALSE(net.said(net.worker(), "max_unpaid"));
}

TEST(Earnings, AWorkerWhoseMaxUnpaidIsBelowTheSmallestPayoutIsPaidAllTheSame) {
  Network net({.workers = 1});
  net.world.max_unpaid = Nano{40'000};
  ASSERT_GT(net.world.registry().min_payout, net.world.max_unpaid);
  net.boot();
  unsigned served = 0;
  for (int i = 0; i < 100; ++i) {
    served += net.outcome(net.ask()).status ? 1 : 0;
    net.run(Millis(1000));
  }
  EXPECT_GT(served, 90u) << "it may have to wait for its money now and then";
}

}  // namespace
}  // namespace cocoon::core::test
