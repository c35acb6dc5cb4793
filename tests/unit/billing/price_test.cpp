#include "billing/price.h"

#include <gtest/gtest.h>

namespace cocoon::billing {
namespace {

constexpr std::uint64_t kLarge = UINT64_MAX;

TEST(Price, CostBeyondSixtyFourBitsIsAnError) {
  Prices prices = reference_prices();
  prices.per_token = Nano{kLarge};
  auto result = cost({kLarge, kLarge, kLarge, kLarge}, 1'000'000, prices);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "cost_overflow");
  EXPECT_EQ(reservation(kLarge, kLarge, UINT32_MAX, prices).error().code(), "cost_overflow");
  // Just beyond: 2^64 tokens' worth does not fit, one less does.
  prices.per_token = Nano{1};
  prices.multiplier_e4 = {10'000, 10'000, 10'000, 10'000};
  EXPECT_EQ(cost({kLarge, 0, 0, 0}, 1000, prices)->value, kLarge);
  EXPECT_FALSE(cost({kLarge, 1, 0, 0}, 1000, prices));
}

TEST(Price, ClassesHaveTheirOwnMultipliers) {
  const Prices prices = reference_prices();
  EXPECT_EQ(cost({1, 0, 0, 0}, 1000, prices)->value, 20u);
  EXPECT_EQ(cost({0, 1, 0, 0}, 1000, prices)->value, 2u);
  EXPECT_EQ(cost({0, 0, 1, 0}, 1000, prices)->value, 160u);
  EXPECT_EQ(cost({0, 0, 0, 1}, 1000, prices)->value, 160u);
  EXPECT_EQ(cost({3, 5, 7, 11}, 1500, prices)->value, (60u + 10 + 1120 + 1760) * 3 / 2);
}

TEST(Price, CostIsRoundedUpOnceNotPerClass) {
  Prices prices = reference_prices();
  prices.per_token = Nano{1};
  prices.multiplier_e4 = {1, 1, 1, 1};
  EXPECT_EQ(cost({1, 1, 1, 1}, 1000, prices)->value, 1u);
  EXPECT_EQ(cost({10'000, 0, 0, 0}, 1000, prices)->value, 1u);
  EXPECT_EQ(cost({10'001, 0, 0, 0}, 1000, prices)->value, 2u);
  EXPECT_EQ(cost({0, 0, 0, 0}, 1000, prices)->value, 0u);
}

TEST(Price, WorkersShareIsRoundedDownAndNeverAboveTheCost) {
  EXPECT_EQ(worker_share(Nano{20}, 9'500).value, 19u);
  EXPECT_EQ(worker_share(Nano{1}, 9'999).value, 0u);
  EXPECT_EQ(worker_share(Nano{kLarge}, 10'000).value, kLarge);
  EXPECT_EQ(worker_share(Nano{100}, 20'000).value, 100u);
}

TEST(Price, ReservationTakesTheDearestClassOfEachSide) {
  Prices prices = reference_prices();
  prices.multiplier_e4 = {10'000, 20'000, 30'000, 50'000};
  EXPECT_EQ(reservation(1, 0, 1000, prices)->value, 40u);
  EXPECT_EQ(reservation(0, 1, 1000, prices)->value, 100u);
  prices.multiplier_e4 = {20'000, 10'000, 50'000, 30'000};
  EXPECT_EQ(reservation(1, 1, 1000, prices)->value, 140u);
}

TEST(Price, CapIsComparedToTheReservation) {
  EXPECT_TRUE(within_cap(Nano{5}, Nano{5}));
  const Status refused = within_cap(Nano{6}, Nano{5});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::payment);
  EXPECT_EQ(refused.error().code(), "cap_too_low");
}

TEST(Price, TheAffordableCoefficientIsTheHighestThatFits) {
  Prices prices = reference_prices();
  prices.per_token = Nano{7};
  for (const std::uint64_t cap : {1u, 999u, 1'000u, 1'234'567u, 4'000'000'000u}) {
    const std::uint32_t most = affordable_coefficient(1'000, 37, Nano{cap}, prices);
    const auto fits = [&](std::uint32_t coefficient) {
      return reservation(1'000, 37, coefficient, prices)->value <= cap;
    };
    EXPECT_TRUE(most == 0 || fits(most)) << cap;
    EXPECT_FALSE(fits(most + 1)) << cap;
  }
}

TEST(Price, WhatCostsNothingIsAffordableAtAnyCoefficientAndWhatOverflowsAtNone) {
  Prices prices = reference_prices();
  EXPECT_EQ(affordable_coefficient(0, 0, Nano{0}, prices), UINT32_MAX);
  EXPECT_EQ(affordable_coefficient(1, 0, Nano{0}, prices), 0u);
  prices.per_token = Nano{kLarge};
  EXPECT_EQ(affordable_coefficient(kLarge, kLarge, Nano{kLarge}, prices), 0u);
}

TEST(Price, BoundsOfARequestMultiplyAndSaturate) {
  const ModelEntry model{"m", 8'192, 100};
  EXPECT_EQ(prompt_bound({.body_bytes = 1'000}, model), 1'100u);
  EXPECT_EQ(prompt_bound({.body_bytes = 1'000, .prompts = 3}, model), 1'300u);
  EXPECT_EQ(prompt_bound({.body_bytes = 1'000, .media_parts = 2}, model), 1'100u + 2 * 16'384);
  EXPECT_EQ(prompt_bound({.body_bytes = kLarge, .prompts = 2}, model), kLarge);
  EXPECT_EQ(prompt_bound({.body_bytes = 1, .media_parts = kLarge}, model), kLarge);
  EXPECT_EQ(output_bound(10, 4, model), 40u);
  EXPECT_EQ(output_bound(kLarge, 4, model), kLarge);
}

TEST(Price, MissingLimitIsTheSmallerOf4096AndTheModels) {
  EXPECT_EQ(output_bound(0, 1, {"m", 8'192, 0}), 4'096u);
  EXPECT_EQ(output_bound(0, 2, {"m", 1'000, 0}), 2'000u);
  EXPECT_EQ(default_max_tokens({"m", 4'097, 0}), 4'096u);
}

}  // namespace
}  // namespace cocoon::billing
