#include "base/money.h"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(Money, AddingPastTheLargestAmountIsRefused) {
  EXPECT_FALSE(checked_add(kMaxNano, Nano{1}));
  EXPECT_EQ(checked_add(Nano{kMaxNano.value - 1}, Nano{1}), kMaxNano);
}

TEST(Money, SubtractingMoreThanThereIsIsRefused) {
  EXPECT_FALSE(checked_sub(Nano{1}, Nano{2}));
  EXPECT_EQ(checked_sub(Nano{2}, Nano{2}), Nano{0});
}

TEST(Money, FloorSubtractionStopsAtZero) {
  EXPECT_EQ(floor_sub(Nano{1}, Nano{2}), Nano{0});
  EXPECT_EQ(floor_sub(Nano{5}, Nano{2}), Nano{3});
}

}  // namespace
}  // namespace cocoon
