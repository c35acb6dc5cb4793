#include "ledger/ton/contract_views.h"

#include <gtest/gtest.h>

#include "unit/ledger/ton/shown.h"

namespace cocoon::ledger {
namespace {

namespace vec = ton::test;
using test::Shown;

template <class T>
void expect_wrong_view(const Result<T>& view, std::string_view named) {
  ASSERT_FALSE(view) << named;
  EXPECT_EQ(view.error().code(), "ledger_contract_wrong") << view.error().detail();
  EXPECT_NE(view.error().detail().find(named), std::string::npos) << view.error().detail();
}

/// `cell` with `bits` bits from `at` on replaced by `value`.
ton::CellRef with_uint(const ton::CellRef& cell, unsigned at, unsigned bits, std::uint64_t value) {
  ton::Slice in(cell);
  ton::Builder out;
  out.store_bits(in.load_bits(at)).store_uint(value, bits);
  in.skip(bits);
  return out.store_slice(in).finish().value();
}

class Views : public ::testing::Test {
 protected:
  Result<std::optional<billing::ChannelState>> channel(const AccountReading& account) const {
    return view_channel(shown_.site(), shown_.channel_id(), account);
  }
  Result<std::optional<billing::ProxyState>> proxy(const AccountReading& account) const {
    return view_proxy(shown_.site(), shown_.account("proxy"), account);
  }
  Result<std::optional<billing::SignedEpoch>> epoch(const AccountReading& account) const {
    return view_epoch(shown_.site(), shown_.account("worker"), account);
  }

