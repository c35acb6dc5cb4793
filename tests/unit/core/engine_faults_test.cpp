/// Engines that answer with errors, or do not end what they began: nothing is charged, the worker
/// is the one to blame, and no client comes back to it for its speed.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// With the first of two workers alone.
class EngineFaults : public ::testing::Test {
 protected:
  void boot_first() {
    net.proxy().boot();
    net.worker(0).boot();
    net.client().boot();
    net.run(Millis(200));
  }
  void expect_nothing_charged() {
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    EXPECT_EQ(net.worker().worker().counts().earned, Nano{0});
  }

  Network net;
};

TEST_F(EngineFaults, AFailureThatCostNothingMayBeTriedAgain) {
  net.world.weather.engine_status = 500;
  boot_first();
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).charged);
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST_F(EngineFaults, WhereNobodySaysWhatItCostATryMayCostAgain) {
  net.world.weather.chunk_gap = Millis(1000);
  boot_first();
  const Asked asked = net.ask();
  net.run(Millis(1500));
  ASSERT_NE(net.text(asked).find("token"), std::string::npos);
  net.proxy().crash();
  EXPECT_TRUE(net.outcome(asked).charged);
}

}  // namespace
}  // namespace cocoon::core::test
