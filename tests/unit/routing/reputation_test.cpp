#include "routing/reputation.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

TEST(ServiceAverages, AFailureWorsensTheExpectationHoweverFastItCame) {
  ServiceAverages averages;
  for (int i = 0; i < 20; ++i) averages.add(served(1, 2, 100));
  double before = averages.expected_seconds(100);
  for (int i = 0; i < 50; ++i) {
    averages.add(ended(Outcome::failed));
    EXPECT_GE(averages.expected_seconds(100), before);
    before = averages.expected_seconds(100);
  }
  EXPECT_GT(before, 1000);
}

TEST(ServiceAverages, ACancelWhileWaitingNeverImproves) {
  ServiceAverages averages;
  for (int i = 0; i < 4; ++i) averages.add(served(1, 2, 100));
  averages.add(ended(Outcome::cancelled, 0.1));
  EXPECT_DOUBLE_EQ(averages.first_token_seconds(), 1);
  averages.add(ended(Outcome::cancelled, 9));
  EXPECT_GT(averages.first_token_seconds(), 1);
}

TEST(ServiceAverages, ARefusalSaysNothing) {
  ServiceAverages averages;
  averages.add(served(1, 2, 100));
  const double before = averages.expected_seconds(100);
  averages.add(ended(Outcome::refused));
  EXPECT_EQ(averages.expected_seconds(100), before);
  EXPECT_EQ(averages.samples(), 1u);
}

TEST(ServiceAverages, FollowAChangeOfSpeed) {
  ServiceAverages averages;
  for (int i = 0; i < 100; ++i) averages.add(served(1, 10, 100));
  EXPECT_NEAR(averages.tokens_per_second(), 10, 0.01);
  for (int i = 0; i < 64; ++i) averages.add(served(0.1, 1, 100));
  EXPECT_NEAR(averages.tokens_per_second(), 100, 3);
  EXPECT_NEAR(averages.first_token_seconds(), 0.1, 0.05);
}

TEST(ServiceAverages, RecoverTheirSuccessRate) {
  ServiceAverages averages;
  for (int i = 0; i < 20; ++i) averages.add(ended(Outcome::failed));
  EXPECT_LT(averages.success_rate(), 0.1);
  for (int i = 0; i < 80; ++i) averages.add(served(1, 1, 10));
  EXPECT_GT(averages.success_rate(), 0.98);
}

TEST(ServiceAverages, SurviveNonsenseFigures) {
  ServiceAverages averages;
  Observation seen;
  seen.first_token = Millis(-5);
  seen.streaming = Millis(1);
  seen.tokens = UINT64_MAX;
  averages.add(seen);
  seen.streaming = Millis::min();
  seen.first_token = Millis::max();
  averages.add(seen);
  EXPECT_GE(averages.expected_seconds(10), 0);
  EXPECT_LE(averages.tokens_per_second(), 1e9);
}

ReputationBook some_book() {
  ReputationBook book;
  SeededRandom random(5);
  for (int i = 0; i < 10; ++i) {
    ServiceAverages& averages = book.of({random.array<32>()}, unix_seconds(kStart + i));
    averages.add(served(0.25, 1.5, 64));
    averages.add(ended(Outcome::failed));
  }
  return book;
}

TEST(ReputationBook, ASnapshotRestoresTheSameBook) {
  const ReputationBook book = some_book();
  ReputationBook restored;
  ASSERT_TRUE(restored.restore(book.snapshot()));
  EXPECT_EQ(restored.size(), 10u);
  EXPECT_EQ(restored.snapshot(), book.snapshot());
  SeededRandom random(5);
  const ServiceAverages* first = restored.find({random.array<32>()});
  ASSERT_NE(first, nullptr);
  EXPECT_NEAR(first->expected_seconds(64),
              book.find({SeededRandom(5).array<32>()})->expected_seconds(64), 1e-4);
}

TEST(ReputationBook, RefusesEveryTruncatedOrExtendedSnapshotAndKeepsItsContents) {
  const Bytes good = some_book().snapshot();
  ReputationBook book = some_book();
  for (std::size_t n = 0; n < good.size(); ++n) {
    ASSERT_FALSE(book.restore(ByteView(good).first(n))) << n;
  }
  Bytes longer = good;
  longer.push_back(0);
  const Status status = book.restore(longer);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "bad_reputation_snapshot");
  EXPECT_EQ(book.snapshot(), good);
}

TEST(ReputationBook, RefusesAveragesOutOfRangeAndDuplicates) {
  const Bytes good = some_book().snapshot();
  ReputationBook book;
  Bytes rate = good;
  rate[5 + 32 + 8 + 4] = 0xff;
  EXPECT_FALSE(book.restore(rate));
  Bytes samples = good;
  samples[5 + 32 + 8] = 0xff;
  EXPECT_FALSE(book.restore(samples));
  Bytes twice = good;
  const std::size_t entry = (good.size() - 5) / 10;
  std::copy_n(good.begin() + 5, 32, twice.begin() + 5 + static_cast<std::ptrdiff_t>(entry));
  EXPECT_FALSE(book.restore(twice));
  EXPECT_EQ(book.size(), 0u);
}

TEST(ReputationBook, ForgetsTheLongestAwayWhenFull) {
  ReputationBook book;
  auto account = [](std::uint32_t i) {
    AccountId id;
    for (std::size_t b = 0; b < 4; ++b) id.bytes[b] = static_cast<std::uint8_t>(i >> (8 * b));
    return id;
  };
  const auto many = static_cast<std::uint32_t>(limits::kMaxReputationEntries);
  for (std::uint32_t i = 0; i <= many; ++i) book.of(account(i), unix_seconds(kStart + i));
  EXPECT_LE(book.size(), limits::kMaxReputationEntries);
  EXPECT_EQ(book.find(account(0)), nullptr);
  EXPECT_NE(book.find(account(many)), nullptr);
  EXPECT_NE(book.find(account(many / 2)), nullptr);
}

}  // namespace
}  // namespace cocoon::routing
