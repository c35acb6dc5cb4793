#include "ledger/ton/seen_chain.h"

#include <gtest/gtest.h>

#include "ton/builder.h"

namespace cocoon::ledger {
namespace {

const UnixTime kBlockTime = unix_seconds(1'800'000'000);
const ton::Address kWatched{0, Hash{1}};

AccountReading reading(std::uint64_t lt, UnixTime time = kBlockTime, std::uint64_t data = 1) {
  AccountReading out;
  out.status = AccountStatus::active;
  out.last_lt = lt;
  out.time = time;
  out.code = ton::Cell::empty();
  out.data = ton::Builder().store_uint(data, 64).finish().value();
  return out;
}

TEST(SeenChain, RefusesAnotherTime) {
  SeenChain seen;
  for (const Seconds off :
       {limits::kTonClockTolerance + Seconds{1}, -limits::kTonClockTolerance - Seconds{1}}) {
    const Status taken = seen.take(kWatched, reading(1, kBlockTime + off), kBlockTime);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code(), "ledger_clock_off");
  }
  EXPECT_FALSE(seen.take(BlockReading{1, {}, kBlockTime + Seconds{301}}, kBlockTime));
  // Nothing of that was believed.
  EXPECT_TRUE(seen.take(kWatched, reading(1), kBlockTime));
}

TEST(SeenChain, RefusesWhatGoesBackwards) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kWatched, reading(10), kBlockTime));
  EXPECT_EQ(seen.take(kWatched, reading(9), kBlockTime).error().code(), "ledger_answer_old");
  const UnixTime old = kBlockTime - limits::kTonLag - Seconds{1};
  EXPECT_EQ(seen.take(kWatched, reading(11, old), kBlockTime).error().code(), "ledger_answer_old");
  EXPECT_EQ(seen.take({0, Hash{2}}, reading(1, old), kBlockTime).error().code(),
            "ledger_answer_old");
  ASSERT_TRUE(seen.take(ChainHead{1000, {}}));
  EXPECT_EQ(seen.take(ChainHead{900, {}}).error().code(), "ledger_answer_old");
}

TEST(SeenChain, RefusesTwoStatesAfterOneTransaction) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kWatched, reading(10, kBlockTime, 1), kBlockTime));
  EXPECT_EQ(seen.take(kWatched, reading(10, kBlockTime, 2), kBlockTime).error().code(),
            "ledger_answer_forked");
}

TEST(SeenChain, AcceptsASmallLag) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kWatched, reading(10), kBlockTime));
  EXPECT_TRUE(seen.take(kWatched, reading(10, kBlockTime - limits::kTonLag), kBlockTime));
  EXPECT_TRUE(seen.take(kWatched, reading(12, kBlockTime + Seconds{5}), kBlockTime));
  ASSERT_TRUE(seen.take(ChainHead{1000, {}}));
  EXPECT_TRUE(seen.take(ChainHead{999, {}}));
  EXPECT_TRUE(seen.take(ChainHead{1001, {}}));
}

TEST(SeenChain, BelievesTheOlderStateAgainOnceItHasForgotten) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kWatched, reading(UINT64_MAX, kBlockTime + Seconds{300}), kBlockTime));
  ASSERT_FALSE(seen.take(kWatched, reading(10), kBlockTime));
  seen.forget(kWatched);
  EXPECT_TRUE(seen.take(kWatched, reading(10), kBlockTime));
}

}  // namespace
}  // namespace cocoon::ledger
