#include "billing/registry.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"

namespace cocoon::billing {
namespace {

Hash hash(std::uint8_t with) {
  Hash out;
  out.fill(with);
  return out;
}

Registry sample_registry() {
  Registry r;
  r.network.bytes.fill(7);
  r.kind = NetworkKind::dev;
  r.version = 3;
  r.effective = unix_seconds(1'700'000'000);
  r.prices = reference_prices();
  r.price_grace = Seconds{600};
  r.client_close_delay = Seconds{43'200};
  r.proxy_close_delay = Seconds{86'400};
  r.min_deposit = Nano{100};
  r.min_payout = Nano{50};
  r.min_stake = Nano{1'000};
  r.message_fee = Nano{2};
  r.tombstone_rent = Nano{10};
  r.tcb_evaluation_floor = 17;
  r.proxy_images = {hash(1), hash(2)};
  r.worker_images = {hash(3)};
  r.gpu_measurements = {hash(4)};
  r.models = {{"a@1:0", 4'096, 256}, {"b@1:0", 100, 0}};
  r.proxies = {{{hash(5)}, "127.0.0.1:7443"}, {{hash(6)}, "[::1]:7443"}};
  return r;
}

void expect_unsound(const std::function<void(Registry&)>& change) {
  Registry r = sample_registry();
  change(r);
  const Status status = r.validate();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "bad_registry");
  EXPECT_FALSE(Registry::decode(r.encode()));
}

TEST(Registry, UnsoundNumbersAreRefused) {
  expect_unsound([](Registry& r) { r.kind = static_cast<NetworkKind>(3); });
  expect_unsound([](Registry& r) { r.version = 0; });
  expect_unsound([](Registry& r) { r.prices.worker_share_e4 = 10'001; });
  expect_unsound([](Registry& r) { r.client_close_delay = limits::kMaxCloseDelay + Seconds{1}; });
  expect_unsound([](Registry& r) { r.price_grace = limits::kMaxCloseDelay + Seconds{1}; });
  expect_unsound([](Registry& r) { r.min_deposit = Nano{40}; });
  expect_unsound([](Registry& r) { r.min_payout = Nano{40}; });
  expect_unsound([](Registry& r) { r.message_fee = Nano{UINT64_MAX}; });
}

TEST(Registry, ProxiesMustWaitLongerThanClients) {
  expect_unsound([](Registry& r) { r.proxy_close_delay = r.client_close_delay; });
}

TEST(Registry, UnsortedOrDoubleEntriesAreRefused) {
  expect_unsound([](Registry& r) { std::swap(r.proxy_images[0], r.proxy_images[1]); });
  expect_unsound([](Registry& r) { r.worker_images.push_back(r.worker_images[0]); });
  expect_unsound([](Registry& r) { r.gpu_measurements.push_back(r.gpu_measurements[0]); });
  expect_unsound([](Registry& r) { std::swap(r.models[0], r.models[1]); });
  expect_unsound([](Registry& r) { r.proxies[1].account = r.proxies[0].account; });
}

TEST(Registry, EffectiveTimeIsWholeSecondsOfThisCalendar) {
  Registry r = sample_registry();
  r.effective += Millis{1};
  EXPECT_EQ(r.validate().error().code(), "bad_registry");
  r.effective = unix_seconds(limits::kMaxUnixSeconds) + Seconds{1};
  EXPECT_EQ(r.validate().error().code(), "bad_registry");
}

TEST(Registry, ImagesAndModelsAreBounded) {
  std::vector<Hash> images;
  for (std::size_t i = 0; i <= limits::kMaxRegistryImages; ++i) {
    Hash h{};
    h[0] = static_cast<std::uint8_t>(i >> 8);
    h[1] = static_cast<std::uint8_t>(i);
    images.push_back(h);
  }
  expect_unsound([&](Registry& r) { r.proxy_images = images; });
  expect_unsound([&](Registry& r) { r.worker_images = images; });
  expect_unsound([&](Registry& r) { r.gpu_measurements = images; });
  expect_unsound([](Registry& r) {
    r.models.clear();
    for (std::size_t i = 0; i <= limits::kMaxRegistryModels; ++i) {
      r.models.push_back({"m" + std::to_string(10'000 + i), 1, 0});
    }
  });
}

TEST(Registry, ListsAreBounded) {
  expect_unsound([](Registry& r) {
    r.proxies.clear();
    for (std::size_t i = 0; i <= limits::kMaxRegistryProxies; ++i) {
      Hash h{};
      h[0] = static_cast<std::uint8_t>(i >> 8);
      h[1] = static_cast<std::uint8_t>(i);
      r.proxies.push_back({{h}, "x:1"});
    }
  });
}

TEST(Registry, NamesMustBePrintableAndBounded) {
  expect_unsound([](Registry& r) { r.models[0].id = ""; });
  expect_unsound([](Registry& r) { r.models[0].id = "a b"; });
  expect_unsound([](Registry& r) { r.models[0].id = std::string(257, 'a'); });
  expect_unsound([](Registry& r) { r.models[0].max_output_tokens = 0; });
  expect_unsound([](Registry& r) { r.proxies[0].endpoint = "host\n:1"; });
  expect_unsound([](Registry& r) { r.proxies[0].endpoint = std::string(263, 'a'); });
}

TEST(Registry, EveryTruncationAndExtensionIsRefused) {
  Bytes bytes = sample_registry().encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    auto decoded = Registry::decode(ByteView(bytes).first(n));
    ASSERT_FALSE(decoded) << n;
    EXPECT_EQ(decoded.error().kind(), ErrorKind::protocol);
  }
  bytes.push_back(0);
  EXPECT_FALSE(Registry::decode(bytes));
}

TEST(Registry, ReadsBackWhatWasWritten) {
  auto back = Registry::decode(sample_registry().encode());
  ASSERT_TRUE(back) << back.error().detail();
  EXPECT_EQ(*back, sample_registry());
}

TEST(Registry, FindsByModelAndAccount) {
  const Registry r = sample_registry();
  EXPECT_EQ(r.find_model("b@1:0")->max_output_tokens, 100u);
  EXPECT_EQ(r.find_model("b@1"), nullptr);
  EXPECT_EQ(r.find_proxy({hash(6)})->endpoint, "[::1]:7443");
  EXPECT_EQ(r.find_proxy({hash(9)}), nullptr);
}

// --- What an unsigned snapshot may do ---

TEST(Tightened, WhatLoosensDoesNotCount) {
  const Registry trusted = sample_registry();
  Registry seen = trusted;
  seen.version = 9;
  seen.proxy_images.push_back(hash(9));
  seen.worker_images.push_back(hash(9));
  seen.gpu_measurements.push_back(hash(9));
  seen.models.push_back({"c@1:0", 1, 1});
  seen.proxies.push_back({{hash(9)}, "evil:1"});
  seen.proxies[0].endpoint = "evil:2";
  seen.models[0].max_output_tokens = 1'000'000;
  seen.tcb_evaluation_floor = 1;
  seen.client_close_delay = Seconds{1};
  seen.proxy_close_delay = Seconds{2};
  seen.prices.per_token = Nano{1};
  EXPECT_EQ(tightened(trusted, seen), trusted);
}

TEST(Tightened, RemovalsHigherFloorAndLongerDelaysCount) {
  const Registry trusted = sample_registry();
  Registry seen = trusted;
  seen.proxy_images = {hash(2)};
  seen.worker_images.clear();
  seen.gpu_measurements.clear();
  seen.models.erase(seen.models.begin());
  seen.proxies.pop_back();
  seen.tcb_evaluation_floor = 18;
  seen.client_close_delay = Seconds{50'000};
  EXPECT_EQ(tightened(trusted, seen), seen);
}

TEST(Tightened, AnotherNetworkChangesNothing) {
  Registry seen = sample_registry();
  seen.network.bytes[0] ^= 1;
  seen.proxies.clear();
  EXPECT_EQ(tightened(sample_registry(), seen), sample_registry());
}

// --- Versions ---

TEST(RegistryHistory, OlderVersionsForksAndOtherNetworksAreRefused) {
  RegistryHistory history;
  ASSERT_TRUE(history.adopt(sample_registry()));
  Registry other = sample_registry();
  other.version = 2;
  EXPECT_EQ(history.adopt(other).error().code(), "registry_rollback");
  other = sample_registry();
  other.prices.per_token = Nano{1};
  EXPECT_EQ(history.adopt(other).error().code(), "registry_forked");
  other = sample_registry();
  other.version = 4;
  other.network.bytes[0] ^= 1;
  EXPECT_EQ(history.adopt(other).error().code(), "wrong_network");
  other = sample_registry();
  other.version = 0;
  EXPECT_EQ(history.adopt(other).error().code(), "bad_registry");
  EXPECT_TRUE(history.adopt(sample_registry()));
  EXPECT_EQ(*history.current(), sample_registry());
}

TEST(RegistryHistory, TakesTheSameVersionTightenedAndNothingBack) {
  RegistryHistory history;
  ASSERT_TRUE(history.adopt(sample_registry()));
  Registry tighter = sample_registry();
  tighter.proxies.clear();
  tighter.tcb_evaluation_floor += 1;
  ASSERT_TRUE(history.adopt(tighter));
  EXPECT_EQ(*history.current(), tighter);
  EXPECT_EQ(history.adopt(sample_registry()).error().code(), "registry_forked");
  EXPECT_EQ(*history.current(), tighter);
  // The prices of the version before are still those of the version before.
  EXPECT_EQ(history.priced(sample_registry().version - 1, unix_seconds(1)).error().code(),
            "registry_version_unknown");
}

TEST(RegistryHistory, FormerPricesAreHonouredForTheGracePeriodOnly) {
  RegistryHistory history;
  EXPECT_EQ(history.priced(3, unix_seconds(1)).error().code(), "no_registry");
  ASSERT_TRUE(history.adopt(sample_registry()));
  Registry next = sample_registry();
  next.version = 5;
  next.effective = unix_seconds(1'700'001'000);
  next.prices.per_token = Nano{30};
  ASSERT_TRUE(history.adopt(next));
  const UnixTime last = next.effective + next.price_grace - Millis{1};
  EXPECT_EQ((*history.priced(5, last))->prices.per_token.value, 30u);
  EXPECT_EQ((*history.priced(3, last))->prices.per_token.value, 20u);
  EXPECT_EQ(history.priced(3, last + Millis{1}).error().code(), "registry_version_unknown");
  EXPECT_EQ(history.priced(4, last).error().code(), "registry_version_unknown");
  EXPECT_EQ(history.former(last)->version, 3u);
  EXPECT_EQ(history.former(last + Millis{1}), nullptr);
}

TEST(RegistryHistory, AVersionThatIsNotReadYetIsAMatterOfTimeAndOneThatIsOverIsNot) {
  RegistryHistory history;
  ASSERT_TRUE(history.adopt(sample_registry()));
  EXPECT_EQ(history.former(unix_seconds(1)), nullptr);
  const auto newer = history.priced(sample_registry().version + 1, unix_seconds(1));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code(), "registry_version_unknown");
  EXPECT_EQ(newer.error().kind(), ErrorKind::unavailable);
  const auto older = history.priced(sample_registry().version - 1, unix_seconds(1));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().kind(), ErrorKind::invalid_argument);
}

TEST(RegistryHistory, BeginsNothingWhileItIsStaleAndPricesWhatRuns) {
  RegistryHistory history;
  ASSERT_TRUE(history.adopt(sample_registry()));
  EXPECT_TRUE(history.fresh());
  history.set_stale(true);
  ASSERT_FALSE(history.fresh());
  EXPECT_EQ(history.fresh().error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(history.fresh().error().code(), "registry_too_old");
  EXPECT_TRUE(history.priced(sample_registry().version, unix_seconds(1)));
  history.set_stale(false);
  EXPECT_TRUE(history.fresh());
}

}  // namespace
}  // namespace cocoon::billing
