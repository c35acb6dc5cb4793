#include "routing/token_bucket.h"

#include <gtest/gtest.h>

namespace cocoon::routing {
namespace {

MonoTime at(int ms) {
  return MonoTime(Seconds(50)) + Millis(ms);
}

TEST(TokenBucket, ARateOfZeroIsNoBound) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(bucket.take(0, at(0)), Millis(0));
}

TEST(TokenBucket, GivesASecondsWorthAtOnceAndThenTheRate) {
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) ASSERT_EQ(bucket.take(10, at(0)), Millis(0)) << i;
  EXPECT_EQ(bucket.take(10, at(0)), Millis(101));
  EXPECT_EQ(bucket.take(10, at(60)), Millis(41));
  EXPECT_EQ(bucket.take(10, at(101)), Millis(0));
  EXPECT_GT(bucket.take(10, at(101)), Millis(0));
}

TEST(TokenBucket, SavesNoMoreThanASecondsWorth) {
  TokenBucket bucket;
  (void)bucket.take(5, at(0));
  int given = 0;
  while (bucket.take(5, at(3'600'000)) == Millis(0)) ++given;
  EXPECT_EQ(given, 5);
}

TEST(TokenBucket, AClockThatStandsStillGivesNothing) {
  TokenBucket bucket;
  EXPECT_EQ(bucket.take(1, at(1000)), Millis(0));
  EXPECT_GT(bucket.take(1, at(0)), Millis(0));
}

}  // namespace
}  // namespace cocoon::routing
