/// A payout voucher is on the proxy's disk before a worker has it: one that the proxy forgot would
/// be raised past its backing.

#include "billing/meter.h"
#include "core/store_keys.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class PayoutOrder : public ::testing::Test {
 protected:
  /// Sees each voucher on its way to a worker.
  void on_voucher(const std::function<void(const billing::PayoutVoucher&)>& see) {
    net.meddle = [this, see](Hop& hop) {
      const auto* payout = hop.as<wire::Payout>();
      if (payout == nullptr) return;
      ++vouchers;
      const auto voucher = billing::PayoutVoucher::decode(payout->voucher);
      ASSERT_TRUE(voucher);
      see(*voucher);
    };
  }
  /// What the proxy would know of the worker after a crash.
  Nano on_disk(const AccountId& worker) {
    billing::PayoutBook book(net.world.registry().network, net.proxy().account());
    const auto row = net.proxy().stored(store_key(kPayoutKey, worker.view()));
    if (row) {
      EXPECT_TRUE(book.restore(*row));
    }
    return book.vouched(worker);
  }

  Network net{{.clients = 1, .proxies = 1, .workers = 1}};
  unsigned vouchers = 0;
};

TEST_F(PayoutOrder, NoWorkerHasAVoucherThatIsNotOnDisk) {
  on_voucher([this](const billing::PayoutVoucher& v) { EXPECT_GE(on_disk(v.worker), v.owed); });
  net.boot();
  for (int i = 0; i < 5; ++i) {
    net.expect_served(net.ask());
    net.run(Seconds(2));
  }
  EXPECT_GE(vouchers, 5u);
}

TEST_F(PayoutOrder, AWorkerThatLeavesGetsItsLastVoucherBeforeItIsDismissed) {
  net.boot();
  const Asked asked = net.ask();
  net.run(Millis(150));
  bool dismissed = false;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(wire::Role::proxy, wire::Role::worker)) return;
    if (hop.as<wire::Payout>() != nullptr) {
      ++vouchers;
      EXPECT_FALSE(dismissed);
    }
    if (hop.as<wire::GoAway>() != nullptr) dismissed = true;
  };
  net.worker().worker().drain(net.world.now);
  net.worker().turn();
  net.run(Seconds(5));
  net.expect_served(asked);
  EXPECT_GE(vouchers, 1u);
  EXPECT_TRUE(dismissed);
}

TEST_F(PayoutOrder, AProxyThatIsKilledAsItWritesPaysAfterwards) {
  net.boot();
  net.expect_served(net.ask());
  // Once a second it raises what it owes; it is killed at every moment around that.
  for (int i = 0; i < 20; ++i) {
    net.expect_served(net.ask());
    net.run(Millis(997 + i));
    const Nano before = on_disk(net.worker().account());
    net.proxy().crash();
    EXPECT_EQ(on_disk(net.worker().account()), before);
    net.proxy().boot();
    net.run(Seconds(20));
  }
  net.run(Seconds(5));
  EXPECT_EQ(net.worker().worker().counts().earned, on_disk(net.worker().account()));
}

}  // namespace
}  // namespace cocoon::core::test
