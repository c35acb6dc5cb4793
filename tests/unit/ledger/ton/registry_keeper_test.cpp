#include "ledger/ton/registry_keeper.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cocoon::ledger {
namespace {

using billing::Registry;

constexpr Seconds kMaxAge{3600};
const UnixTime kNow = unix_seconds(1'800'000'000);

crypto::SigningKey keeper(std::uint8_t n) {
  return crypto::SigningKey::from_seed(ByteArray<32>{n});
}
RegistryKeepers two_of_three() {
  return {{keeper(1).account_id(), keeper(2).account_id(), keeper(3).account_id()}, 2};
}
Hash hash(std::uint8_t fill) {
  Hash out;
  out.fill(fill);
  return out;
}

Registry registry(std::uint64_t version = 3) {
  Registry r;
  r.network.bytes.fill(7);
  r.kind = billing::NetworkKind::main;
  r.version = version;
  r.effective = unix_seconds(1'700'000'000);
  r.prices = billing::reference_prices();
  r.client_close_delay = Seconds{43'200};
  r.proxy_close_delay = Seconds{86'400};
  r.min_deposit = r.min_payout = Nano{100};
  r.message_fee = Nano{2};
  r.proxy_images = {hash(1), hash(2)};
  r.worker_images = {hash(3)};
  r.models = {{"a@1:0", 4'096, 256}};
  r.proxies = {{{hash(5)}, "127.0.0.1:7443"}};
  return r;
}

RegistrySnapshot snapshot(Registry r, std::initializer_list<std::uint8_t> signers) {
  RegistrySnapshot out{std::move(r), {}};
  for (const std::uint8_t n : signers) EXPECT_TRUE(add_signature(out, keeper(n)));
  return out;
}
Bytes signed_by_two(Registry r) {
  return snapshot(std::move(r), {1, 3}).encode();
}

// --- Snapshots ---

TEST(RegistryKeepers, AreChecked) {
  const auto expect_bad = [](RegistryKeepers keepers) {
    const Status checked = check_keepers(keepers);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), "bad_option");
  };
  expect_bad({});
  expect_bad({two_of_three().keys, 0});
  expect_bad({two_of_three().keys, 4});
  expect_bad({{keeper(1).account_id(), keeper(1).account_id()}, 1});
  RegistryKeepers many;
  for (std::uint8_t n = 0; n < 33; ++n) many.keys.push_back({hash(n)});
  many.needed = 1;
  expect_bad(many);
  EXPECT_TRUE(check_keepers(two_of_three()));
}

TEST(RegistrySnapshot, NeedsEnoughGoodSignaturesByDifferentKeepers) {
  const auto refused = [](const RegistrySnapshot& s) {
    const Status checked = check_signatures(s, two_of_three());
    return !checked && checked.error().code() == "registry_unsigned";
  };
  EXPECT_TRUE(refused(snapshot(registry(), {})));
  EXPECT_TRUE(refused(snapshot(registry(), {2})));
  EXPECT_TRUE(refused(snapshot(registry(), {2, 2})));
  EXPECT_TRUE(refused(snapshot(registry(), {2, 8, 9})));  // strangers
  auto altered = snapshot(registry(), {1, 2});
  altered.registry.worker_images.push_back(hash(9));
  EXPECT_TRUE(refused(altered));
  auto wrong = snapshot(registry(), {1, 2});
  wrong.signatures[0].signature[5] ^= 1;
  EXPECT_TRUE(refused(wrong));
  auto stolen = snapshot(registry(), {1});
  stolen.signatures.push_back({keeper(2).account_id(), stolen.signatures[0].signature});
  EXPECT_TRUE(refused(stolen));
  EXPECT_FALSE(refused(snapshot(registry(), {1, 3})));
  EXPECT_FALSE(refused(snapshot(registry(), {1, 2, 3, 9})));
}

TEST(RegistrySnapshot, EverySignedBitCounts) {
  const Bytes good = signed_by_two(registry());
  ASSERT_TRUE(RegistrySnapshot::decode(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto decoded = RegistrySnapshot::decode(bad);
    EXPECT_FALSE(decoded && check_signatures(*decoded, two_of_three())) << "bit " << bit;
  }
}

TEST(RegistrySnapshot, AcceptsOnlyWhatItWrites) {
  const Bytes good = signed_by_two(registry());
  EXPECT_EQ(RegistrySnapshot::decode(good)->encode(), good);
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(RegistrySnapshot::decode(ByteView(good).first(length))) << length;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(RegistrySnapshot::decode(longer));
  auto twice = snapshot(registry(), {1});
  twice.signatures.push_back(twice.signatures[0]);
  EXPECT_FALSE(RegistrySnapshot::decode(twice.encode()));
  EXPECT_FALSE(RegistrySnapshot::decode(Bytes(limits::kMaxRegistrySnapshotBytes + 1)));
}

TEST(RegistrySnapshot, ASecondSignatureOfAKeeperTakesThePlaceOfTheFirst) {
  auto s = snapshot(registry(), {2, 1, 2});
  EXPECT_EQ(s.signatures.size(), 2u);
  EXPECT_TRUE(RegistrySnapshot::decode(s.encode()));
}

// --- What a node works with ---

class Keeper : public ::testing::Test {
 protected:
  RegistryKeeper make() { return {registry().network, two_of_three(), kMaxAge}; }
  std::string_view refusal(const Result<bool>& result) {
    EXPECT_FALSE(result);
    return result ? "" : result.error().code();
  }
  RegistryKeeper keeper_ = make();
};

TEST_F(Keeper, HasNothingWithoutSignatures) {
  EXPECT_EQ(keeper_.current(kNow).error().code(), "registry_missing");
  EXPECT_EQ(refusal(keeper_.offer(snapshot(registry(), {1}).encode(), kNow)), "registry_unsigned");
  ASSERT_TRUE(keeper_.on_ledger(registry(), kNow));
  EXPECT_EQ(keeper_.current(kNow).error().code(), "registry_missing");
  EXPECT_TRUE(keeper_.save().empty());
}

TEST_F(Keeper, HasNothingBeforeTheLedgerWasRead) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry()), kNow));
  EXPECT_EQ(keeper_.current(kNow).error().code(), "registry_missing");
}

TEST_F(Keeper, RefusesOldForkedForeignAndEarlySnapshots) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry(3)), kNow).value());
  EXPECT_FALSE(keeper_.offer(signed_by_two(registry(3)), kNow).value());
  EXPECT_EQ(refusal(keeper_.offer(signed_by_two(registry(2)), kNow)), "registry_rollback");
  Registry forked = registry(3);
  forked.worker_images.push_back(hash(9));
  EXPECT_EQ(refusal(keeper_.offer(signed_by_two(forked), kNow)), "registry_forked");
  Registry foreign = registry(4);
  foreign.network.bytes[0] ^= 1;
  EXPECT_EQ(refusal(keeper_.offer(signed_by_two(foreign), kNow)), "wrong_network");
  Registry early = registry(4);
  early.effective = kNow + Seconds{1};
  EXPECT_EQ(refusal(keeper_.offer(signed_by_two(early), kNow)), "registry_not_in_force");
  EXPECT_TRUE(keeper_.offer(signed_by_two(early), kNow + Seconds{1}).value());
}

