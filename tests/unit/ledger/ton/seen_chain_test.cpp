#include "ledger/ton/seen_chain.h"

#include <gtest/gtest.h>

#include "ton/builder.h"

namespace cocoon::ledger {
namespace {

const UnixTime kNow = unix_seconds(1'800'000'000);
const ton::Address kAccount{0, Hash{1}};

AccountReading reading(std::uint64_t lt, UnixTime time = kNow, std::uint64_t data = 1) {
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
    const Status taken = seen.take(kAccount, reading(1, kNow + off), kNow);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code(), "ledger_clock_off");
  }
  EXPECT_FALSE(seen.take(BlockReading{1, {}, kNow + Seconds{301}}, kNow));
  // Nothing of that was believed.
  EXPECT_TRUE(seen.take(kAccount, reading(1), kNow));
}

TEST(SeenChain, RefusesWhatGoesBackwards) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kAccount, reading(10), kNow));
  EXPECT_EQ(seen.take(kAccount, reading(9), kNow).error().code(), "ledger_answer_old");
  const UnixTime old = kNow - limits::kTonLag - Seconds{1};
  EXPECT_EQ(seen.take(kAccount, reading(11, old), kNow).error().code(), "ledger_answer_old");
  EXPECT_EQ(seen.take({0, Hash{2}}, reading(1, old), kNow).error().code(), "ledger_answer_old");
  ASSERT_TRUE(seen.take(ChainHead{1000, {}}));
  EXPECT_EQ(seen.take(ChainHead{900, {}}).error().code(), "ledger_answer_old");
}

TEST(SeenChain, RefusesTwoStatesAfterOneTransaction) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kAccount, reading(10, kNow, 1), kNow));
  EXPECT_EQ(seen.take(kAccount, reading(10, kNow, 2), kNow).error().code(), "ledger_answer_forked");
}

TEST(SeenChain, AcceptsASmallLag) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kAccount, reading(10), kNow));
  EXPECT_TRUE(seen.take(kAccount, reading(10, kNow - limits::kTonLag), kNow));
  EXPECT_TRUE(seen.take(kAccount, reading(12, kNow + Seconds{5}), kNow));
  ASSERT_TRUE(seen.take(ChainHead{1000, {}}));
  EXPECT_TRUE(seen.take(ChainHead{999, {}}));
  EXPECT_TRUE(seen.take(ChainHead{1001, {}}));
}

TEST(SeenChain, BelievesTheOlderStateAgainOnceItHasForgotten) {
  SeenChain seen;
  ASSERT_TRUE(seen.take(kAccount, reading(UINT64_MAX, kNow + Seconds{300}), kNow));
  ASSERT_FALSE(seen.take(kAccount, reading(10), kNow));
  seen.forget(kAccount);
  EXPECT_TRUE(seen.take(kAccount, reading(10), kNow));
}

}  // namespace
}  // namespace cocoon::ledger
