#include "billing/usage.h"

#include <gtest/gtest.h>

namespace cocoon::billing {
namespace {

TEST(Usage, PromptSideIsCutToItsBoundAndKeepsTheCheaperClass) {
  EXPECT_EQ(clamp({100, 30, 0, 0}, {90, 0, 0}), (TokenCounts{60, 30, 0, 0}));
  EXPECT_EQ(clamp({100, 95, 0, 0}, {90, 0, 0}), (TokenCounts{0, 90, 0, 0}));
}

TEST(Usage, OutputSideIsCutToItsBound) {
  EXPECT_EQ(clamp({0, 0, 70, 50}, {0, 100, 1'000}), (TokenCounts{0, 0, 70, 30}));
  EXPECT_EQ(clamp({0, 0, 170, 50}, {0, 100, 1'000}), (TokenCounts{0, 0, 100, 0}));
}

TEST(Usage, CompletionIsAtMostOneTokenPerByte) {
  EXPECT_EQ(clamp({0, 0, 70, 50}, {0, 1'000, 10}), (TokenCounts{0, 0, 10, 50}));
}

TEST(Usage, CountsNearTheLimitsDoNotWrap) {
  EXPECT_EQ(clamp({UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}, {5, 6, UINT64_MAX}),
            (TokenCounts{0, 5, 6, 0}));
}

TEST(Usage, CountsWithinTheBoundsStay) {
  EXPECT_EQ(clamp({1, 2, 3, 4}, {3, 7, 3}), (TokenCounts{1, 2, 3, 4}));
}

TEST(Usage, MarksOnlyGrow) {
  EXPECT_TRUE(grows({1, 1, 1, 1}, {1, 1, 1, 1}));
  EXPECT_TRUE(grows({1, 1, 1, 1}, {2, 2, 2, 2}));
  EXPECT_FALSE(grows({1, 1, 1, 1}, {0, 2, 2, 2}));
  EXPECT_FALSE(grows({1, 1, 1, 1}, {2, 0, 2, 2}));
  EXPECT_FALSE(grows({1, 1, 1, 1}, {2, 2, 0, 2}));
  EXPECT_FALSE(grows({1, 1, 1, 1}, {2, 2, 2, 0}));
}

TEST(Usage, UncountedTextIsCountedInThePayersFavour) {
  EXPECT_EQ(count_from_bytes(7, 8), (TokenCounts{0, 0, 1, 0}));
  EXPECT_EQ(count_from_bytes(80, 15), (TokenCounts{10, 0, 1, 0}));
}

}  // namespace
}  // namespace cocoon::billing
