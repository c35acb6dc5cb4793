/// What has to hold of the product's scheduler in a small network under failures, whatever its
/// tuning. Figures come from a virtual clock: no test here depends on the machine.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "machine_engine.h"
#include "simulation.h"

namespace cocoon::sim {
namespace {

/// Four proxies that share their workers, a tenth of which is faulty.
Shape small(std::uint64_t seed) {
  Shape shape;
  shape.proxies = 4;
  shape.workers_per_proxy = 200;
  shape.links_per_worker = 2;
  shape.clients = 120;
  shape.warm_up_s = 40;
  shape.measured_s = 40;
  shape.seed = seed;
  return shape;
}

Tally simulate(const Shape& shape, PolicyName policy, const Rules& rules = {}) {
  return Simulation(shape, rules, policy).run();
}

std::vector<double> values(const Tally& tally) {
  std::vector<double> values;
  for (const auto& figure : tally.figures()) values.push_back(figure.value);
  return values;
}

class Policies : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Policies, testing::Values(1, 2, 3));

TEST_P(Policies, OursFailsFewerRequestsThanTheOthersUnderFailures) {
  const Shape shape = small(GetParam());
  const double ours = simulate(shape, PolicyName::cocoon).figure("failed");
  for (const auto other :
       {PolicyName::round_robin, PolicyName::least_loaded, PolicyName::two_choices}) {
    EXPECT_LT(ours, simulate(shape, other).figure("failed") / 2)
        << to_string(other) << ", seed " << shape.seed;
  }
}

TEST_P(Policies, OursHasAShorterTailThanRoundRobinUnderFailures) {
  const Shape shape = small(GetParam());
  const Tally ours = simulate(shape, PolicyName::cocoon);
  const Tally round_robin = simulate(shape, PolicyName::round_robin);
  EXPECT_LT(ours.figure("first_token_or_deadline_p99_s"),
            round_robin.figure("first_token_or_deadline_p99_s"))
      << "seed " << shape.seed;
  EXPECT_GT(ours.figure("goodput"), round_robin.figure("goodput")) << "seed " << shape.seed;
}

TEST_P(Policies, TheSameSeedGivesTheSameFigures) {
  const Shape shape = small(GetParam());
  for (const auto policy : {PolicyName::two_choices, PolicyName::cocoon}) {
    EXPECT_EQ(values(simulate(shape, policy)), values(simulate(shape, policy)))
        << to_string(policy) << ", seed " << shape.seed;
  }
}

TEST_P(Policies, AnotherSeedGivesOtherFigures) {
  const Shape shape = small(GetParam());
  EXPECT_NE(values(simulate(shape, PolicyName::cocoon)),
            values(simulate(small(GetParam() + 100), PolicyName::cocoon)))
      << "seed " << shape.seed;
}

TEST_P(Policies, NobodyStarvesWhereThereIsRoom) {
  Shape shape = small(GetParam());
  shape.load = 0.5;
  Rules rules;
  const Tally tally = simulate(shape, PolicyName::cocoon, rules);
  EXPECT_EQ(tally.figure("starved_clients"), 0) << "seed " << shape.seed;
  EXPECT_GT(tally.figure("jain_light"), 0.9) << "seed " << shape.seed;
}

TEST_P(Policies, WithoutFaultsAndLoadEverythingIsAnswered) {
  Shape shape = small(GetParam());
  shape.bad_share = 0;
  shape.load = 0.1;
  for (const auto policy : {PolicyName::round_robin, PolicyName::least_loaded,
                            PolicyName::two_choices, PolicyName::cocoon}) {
    const Tally tally = simulate(shape, policy);
    // An answer that a slow machine cannot give within the deadline still fails.
    EXPECT_GT(tally.figure("goodput"), 0.95) << to_string(policy) << ", seed " << shape.seed;
  }
}

/// Half as much again as can be served, and nobody fails.
Shape overloaded(std::uint64_t seed) {
  Shape shape = small(seed);
  shape.proxies = 2;
  shape.workers_per_proxy = 50;
  shape.clients = 60;
  shape.bad_share = 0;
  shape.load = 1.5;
  return shape;
}

TEST_P(Policies, WhereAllAreBusyRequestsWaitAtTheirProxyUnderEveryPolicy) {
  const Shape shape = overloaded(GetParam());
  for (const auto policy : {PolicyName::round_robin, PolicyName::least_loaded,
                            PolicyName::two_choices, PolicyName::cocoon}) {
    const Tally tally = simulate(shape, policy);
    EXPECT_GT(tally.figure("waited"), 0.5) << to_string(policy) << ", seed " << shape.seed;
    const double longest = std::chrono::duration<double>(limits::kMaxQueueWait).count();
    EXPECT_LT(tally.figure("wait_p99_s"), longest) << to_string(policy) << ", seed " << shape.seed;
  }
}

TEST_P(Policies, NobodyWaitsWhereOthersAreFree) {
  Shape shape = small(GetParam());
  shape.load = 0.5;
  EXPECT_EQ(simulate(shape, PolicyName::cocoon).figure("waited"), 0) << "seed " << shape.seed;
}

TEST_P(Policies, WhoAsksForLittleIsServedBeforeWhoAsksForMuchWhereRequestsWait) {
  const Shape shape = overloaded(GetParam());
  Rules no_queue;
  no_queue.queue = false;
  const Tally without = simulate(shape, PolicyName::cocoon, no_queue);
  const Tally with = simulate(shape, PolicyName::cocoon);
  EXPECT_EQ(without.figure("waited"), 0) << "seed " << shape.seed;
  EXPECT_GT(with.figure("goodput_light"), with.figure("goodput_heavy") + 0.1)
      << "seed " << shape.seed;
  EXPECT_GT(with.figure("goodput_light"), without.figure("goodput_light") + 0.1)
      << "seed " << shape.seed;
}

Machine machine_with(std::uint32_t slots) {
  Machine machine;
  machine.slots = slots;
  machine.alone_tokens_per_s = 10;
  machine.prompt_tokens_per_s = 1000;
  return machine;
}

TEST(MachineEngine, AStreamAloneRunsAtFullSpeed) {
  const Machine machine = machine_with(4);
  MachineEngine engine(machine);
  engine.take(7, 1);
  engine.begin(7, 50, 2);
  EXPECT_NEAR(engine.next_end(2), 7, 1e-9);
  EXPECT_EQ(engine.complete(6.9), MachineEngine::kNobody);
  EXPECT_EQ(engine.complete(7), 7u);
}

TEST(MachineEngine, StreamsSlowEachOtherDown) {
  const Machine machine = machine_with(4);
  MachineEngine engine(machine);
  engine.take(1, 0);
  engine.begin(1, 50, 0);
  engine.take(2, 2.5);  // the first one is half done, and now runs at tokens_per_s(2)
  EXPECT_NEAR(engine.next_end(2.5), 2.5 + 25 / machine.tokens_per_s(2), 1e-9);
  EXPECT_LT(machine.tokens_per_s(2), machine.tokens_per_s(1));
}

TEST(MachineEngine, WhatIsDroppedFreesItsSlot) {
  const Machine machine = machine_with(1);
  MachineEngine engine(machine);
  engine.take(1, 0);
  EXPECT_TRUE(engine.full());
  engine.drop(1, 3);
  EXPECT_FALSE(engine.full());
  EXPECT_NEAR(engine.busy_seconds(10), 3, 1e-9);
}

TEST(Histogram, QuantilesAreWithinOneStep) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) histogram.add(i / 100.0);
  EXPECT_NEAR(histogram.quantile(0.5), 5, 0.05);
  EXPECT_NEAR(histogram.quantile(0.99), 9.9, 0.1);
}

}  // namespace
}  // namespace cocoon::sim
