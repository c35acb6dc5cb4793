#include "ledger/ton/endpoint_pool.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/seeded_random.h"

namespace cocoon::ledger {
namespace {

using std::chrono::microseconds;

TonEndpoint at(std::string url, std::string key = "", double rate = 0) {
  return {std::move(url), std::move(key), rate};
}

void expect_refused(const TonEndpoint& endpoint, std::string_view named) {
  const Status checked = check_endpoints({endpoint});
  ASSERT_FALSE(checked) << endpoint.url;
  EXPECT_NE(checked.error().detail().find(named), std::string::npos) << checked.error().detail();
}

TEST(Endpoints, AreCheckedBeforeTheyAreUsed) {
  EXPECT_FALSE(check_endpoints({}));
  EXPECT_FALSE(check_endpoints(std::vector<TonEndpoint>(17, at("https://a.example"))));
  expect_refused(at("ftp://a.example"), "ftp");
  expect_refused(at("http://a.example/api/v2"), "https://");
  expect_refused(at("http://127.0.0.1.a.example/"), "https://");
  expect_refused(at("http://localhost.example/"), "https://");
  expect_refused(at("https://a.example/?key=1"), "parameters");
  expect_refused(at("https://a.example/", "a\r\nHost: b"), "api_key");
  expect_refused(at("https://a.example/", std::string(257, 'k')), "api_key");
  expect_refused(at("https://a.example/", "", -1), "rate");
  expect_refused(at("https://a.example/", "", 1e9), "rate");
  EXPECT_TRUE(check_endpoints({at("https://toncenter.com/api/v2", "key", 10)}));
  EXPECT_TRUE(check_endpoints({at("http://127.0.0.1:8081/api/v2"), at("http://[::1]:1")}));
}

class Pool : public ::testing::Test {
 protected:
  static constexpr MonoTime kStart{microseconds{1'000'000'000}};

  EndpointPool::Tried none(const EndpointPool& pool) { return EndpointPool::Tried(pool.size()); }

  cocoon::test::SplitMix random_{1};
};

TEST_F(Pool, HasNothingForWhoHasTriedAll) {
  EndpointPool pool({at("https://a"), at("https://b")}, random_);
  const auto choice = pool.choose({true, true}, kStart);
  EXPECT_FALSE(choice.endpoint);
  EXPECT_EQ(choice.at, kNever);
}

TEST_F(Pool, PrefersTheFirstAndGoesOnWhenItFails) {
  EndpointPool pool({at("https://a"), at("https://b")}, random_);
  EXPECT_EQ(pool.choose(none(pool), kStart).endpoint, 0u);
  EXPECT_EQ(pool.choose({true, false}, kStart).endpoint, 1u);
  pool.failed(0, kStart);
  EXPECT_EQ(pool.choose(none(pool), kStart).endpoint, 1u);
  EXPECT_EQ(pool.choose(none(pool), kStart + limits::kTonRestFirst).endpoint, 0u);
}

TEST_F(Pool, RestsLongerEachTimeUpToABoundUntilAGoodAnswer) {
  EndpointPool pool({at("https://a", "", 1000)}, random_);
  MonoTime now = kStart;
  Millis longest{0};
  for (int i = 0; i < 20; ++i) {
    pool.failed(0, now);
    const auto choice = pool.choose(none(pool), now);
    ASSERT_FALSE(choice.endpoint);
    longest = std::max(longest, std::chrono::duration_cast<Millis>(choice.at - now));
    now = choice.at;
  }
  EXPECT_LE(longest, limits::kTonRestLongest);
  EXPECT_GE(longest, limits::kTonRestLongest / 2);
  pool.answered(0);
  pool.failed(0, now);
  EXPECT_LE(pool.choose(none(pool), now).at, now + limits::kTonRestFirst);
}

TEST_F(Pool, KeepsTheRateAndUsesTheNextOneMeanwhile) {
  EndpointPool pool({at("https://a", "", 2), at("https://b", "", 1)}, random_);
  int to_first = 0;
  int to_second = 0;
  for (MonoTime now = kStart; now < kStart + Seconds{60}; now += Millis{10}) {
    while (const auto choice = pool.choose(none(pool), now).endpoint) {
      ++(*choice == 0 ? to_first : to_second);
      pool.asked(*choice, now);
    }
  }
  // The rate, and a second's worth at once in the beginning.
  EXPECT_GE(to_first, 119);
  EXPECT_LE(to_first, 122);
  EXPECT_GE(to_second, 59);
  EXPECT_LE(to_second, 61);
}

TEST_F(Pool, WaitsAsLongAsItIsToldWithinBounds) {
  EndpointPool pool({at("https://a")}, random_);
  pool.limited(0, Seconds{7}, kStart);
  EXPECT_EQ(pool.choose(none(pool), kStart).at, kStart + Seconds{7});
  pool.limited(0, Seconds{1'000'000}, kStart);
  EXPECT_EQ(pool.choose(none(pool), kStart).at, kStart + limits::kTonRateRestLongest);
  EndpointPool other({at("https://a")}, random_);
  other.limited(0, Seconds{0}, kStart);
  EXPECT_EQ(other.choose(none(other), kStart).at, kStart + Seconds{1});
  EndpointPool untold({at("https://a")}, random_);
  untold.limited(0, std::nullopt, kStart);
  EXPECT_EQ(untold.choose(none(untold), kStart).at, kStart + limits::kTonRateRest);
}

}  // namespace
}  // namespace cocoon::ledger
