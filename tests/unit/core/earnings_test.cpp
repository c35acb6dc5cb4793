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

}  // namespace
}  // namespace cocoon::core::test
