/// A worker that stops takes the voucher for its last answers along.

#include "billing/voucher.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class Leaving : public ::testing::Test {
 protected:
  void begin(Shape shape) {
    net.emplace(shape);
    net->meddle = [this](Hop& hop) { watch(hop); };
    net->boot();
    net->run(Millis(200));
  }
  void TearDown() override { net.reset(); }

  void watch(Hop& hop) {
    if (meddle) meddle(hop);
    const auto* payout = hop.as<wire::Payout>();
    if (payout == nullptr) return;
    auto voucher = billing::decode_signed<billing::PayoutVoucher>(payout->voucher,  //
                                                                  payout->signature);
    ASSERT_TRUE(voucher);
    const bool out = hop.between(wire::Role::proxy, wire::Role::worker);
    (out ? vouched : shown) = voucher->value.owed;
  }

  core::WorkerCore& worker() { return net->worker().worker(); }
  Nano earned() { return worker().counts().earned; }
  void drain() {
    worker().drain(net->world.now);
    net->worker().turn();
  }
  /// Until nothing runs on the worker.
  void finish() {
    for (int i = 0; i < 100 && worker().counts().running > 0; ++i) net->run(Millis(10));
    ASSERT_EQ(worker().counts().running, 0u);
  }

  /// A worker has served, and stops: what backs its voucher is yet to be redeemed.
  void stop_unbacked() {
    begin({.workers = 1, .stake = Nano{1'000}});
    net->ask();
    net->run(Millis(100));
    drain();
    finish();
    net->run(Millis(100));
    EXPECT_FALSE(worker().idle());
  }

  std::optional<Network> net;
  std::function<void(Hop&)> meddle;
  Nano vouched;  ///< by the proxy's newest voucher
  Nano shown;    ///< by the worker's
};

TEST_F(Leaving, AWorkerThatStopsHasVouchersForAllThatItIsOwed) {
  begin({.workers = 1});
  for (int i = 0; i < 4; ++i) net->ask();
  net->run(Millis(100));
  ASSERT_EQ(worker().counts().running, 4u);
  drain();
  finish();
  while (!worker().idle()) net->run(Millis(1));
  EXPECT_EQ(earned(), billing::worker_share(Nano{4 * kCost.value}, 9500));
  EXPECT_EQ(vouched, earned());
  net->worker().crash();  // what came last is on its disk
  net->worker().boot();
  net->run(Millis(2000));
  EXPECT_EQ(shown, vouched);
}

TEST_F(Leaving, TheProxyDoesNotWaitForItsNextSettlement) {
  begin({.workers = 1});
  for (int round = 0; round < 5; ++round) {
    const Nano before = earned();
    net->ask();
    net->run(Millis(100));
    drain();
    finish();
    net->run(Millis(100));
    EXPECT_GT(earned(), before);
    EXPECT_TRUE(worker().idle());
    net->worker().crash();
    net->worker().boot();
    net->run(Millis(1000 + 170 * round));
  }
}

TEST_F(Leaving, WhatIsBackedOnlyByVouchersThatAreRedeemedFirstIsWaitedFor) {
  stop_unbacked();
  net->run(Millis(5000));
  EXPECT_TRUE(worker().idle());
  EXPECT_EQ(vouched, earned());
}

TEST_F(Leaving, AProxyThatIsLostIsNotWaitedFor) {
  stop_unbacked();
  net->proxy().crash();
  net->run(Millis(100));
  EXPECT_TRUE(worker().idle());
}

/// The client leaves before all of the answer was forwarded to it.
TEST_F(Leaving, AWorkerThatCountsMoreThanItsProxyIsToldThatNoMoreComes) {
  begin({.workers = 1});
  meddle = [](Hop& hop) {
    if (!hop.between(wire::Role::worker, wire::Role::proxy)) return;
    if (auto* data = hop.as<wire::Data>()) data->mark.reset();
    if (hop.as<wire::End>() != nullptr) hop.drop();
  };
  const Asked asked = net->ask();
  net->run(Millis(100));
  drain();
  finish();
  net->run(Millis(100));
  EXPECT_FALSE(worker().idle()) << "the proxy has not forwarded all";
  net->client().client().cancel(asked.id, net->world.now);
  net->run(Millis(200));
  EXPECT_TRUE(worker().idle());
  EXPECT_LT(vouched, earned());
}

TEST_F(Leaving, AConnectionThatWasJustRenewedIsPaid) {
  begin({.workers = 1});
  net->ask();
  net->run(Millis(100));
  net->worker().renew();
  net->run(Millis(150));
  drain();
  finish();
  net->run(Millis(200));
  EXPECT_TRUE(worker().idle());
  EXPECT_EQ(vouched, earned());
}

}  // namespace
}  // namespace cocoon::core::test
