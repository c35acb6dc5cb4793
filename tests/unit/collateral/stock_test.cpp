// The rules of the stock, with a clock that the test holds.

#include "collateral/stock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/limits.h"
#include "support/seeded_random.h"

namespace cocoon::collateral {
namespace {

using ::testing::HasSubstr;

constexpr Seconds kDay{24 * 3600};
constexpr Seconds kPatience{10};
const std::string kUrl = "https://pccs.example";

Platform platform(std::uint8_t number) {
  return {TeeKind::tdx, {0xb0, number, 0, 0, 0, 0}, PckCa::platform};
}

class StockTest : public ::testing::Test {
 protected:
  explicit StockTest(std::string url = kUrl) : stock(std::move(url), kPatience, random) {}

  Now now() const { return {MonoTime{} + at, unix_seconds(1'800'000'000) + at}; }
  void wait(Millis time) {
    at += time;
    stock.on_time(now());
    collect();
  }
  /// To the next deadline, which must be there.
  void wait_for_deadline() {
    ASSERT_NE(stock.next_deadline(), kNever);
    wait(std::chrono::ceil<Millis>(stock.next_deadline() - now().mono));
  }

  /// Collateral that is told from others by `text`.
  HeldPtr collateral(const std::string& text, Seconds age = kDay, Seconds left = 30 * kDay) const {
    attest::CollateralText parts;
    parts.pck_crl = text;
    auto held = std::make_shared<Held>(*hold_unexamined(parts, attest::TrustedRoot::intel()));
    held->issued = now().unix - age;
    held->expires = now().unix + left;
    return held;
  }

  Stock::Ticket need(const Platform& who = platform(1)) {
    stock.need(++ticket, who, std::make_shared<const Bytes>(Bytes{1}), now());
    collect();
    return ticket;
  }
  void read(Result<HeldPtr> found, const Platform& who = platform(1)) {
    stock.on_read(who, std::move(found), now());
    collect();
  }
  void fetched(Result<HeldPtr> found, const Platform& who = platform(1)) {
    stock.on_fetched(who, std::move(found), now());
    collect();
  }
  /// Holds collateral that the service gave.
  HeldPtr hold(const std::string& text, Seconds age = kDay, Seconds left = 30 * kDay) {
    HeldPtr held = collateral(text, age, left);
    need();
    read(no_file());
    fetched(held);
    return held;
  }
  HeldPtr in_stock(const Platform& who = platform(1)) const {
    const auto all = stock.holdings();
    const auto found = all->find(name_of(who));
    return found == all->end() ? nullptr : found->second;
  }
  std::string code_of(Stock::Ticket which) const {
    const auto found = answers.find(which);
    if (found == answers.end()) return "waits";
    return found->second ? "held" : std::string(found->second.error().code());
  }

  static Error no_file() { return Error(ErrorKind::not_found, "collateral_no_file", "no file"); }
  static Error dead() {
    return Error(ErrorKind::unavailable, "connection_refused", "nobody there");
  }

  test::SplitMix random{20261125};
  Stock stock;
  Millis at{0};
  Stock::Ticket ticket = 0;
  std::vector<Platform> reads;
  std::vector<Platform> fetches;
  std::vector<HeldPtr> saves;
  std::map<Stock::Ticket, Result<HeldPtr>> answers;
  std::vector<Stock::Report> reports;

 private:
  void collect() {
    for (Stock::Effect& effect : stock.take_effects()) {
      if (auto* r = std::get_if<Stock::Read>(&effect)) reads.push_back(r->platform);
      if (auto* f = std::get_if<Stock::Fetch>(&effect)) fetches.push_back(f->platform);
      if (auto* s = std::get_if<Stock::Save>(&effect)) saves.push_back(s->held);
      if (auto* r = std::get_if<Stock::Report>(&effect)) reports.push_back(std::move(*r));
      if (auto* a = std::get_if<Stock::Answer>(&effect)) {
        EXPECT_TRUE(answers.emplace(a->ticket, std::move(a->held)).second) << "answered twice";
      }
    }
  }
};

/// Nothing is ever fetched.
class OfflineStock : public StockTest {
 protected:
  OfflineStock() : StockTest("") {}
};

TEST_F(StockTest, AFileThatDoesNotServeIsPassedOverForTheService) {
  const auto asked = need();
  EXPECT_EQ(reads.size(), 1U);
  EXPECT_TRUE(fetches.empty());
  read(Error(ErrorKind::upstream, "collateral_unfit", "damaged"));
  EXPECT_EQ(fetches.size(), 1U);
  EXPECT_EQ(code_of(asked), "waits");
}

TEST_F(StockTest, AFailureIsTheAnswerAndSaysWhosePlatformItIs) {
  const auto asked = need();
  read(no_file());
  fetched(dead());
  EXPECT_EQ(code_of(asked), "connection_refused");
  EXPECT_EQ(answers.at(asked).error().detail(),
            "there is no collateral of tdx b00100000000 (platform CA): nobody there");
  EXPECT_EQ(in_stock(), nullptr);
}

TEST_F(StockTest, AfterAFailureNobodyIsAskedForAWhileAndThenAgain) {
  need();
  read(no_file());
  fetched(dead());
  wait(limits::kCollateralRetryFirst / 2 - Millis(1));
  EXPECT_EQ(code_of(need()), "connection_refused");
  EXPECT_EQ(reads.size() + fetches.size(), 2U);
  wait(limits::kCollateralRetryFirst);
  EXPECT_EQ(code_of(need()), "waits");
  EXPECT_EQ(reads.size(), 2U);
}

TEST_F(StockTest, ThePausesAfterFailuresGrowUpToABound) {
  std::vector<Millis> pauses;
  for (int i = 0; i < 12; ++i) {
    need();
    read(no_file());
    fetched(dead());
    const Millis failed = at;
    while (code_of(need()) != "waits") wait(Millis(500));
    pauses.push_back(at - failed);
    read(no_file());
    fetched(dead());
    wait(limits::kCollateralRetryLongest);
  }
  EXPECT_LE(pauses.front(), limits::kCollateralRetryFirst + Millis(500));
  EXPECT_GE(pauses.back(), limits::kCollateralRetryLongest / 2);
  EXPECT_LE(pauses.back(), limits::kCollateralRetryLongest + Millis(500));
}

TEST_F(StockTest, WhoHasWaitedLongEnoughIsToldWhatToDo) {
  const auto first = need();
  wait(Millis(1));
  const auto second = need();
  read(no_file());
  wait_for_deadline();
  EXPECT_EQ(code_of(first), "collateral_timeout");
  EXPECT_EQ(code_of(second), "waits");
  EXPECT_THAT(answers.at(first).error().detail(),
              HasSubstr(kUrl + " has not given the collateral of tdx b00100000000 (platform CA) "
                               "within 10 s: check that \"url\" in [collateral] is right"));
}

TEST_F(StockTest, WhatComesTooLateForOneIsThereForTheNext) {
  const auto first = need();
  read(no_file());
  wait(kPatience);
  EXPECT_EQ(code_of(first), "collateral_timeout");
  fetched(collateral("late"));
  EXPECT_EQ(code_of(need()), "held");
  EXPECT_EQ(fetches.size(), 1U);
}

TEST_F(StockTest, APlatformIsAskedForOnceAtATime) {
  const auto first = need();
  const auto second = need();
  EXPECT_EQ(reads.size(), 1U);
  read(no_file());
  const auto third = need();
  EXPECT_EQ(fetches.size(), 1U);
  fetched(collateral("a"));
  for (const auto asked : {first, second, third}) EXPECT_EQ(code_of(asked), "held");
}

TEST_F(StockTest, OnlySoManyMayWait) {
  for (std::size_t i = 0; i < limits::kMaxCollateralWaiters; ++i) need();
  EXPECT_EQ(code_of(ticket), "waits");
  EXPECT_EQ(code_of(need()), "too_many_wait");
  read(no_file());
  fetched(dead());
  wait(limits::kCollateralRetryLongest);
  EXPECT_EQ(code_of(need()), "waits") << "those who went still count";
}

TEST_F(StockTest, OnlySoManyPlatformsAreAskedForAtOnce) {
  for (std::size_t i = 0; i < limits::kMaxCollateralPlatforms; ++i) {
    need(platform(static_cast<std::uint8_t>(i)));
  }
  Platform one_more = platform(1);
  one_more.ca = PckCa::processor;
  EXPECT_EQ(code_of(need(one_more)), "too_many_platforms");
}

TEST_F(StockTest, ThePlatformThatWasAskedForLongestAgoMakesRoom) {
  for (std::size_t i = 0; i < limits::kMaxCollateralPlatforms; ++i) {
    const Platform who = platform(static_cast<std::uint8_t>(i));
    wait(Millis(1));
    need(who);
    read(collateral("a"), who);
  }
  need(platform(0));
  Platform one_more = platform(1);
  one_more.ca = PckCa::processor;
  EXPECT_EQ(code_of(need(one_more)), "waits");
  EXPECT_NE(in_stock(platform(0)), nullptr);
  EXPECT_EQ(in_stock(platform(1)), nullptr);
  EXPECT_EQ(stock.holdings()->size(), limits::kMaxCollateralPlatforms - 1);
}

TEST_F(StockTest, AFailureToRenewTakesNothingAway) {
  const HeldPtr held = hold("a");
  wait_for_deadline();
  ASSERT_EQ(fetches.size(), 2U);
  fetched(dead());
  EXPECT_EQ(in_stock(), held);
  EXPECT_EQ(code_of(need()), "held");
  EXPECT_THAT(reports.back().message, HasSubstr("cannot renew the collateral of tdx b00100000000 "
                                                "(platform CA): nobody there (connection_refused); "
                                                "what is held is good"));
}

TEST_F(StockTest, RenewingIsTriedAgainUntilWhatIsHeldExpires) {
  const HeldPtr held = hold("a", kDay, Seconds(600));
  std::size_t tries = 0;
  while (in_stock() != nullptr) {
    ASSERT_LT(now().unix, held->expires);
    const std::size_t before = fetches.size();
    wait_for_deadline();
    if (fetches.size() == before) continue;
    ++tries;
    fetched(dead());
  }
  EXPECT_GE(tries, 3U);
  EXPECT_EQ(now().unix, held->expires);
  EXPECT_THAT(reports.back().message, HasSubstr("has expired"));
  EXPECT_EQ(code_of(need()), "waits");
}

TEST_F(StockTest, WhatTheTimeOfDaySaysHasExpiredIsNotGiven) {
  hold("a", kDay, Seconds(600));
  at += Seconds(601);  // and no timer has run: the machine slept
  EXPECT_EQ(code_of(need()), "waits");
  EXPECT_EQ(in_stock(), nullptr);
}

TEST_F(StockTest, OlderCollateralDoesNotReplaceNewer) {
  const HeldPtr held = hold("a", Seconds(100));
  wait_for_deadline();
  fetched(collateral("b", kDay * 5));
  EXPECT_EQ(in_stock(), held);
  EXPECT_EQ(saves, std::vector<HeldPtr>{held});
}

TEST_F(StockTest, TheSameCollateralAgainIsNoChange) {
  const HeldPtr held = hold("a");
  wait_for_deadline();
  fetched(collateral("a"));
  EXPECT_EQ(in_stock(), held);
  EXPECT_EQ(saves.size(), 1U);
}

TEST_F(StockTest, NewerCollateralTakesTheOldOnesPlace) {
  hold("a");
  wait_for_deadline();
  const HeldPtr newer = collateral("b", Seconds(60));
  fetched(newer);
  EXPECT_EQ(in_stock(), newer);
  EXPECT_EQ(saves.back(), newer);
}

TEST_F(StockTest, RenewingIsAheadOfTheEndAndOnceADay) {
  for (const Seconds left : {Seconds(3600), kDay, 3 * kDay, 30 * kDay}) {
    Stock one(kUrl, kPatience, random);
    one.need(1, platform(1), nullptr, now());
    one.on_fetched(platform(1), collateral("a", kDay, left), now());
    const auto wait = std::chrono::ceil<Millis>(one.next_deadline() - now().mono);
    const Millis most = std::min<Millis>(limits::kCollateralRefresh, Millis(left) / 2);
    EXPECT_LE(wait, most) << left.count();
    EXPECT_GE(wait, most * 3 / 4) << left.count();
  }
}

TEST_F(StockTest, NodesDoNotRenewAllAtOnce) {
  std::set<Millis> waits;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    test::SplitMix other(seed);
    Stock one(kUrl, kPatience, other);
    one.need(1, platform(1), nullptr, now());
    one.on_fetched(platform(1), collateral("a"), now());
    waits.insert(std::chrono::ceil<Millis>(one.next_deadline() - now().mono));
  }
  EXPECT_GT(waits.size(), 5U);
}

TEST_F(StockTest, WhatIsFetchedIsWrittenAndWhatIsReadIsNot) {
  need();
  read(collateral("a"));
  EXPECT_TRUE(saves.empty());
  EXPECT_TRUE(fetches.empty());
}

TEST_F(StockTest, WhatComesFromAFileIsSoonLookedAtAgain) {
  need();
  read(collateral("a"));
  EXPECT_LE(stock.next_deadline() - now().mono, limits::kCollateralRecheck);
  wait_for_deadline();
  EXPECT_EQ(fetches.size(), 1U);
}

TEST_F(OfflineStock, AMissingFileIsTheAnswer) {
  const auto asked = need();
  read(no_file());
  EXPECT_EQ(code_of(asked), "collateral_no_file");
  EXPECT_TRUE(fetches.empty());
}

TEST_F(OfflineStock, ANewerFileIsFoundWithoutARestart) {
  need();
  read(collateral("a"));
  wait_for_deadline();
  EXPECT_EQ(reads.size(), 2U);
  EXPECT_TRUE(fetches.empty());
  const HeldPtr newer = collateral("b", Seconds(60));
  read(newer);
  EXPECT_EQ(in_stock(), newer);
}

}  // namespace
}  // namespace cocoon::collateral