TEST_F(Keeper, LetsTheLedgerTightenAndNeverLoosen) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry()), kNow));
  Registry seen = registry(4);
  seen.proxy_images = {hash(2), hash(8)};
  seen.worker_images.clear();
  seen.models.push_back({"b@1:0", 1, 1});
  seen.proxies.push_back({{hash(9)}, "evil.example:1"});
  seen.prices.per_token = Nano{1};
  seen.prices.worker_share_e4 = 0;
  seen.min_deposit = Nano{100'000};
  seen.tcb_evaluation_floor = 18;
  seen.client_close_delay = Seconds{1};
  EXPECT_TRUE(keeper_.on_ledger(seen, kNow).value());
  EXPECT_FALSE(keeper_.on_ledger(seen, kNow).value());
  Registry want = registry();
  want.proxy_images = {hash(2)};
  want.worker_images.clear();
  want.tcb_evaluation_floor = 18;
  EXPECT_EQ(keeper_.current(kNow).value(), want);
  // A version that keepers have signed brings back what it has.
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry(5)), kNow));
  EXPECT_EQ(keeper_.current(kNow).value(), registry(5));
}

TEST_F(Keeper, DoesNotCountALookAtAnotherNetworkOrAnOlderVersion) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry(5)), kNow));
  Registry foreign = registry(6);
  foreign.kind = billing::NetworkKind::dev;
  EXPECT_EQ(refusal(keeper_.on_ledger(foreign, kNow)), "wrong_network");
  EXPECT_EQ(refusal(keeper_.on_ledger(registry(4), kNow)), "registry_rollback");
  EXPECT_EQ(keeper_.current(kNow).error().code(), "registry_missing");
}

TEST_F(Keeper, IsTooOldWhenTheLedgerWasAwayForTooLong) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry()), kNow));
  ASSERT_TRUE(keeper_.on_ledger(registry(), kNow));
  EXPECT_TRUE(keeper_.current(kNow + kMaxAge));
  const auto old = keeper_.current(kNow + kMaxAge + Seconds{1});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code(), "registry_too_old");
  EXPECT_NE(old.error().detail().find("3600"), std::string::npos) << old.error().detail();
  // An earlier look does not make it older.
  ASSERT_TRUE(keeper_.on_ledger(registry(), kNow - Seconds{60}));
  EXPECT_TRUE(keeper_.current(kNow + kMaxAge));
}

TEST_F(Keeper, KeepsRemovalsAndAgeOverARestart) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry()), kNow));
  Registry seen = registry(4);
  seen.worker_images.clear();
  ASSERT_TRUE(keeper_.on_ledger(seen, kNow));
  const auto before = keeper_.current(kNow).value();
  RegistryKeeper again = make();
  ASSERT_TRUE(again.restore(keeper_.save()));
  EXPECT_EQ(again.current(kNow).value(), before);
  EXPECT_EQ(again.current(kNow + kMaxAge + Seconds{1}).error().code(), "registry_too_old");
  EXPECT_EQ(refusal(again.offer(signed_by_two(registry(2)), kNow)), "registry_rollback");
}

TEST_F(Keeper, RefusesADamagedCacheAndOneOfOtherKeepers) {
  ASSERT_TRUE(keeper_.offer(signed_by_two(registry()), kNow));
  ASSERT_TRUE(keeper_.on_ledger(registry(), kNow));
  const Bytes saved = keeper_.save();
  for (std::size_t length = 0; length < saved.size(); ++length) {
    EXPECT_FALSE(make().restore(ByteView(saved).first(length))) << length;
  }
  RegistryKeeper others(registry().network, {{keeper(1).account_id(), keeper(2).account_id()}, 2},
                        kMaxAge);
  EXPECT_EQ(others.restore(saved).error().code(), "registry_unsigned");
}

}  // namespace
}  // namespace cocoon::ledger
