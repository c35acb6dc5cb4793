#include "session/replay_table.h"

#include <gtest/gtest.h>

#include "unit/session/fixtures.h"

namespace cocoon {
namespace {

using namespace session;
using test::numbered_hash;

UnixTime at(std::uint64_t s) {
  return unix_seconds(10'000 + s);
}

TEST(ReplayTable, RefusesWhatItHasSeenUntilNotAfterAndSkewHavePassed) {
  ReplayTable table;
  EXPECT_TRUE(table.add(numbered_hash(1), at(60), at(0)));
  for (const std::uint64_t later : {0u, 60u, 89u, 90u}) {
    const Status again = table.add(numbered_hash(1), at(60), at(later));
    ASSERT_FALSE(again) << later;
    EXPECT_EQ(again.error().code(), "replayed_request");
  }
  const Status expired = table.add(numbered_hash(1), at(60), at(91));
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code(), "request_expired");
}

TEST(ReplayTable, AClockThatJumpsBackBringsNothingBack) {
  ReplayTable table;
  EXPECT_TRUE(table.add(numbered_hash(1), at(60), at(0)));
  EXPECT_TRUE(table.add(numbered_hash(2), at(600), at(100)));  // forgets 1
  EXPECT_FALSE(table.add(numbered_hash(1), at(60), at(30)));
}

TEST(ReplayTable, FullRefusesUntilSomethingExpires) {
  ReplayTable table(2);
  EXPECT_TRUE(table.add(numbered_hash(1), at(10), at(0)));
  EXPECT_TRUE(table.add(numbered_hash(2), at(500), at(0)));
  const Status full = table.add(numbered_hash(3), at(500), at(0));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind(), ErrorKind::busy);
  EXPECT_EQ(full.error().code(), "replay_table_full");
  EXPECT_TRUE(table.add(numbered_hash(3), at(500), at(41)));
  EXPECT_EQ(table.size(), 2u);
}

TEST(ReplayTable, ARequestWhoseEngineNeverStartedMayComeAgain) {
  ReplayTable table;
  EXPECT_TRUE(table.add(numbered_hash(1), at(60), at(0)));
  table.forget(numbered_hash(1));
  table.forget(numbered_hash(9));
  EXPECT_TRUE(table.add(numbered_hash(1), at(60), at(1)));
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace cocoon
