/// One node's clock of the day is wrong, or is set right, while the network runs.

#include "simulation/callers.h"

namespace cocoon::simulation {
namespace {

struct Step {
  const char* role;
  Seconds error;
};

class Clocks : public ::testing::TestWithParam<Step> {
 protected:
  Clocks() : world(seed(), {}), callers(world) {
    populate(world, 1, 1, 1);
    world.run_for(Millis(3000));
    serve(3);
  }

  Node& node() { return nth(world, GetParam().role, 0); }

  /// Asks so often, each time when the one before has ended.
  void serve(int times) {
    callers.strict = true;
    const unsigned before = callers.served;
    for (int i = 0; i < times; ++i) {
      callers.ask(nth(world, "client", 0));
      world.run_for(Millis(5000));
      callers.collect();
    }
    EXPECT_EQ(callers.served, before + static_cast<unsigned>(times));
    callers.strict = false;
  }

  void expect_accounts_agree() {
    settle(world);
    EXPECT_EQ(claimed(world), nth(world, "proxy", 0).proxy().counts().charged.value);
    EXPECT_EQ(claimed(world), callers.paid());
    for (const auto& [user, ends] : callers.ends) EXPECT_EQ(ends, 1u) << user;
    for (const auto& [user, runs] : world.executions) EXPECT_EQ(runs, 1u) << user;
  }

  World world;
  Callers callers;
};

std::string name_of(const ::testing::TestParamInfo<Step>& info) {
  const bool behind = info.param.error < Seconds(0);
  return std::string(info.param.role) + (behind ? "Behind" : "Ahead");
}

using ClocksALittleWrong = Clocks;

TEST_P(ClocksALittleWrong, LoseNoRequest) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  callers.strict = true;
  callers.ask(nth(world, "client", 0));
  world.run_for(Millis(100));
  EXPECT_FALSE(nth(world, "client", 0).client().idle()) << "nothing ran when the clock was set";
  node().set_clock_error(GetParam().error);
  world.run_for(Millis(5000));
  callers.collect();
  serve(30);
  node().set_clock_error(Seconds(0));
  serve(3);
  expect_accounts_agree();
}

INSTANTIATE_TEST_SUITE_P(Each, ClocksALittleWrong,
                         ::testing::Values(Step{"client", Seconds(15)},
                                           Step{"client", Seconds(-15)}, Step{"proxy", Seconds(15)},
                                           Step{"proxy", Seconds(-15)}, Step{"worker", Seconds(15)},
                                           Step{"worker", Seconds(-15)}),
                         name_of);

using ClocksAnHourWrong = Clocks;

TEST_P(ClocksAnHourWrong, AreForgivenOnceTheyAreSetRight) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  node().set_clock_error(GetParam().error);
  for (int i = 0; i < 30; ++i) {
    callers.ask(nth(world, "client", 0));
    world.run_for(Millis(10'000));
    callers.collect();
  }
  world.run_for(Seconds(60));  // the last one's deadline
  callers.collect();
  EXPECT_TRUE(callers.open.empty());
  node().set_clock_error(Seconds(0));
  world.run_for(Seconds(180));
  callers.collect();
  serve(5);
  expect_accounts_agree();
}

INSTANTIATE_TEST_SUITE_P(
    Each, ClocksAnHourWrong,
    ::testing::Values(Step{"client", Seconds(3600)}, Step{"client", Seconds(-3600)},
                      Step{"proxy", Seconds(3600)}, Step{"proxy", Seconds(-3600)},
                      Step{"worker", Seconds(3600)}, Step{"worker", Seconds(-3600)}),
    name_of);

TEST(AClockTenMinutesFast, OfOneWorkerOfTwoLosesNoRequest) {
  SCOPED_TRACE("COCOON_SEED=" + std::to_string(seed()));
  World world(seed(), {});
  Callers callers(world);
  populate(world, 6, 1, 2);
  world.run_for(Millis(3000));
  nth(world, "worker", 0).set_clock_error(Seconds(600));
  for (unsigned i = 0; i < 60; ++i) {
    callers.ask(nth(world, "client", i % 6));
    world.run_for(Millis(3000));
    callers.collect();
  }
  world.run_for(Seconds(60));
  callers.collect();
  EXPECT_EQ(callers.served, 60u);
}

}  // namespace
}  // namespace cocoon::simulation