  Shown shown_;
};

TEST_F(Views, RefuseOtherCode) {
  expect_wrong_view(channel(shown_.reading("channel", "proxy")), "code");
  expect_wrong_view(channel(shown_.reading("channel", "shell")), "code");
  expect_wrong_view(proxy(shown_.reading("proxy", "channel")), "code");
  expect_wrong_view(epoch(shown_.reading("epoch", "root")), "code");
}

TEST_F(Views, RefuseAnotherContractsData) {
  expect_wrong_view(channel(shown_.reading("proxy", "channel")), "");
  expect_wrong_view(proxy(shown_.reading("channel", "proxy")), "");
  expect_wrong_view(epoch(shown_.reading("channel", "epoch")), "");
  expect_wrong_view(view_registry(shown_.site(), shown_.channel()), "");
}

TEST_F(Views, RefuseAnotherNetwork) {
  TonSite other = shown_.site();
  other.network.bytes[0] ^= 1;
  expect_wrong_view(view_channel(other, shown_.channel_id(), shown_.channel()), "network");
  expect_wrong_view(view_proxy(other, shown_.account("proxy"), shown_.proxy()), "network");
  expect_wrong_view(view_registry(other, shown_.registry()), "network");
  // (An epoch record's address follows from the network, and so does the first code.)
  expect_wrong_view(view_epoch(other, shown_.account("worker"), shown_.epoch()), "network");
  other = shown_.site();
  other.root.hash[0] ^= 1;
  expect_wrong_view(view_channel(other, shown_.channel_id(), shown_.channel()), "network");
  expect_wrong_view(view_proxy(other, shown_.account("proxy"), shown_.proxy()), "network");
}

TEST_F(Views, RefuseWhatBelongsToSomebodyElse) {
  const TonSite site = shown_.site();
  ChannelId other = shown_.channel_id();
  other.bytes[0] ^= 1;
  expect_wrong_view(view_channel(site, other, shown_.channel()), "another channel");
  expect_wrong_view(view_proxy(site, shown_.account("worker"), shown_.proxy()), "another proxy");
  expect_wrong_view(view_epoch(site, shown_.account("proxy"), shown_.epoch()), "another account");
}

TEST_F(Views, RefuseSumsThatContradictEachOther) {
  constexpr unsigned kDeposited = 8;
  for (unsigned field = 0; field < 4; ++field) {  // deposited, claimed, settled, refunded
    AccountReading lie = shown_.channel();
    lie.data = with_uint(lie.data, kDeposited + 64 * field, 64, field == 0 ? 1 : 6'000'000'000);
    expect_wrong_view(channel(lie), "");
  }
  constexpr unsigned kPool = 8 + 32;
  for (unsigned field = 0; field < 9; ++field) {
    if (field == 6) continue;  // delivered stands in no sum
    AccountReading lie = shown_.proxy();
    lie.data = with_uint(lie.data, kPool + 64 * field, 64, 77'000'000'000);
    expect_wrong_view(proxy(lie), "contradict");
  }
}

TEST_F(Views, RefuseTimesOutOfRange) {
  AccountReading lie = shown_.channel();
  lie.data = with_uint(lie.data, 8 + 6 * 64 + 256, 64, UINT64_MAX);
  expect_wrong_view(channel(lie), "time");
}

TEST_F(Views, RefuseAnEpochRecordThatItsAccountHasNotSigned) {
  AccountReading lie = shown_.epoch();
  lie.data = with_uint(lie.data, 128 + 256 + 1 + 100, 8, 0x5a);
  expect_wrong_view(epoch(lie), "signed");
}

TEST_F(Views, RefuseAnEpochRecordForAnotherNetwork) {
  const auto key = crypto::SigningKey::from_seed(Hash{7});
  NetworkId other = shown_.site().network;
  other.bytes[0] ^= 1;
  const auto read = [&](const NetworkId& of) {
    const Bytes record = billing::EpochRecord::make(of, 5, BootKeyId{}).encode();
    ton::Builder data;
    data.store_bytes(shown_.site().network.view()).store_bytes(key.public_key()).store_bit(true);
    data.store_bytes(key.sign(record));
    data.store_ref(ton::Builder().store_bytes(record).finish().value());
    AccountReading account = shown_.epoch();
    account.data = data.finish().value();
    return view_epoch(shown_.site(), key.account_id(), account);
  };
  EXPECT_TRUE(read(shown_.site().network));
  expect_wrong_view(read(other), "another network");
}

TEST_F(Views, RefuseAFrozenContractInWordsThatHelp) {
  AccountReading frozen;
  frozen.status = AccountStatus::frozen;
  for (const Error& error : {channel(frozen).error(), proxy(frozen).error()}) {
    EXPECT_EQ(error.code(), "ledger_contract_frozen");
    EXPECT_NE(error.detail().find("send"), std::string::npos);
  }
}

TEST_F(Views, FindNothingWhereNothingIs) {
  const AccountReading none;
  EXPECT_EQ(channel(none).value(), std::nullopt);
  EXPECT_EQ(proxy(none).value(), std::nullopt);
  EXPECT_EQ(epoch(none).value(), std::nullopt);
  expect_wrong_view(view_registry(shown_.site(), none), "no contract");
}

TEST_F(Views, ShowStatesInTheWordsOfTheRules) {
  const auto c = channel(shown_.channel());
  ASSERT_TRUE(c) << c.error().detail();
  EXPECT_EQ((*c)->id(), shown_.channel_id());
  EXPECT_EQ((*c)->phase, billing::ChannelPhase::closing);
  EXPECT_EQ((*c)->deposited, Nano{5'000'000'000});
  EXPECT_EQ((*c)->balance, Nano{5'000'000'000 + 50'000'000 - 1'000'000'000});
  EXPECT_EQ((*c)->terms.signer, shown_.account("signer"));
  EXPECT_EQ((*c)->final_at, unix_seconds(1'800'043'200));
  const auto p = proxy(shown_.proxy());
  ASSERT_TRUE(p) << p.error().detail();
  EXPECT_EQ((*p)->paid_to(shown_.account("worker")), Nano{500'000'000});
  EXPECT_EQ((*p)->backing(), Nano{10'450'000'000});
  const auto e = epoch(shown_.epoch());
  ASSERT_TRUE(e) << e.error().detail();
  EXPECT_EQ((*e)->value.epoch, 5u);
  Hash digest{};
  digest.back() = 11;
  EXPECT_EQ((*e)->value.reputation, digest);
}

TEST_F(Views, ShowTheRegistryThatIsInForceAtThatTime) {
  AccountReading root = shown_.registry();
  const auto now = view_registry(shown_.site(), root);
  const std::uint64_t from = vec::number(shown_.root().find("registry"), "effective");
  root.time = unix_seconds(from - 1);
  const auto before = view_registry(shown_.site(), root);
  root.time = unix_seconds(from);
  const auto after = view_registry(shown_.site(), root);
  // (These registries name a model by a key that is not its id's hash: they are read, and refused
  // for that alone.)
  expect_wrong_view(now, "model's key");
  expect_wrong_view(before, "model's key");
  expect_wrong_view(after, "model's key");
}

TEST(ChannelNonce, IsAnothersForAnotherPairNetworkOrNumber) {
  const NetworkId network{{1}};
  const AccountId client{{2}};
  const AccountId proxy{{3}};
  const auto nonce = channel_nonce(network, client, proxy, 0);
  EXPECT_EQ(nonce, channel_nonce(network, client, proxy, 0));
  EXPECT_NE(nonce, channel_nonce(network, client, proxy, 1));
  EXPECT_NE(nonce, channel_nonce(network, proxy, client, 0));
  EXPECT_NE(nonce, channel_nonce({{9}}, client, proxy, 0));
}

}  // namespace
}  // namespace cocoon::ledger
