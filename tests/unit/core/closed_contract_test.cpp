/// A proxy whose contract closes would be paid for nothing that it takes in.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class ClosedContract : public ::testing::Test {
 protected:
  ClosedContract() : net(Shape{.workers = 1}) {
    net.deadline = Millis(5000);
    net.boot();
    net.expect_served(net.ask());
  }
  void withdraw() {
    simulation::carry_out_on(
        *net.world.ledger,
        ledger::proxy_order(ledger::MessageKind::start_withdrawal, net.proxy().account()),
        net.world.now.unix);
  }
  void expect_nothing_is_run() {
    const Asked asked = net.ask();
    EXPECT_FALSE(net.outcome(asked).status);
    EXPECT_EQ(net.executions(asked), 0u);
  }

  Network net;
};

TEST_F(ClosedContract, AProxyThatFindsItAtItsStartTakesNoClientsIn) {
  net.proxy().crash();
  withdraw();
  net.proxy().boot();
  net.run(Millis(5000));
  EXPECT_EQ(net.proxy().proxy().contract_phase(), billing::ProxyPhase::closing);
  EXPECT_EQ(net.proxy().proxy().counts().clients, 0u);
  EXPECT_EQ(net.proxy().proxy().counts().workers, 1u) << "it may lack a voucher";
  EXPECT_NE(net.problem(net.client()).find("contract is closing"), std::string::npos)
      << net.problem(net.client());
  expect_nothing_is_run();
}

TEST_F(ClosedContract, AProxyThatFindsItWhileItRunsTakesNoRequestsIn) {
  withdraw();
  net.client().client().settle_all(net.world.now);
  net.run(Millis(500));
  net.proxy().proxy().settle_all(net.world.now);  // it looks at its contract when it was paid
  net.run(Millis(2000));
  EXPECT_EQ(net.proxy().proxy().contract_phase(), billing::ProxyPhase::closing);
  expect_nothing_is_run();
}

}  // namespace
}  // namespace cocoon::core::test
