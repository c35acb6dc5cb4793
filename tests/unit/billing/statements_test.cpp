// The fixed layouts of everything that is signed: vouchers, statements, epochs, authorisations.

#include <gtest/gtest.h>

#include "billing/admission.h"
#include "billing/voucher.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::key;

template <class T>
T sample();

template <std::size_t N>
ByteArray<N> filled(std::uint8_t with) {
  ByteArray<N> out;
  out.fill(with);
  return out;
}

template <>
Voucher sample<Voucher>() {
  return {{filled<16>(1)},
          {filled<32>(2)},
          Nano{0x0102030405060708},
          Nano{0x1112131415161718},
          {filled<32>(3)}};
}
template <>
UsageStatement sample<UsageStatement>() {
  return {{filled<16>(1)}, {filled<32>(2)}, Nano{77}};
}
template <>
PayoutVoucher sample<PayoutVoucher>() {
  return {{filled<16>(1)}, {filled<32>(2)}, {filled<32>(3)}, Nano{77}};
}
template <>
CloseAgreement sample<CloseAgreement>() {
  return {{filled<16>(1)}, {filled<32>(2)}, Nano{77}, {filled<32>(3)}};
}
template <>
EpochRecord sample<EpochRecord>() {
  return {{filled<16>(1)}, 5, filled<32>(2), filled<32>(3)};
}
template <>
ChannelAuth sample<ChannelAuth>() {
  return {{filled<16>(1)}, {filled<32>(2)}, filled<32>(3), filled<32>(4)};
}

template <class T>
class StatementTest : public ::testing::Test {};
using Statements = ::testing::Types<Voucher, UsageStatement, PayoutVoucher, CloseAgreement,
                                    EpochRecord, ChannelAuth>;
TYPED_TEST_SUITE(StatementTest, Statements);

TYPED_TEST(StatementTest, EveryOtherLengthIsRefused) {
  Bytes bytes = sample<TypeParam>().encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(TypeParam::decode(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  EXPECT_FALSE(TypeParam::decode(bytes));
}

TYPED_TEST(StatementTest, AnotherMagicIsRefused) {
  for (std::size_t i = 0; i < 4; ++i) {
    Bytes bytes = sample<TypeParam>().encode();
    bytes[i] ^= 1;
    EXPECT_FALSE(TypeParam::decode(bytes));
  }
}

TYPED_TEST(StatementTest, FitsOneCellAndReadsBack) {
  const TypeParam value = sample<TypeParam>();
  const Bytes bytes = value.encode();
  EXPECT_EQ(bytes.size(), TypeParam::kBytes);
  EXPECT_LE(bytes.size(), kMaxStatementBytes);
  auto back = TypeParam::decode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, value);
}

TYPED_TEST(StatementTest, AnyAlteredByteBreaksTheSignature) {
  const auto signer = key(1);
  const auto statement = sign(sample<TypeParam>(), signer);
  const Bytes bytes = statement.value.encode();
  const ByteArray<32> by = signer.public_key();
  ASSERT_TRUE(open_signed<TypeParam>(bytes, statement.signature, by));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes altered = bytes;
    altered[i] ^= 0x80;
    EXPECT_FALSE(open_signed<TypeParam>(altered, statement.signature, by)) << i;
  }
}

TYPED_TEST(StatementTest, AnothersOrAShortSignatureIsRefused) {
  const auto statement = sign(sample<TypeParam>(), key(1));
  const Bytes bytes = statement.value.encode();
  auto refused = open_signed<TypeParam>(bytes, statement.signature, key(2).public_key());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "bad_signature");
  EXPECT_FALSE(
      open_signed<TypeParam>(bytes, ByteView(statement.signature).first(63), key(1).public_key()));
  EXPECT_TRUE(signed_by(statement, key(1).public_key()));
  EXPECT_FALSE(signed_by(statement, key(2).public_key()));
}

TEST(Voucher, SpendingMoreThanItAuthorisesIsRefused) {
  Voucher v = sample<Voucher>();
  v.spent = Nano{v.authorised.value + 1};
  EXPECT_EQ(Voucher::decode(v.encode()).error().code(), "bad_voucher");
}

TEST(Voucher, LayoutIsFixed) {
  const Bytes bytes = sample<Voucher>().encode();
  EXPECT_EQ(as_text(ByteView(bytes).first(4)), "CCV1");
  EXPECT_EQ(to_bytes(ByteView(bytes).subspan(4, 16)), Bytes(16, 1));
  EXPECT_EQ(to_bytes(ByteView(bytes).subspan(20, 32)), Bytes(32, 2));
  EXPECT_EQ(to_bytes(ByteView(bytes).subspan(52, 8)), (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(to_bytes(ByteView(bytes).subspan(60, 8)),
            (Bytes{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18}));
  EXPECT_EQ(to_bytes(ByteView(bytes).subspan(68, 32)), Bytes(32, 3));
}

TEST(ChannelAddress, EveryPartOfItCounts) {
  const NetworkId network{filled<16>(1)};
  const AccountId client{filled<32>(2)}, proxy{filled<32>(3)}, signer{filled<32>(4)};
  const ByteArray<16> nonce = filled<16>(5);
  const ChannelId address = channel_address(network, client, proxy, signer, nonce);
  EXPECT_EQ(address, channel_address(network, client, proxy, signer, nonce));
  const AccountId other{filled<32>(9)};
  EXPECT_NE(address, channel_address({filled<16>(9)}, client, proxy, signer, nonce));
  EXPECT_NE(address, channel_address(network, other, proxy, signer, nonce));
  EXPECT_NE(address, channel_address(network, client, other, signer, nonce));
  EXPECT_NE(address, channel_address(network, client, proxy, other, nonce));
  EXPECT_NE(address, channel_address(network, proxy, client, signer, nonce));
  EXPECT_NE(address, channel_address(network, client, proxy, signer, filled<16>(6)));
}

// --- Epochs ---

class EpochTest : public ::testing::Test {
 protected:
  SignedEpoch epoch(std::uint64_t n, const crypto::SigningKey& boot, const Hash& reputation = {}) {
    return sign(EpochRecord::make(network_, n, boot.boot_key_id(), reputation), account_);
  }
  Status admits(const SignedEpoch& shown, const std::optional<SignedEpoch>& newest) {
    return epoch_admits(shown, newest, account_.account_id(), network_, boot_.boot_key_id());
  }
  Status follows(const std::optional<SignedEpoch>& newest, const SignedEpoch& next) {
    return epoch_follows(newest, next, account_.account_id(), network_);
  }

  NetworkId network_{filled<16>(1)};
  crypto::SigningKey account_ = key(1);
  crypto::SigningKey boot_ = key(2);
};

TEST_F(EpochTest, EpochZeroIsRefused) {
  EXPECT_FALSE(EpochRecord::decode(epoch(0, boot_).value.encode()));
}

TEST_F(EpochTest, OlderEpochIsNotAdmitted) {
  EXPECT_EQ(admits(epoch(3, boot_), epoch(4, key(3))).error().code(), "epoch_superseded");
}

TEST_F(EpochTest, TwoBootKeysOfOneEpochAreNotBothAdmitted) {
  EXPECT_EQ(admits(epoch(4, boot_), epoch(4, key(3))).error().code(), "epoch_superseded");
}

TEST_F(EpochTest, OneEpochHasOneReputation) {
  const SignedEpoch published = epoch(4, boot_, filled<32>(1));
  EXPECT_EQ(follows(published, epoch(4, boot_, filled<32>(2))).error().code(), "epoch_not_newer");
  EXPECT_EQ(admits(epoch(4, boot_, filled<32>(2)), published).error().code(), "epoch_superseded");
  EXPECT_TRUE(follows(published, epoch(5, boot_, filled<32>(2))));
}

TEST_F(EpochTest, AnothersBootKeySignatureOrNetworkIsNotAdmitted) {
  EXPECT_EQ(admits(epoch(4, key(3)), std::nullopt).error().code(), "wrong_boot_key");
  SignedEpoch forged = epoch(4, boot_);
  forged = sign(forged.value, key(9));
  EXPECT_EQ(admits(forged, std::nullopt).error().code(), "bad_signature");
  SignedEpoch foreign = epoch(4, boot_);
  foreign.value.network.bytes[0] ^= 1;
  foreign = sign(foreign.value, account_);
  EXPECT_EQ(admits(foreign, std::nullopt).error().code(), "wrong_network");
}

TEST_F(EpochTest, NewestEpochIsAdmittedAlsoBeforeTheLedgerShowsIt) {
  EXPECT_TRUE(admits(epoch(4, boot_), epoch(4, boot_)));
  EXPECT_TRUE(admits(epoch(5, boot_), epoch(4, key(3))));
  EXPECT_TRUE(admits(epoch(1, boot_), std::nullopt));
}

TEST_F(EpochTest, OnlyAHigherEpochReplacesAnother) {
  EXPECT_EQ(follows(epoch(4, boot_), epoch(4, key(3))).error().code(), "epoch_not_newer");
  EXPECT_EQ(follows(epoch(4, boot_), epoch(3, key(3))).error().code(), "epoch_not_newer");
  EXPECT_EQ(follows(std::nullopt, sign(epoch(1, boot_).value, key(9))).error().code(),
            "bad_signature");
  EXPECT_TRUE(follows(epoch(4, boot_), epoch(5, key(3))));
  EXPECT_TRUE(follows(epoch(4, boot_), epoch(4, boot_))) << "a retry is no fault";
  SignedEpoch foreign = epoch(9, boot_);
  foreign.value.network.bytes[3] ^= 1;
  EXPECT_EQ(follows(std::nullopt, sign(foreign.value, account_)).error().code(), "wrong_network");
}

// --- Channel authorisation ---

TEST(ChannelAuthorisation, HoldsForOneConnectionAndOneCertificateOnly) {
  const ChannelAuth auth = sample<ChannelAuth>();
  const crypto::Signature signature = sign_channel(auth, key(1));
  const AccountId signer = key(1).account_id();
  EXPECT_TRUE(check_channel(auth, signer, signature));
  ChannelAuth other = auth;
  other.exporter[0] ^= 1;
  EXPECT_EQ(check_channel(other, signer, signature).error().code(), "bad_signature");
  other = auth;
  other.leaf_sha256[0] ^= 1;
  EXPECT_FALSE(check_channel(other, signer, signature));
  other = auth;
  other.channel.bytes[0] ^= 1;
  EXPECT_FALSE(check_channel(other, signer, signature));
  EXPECT_FALSE(check_channel(auth, key(2).account_id(), signature));
  EXPECT_FALSE(check_channel(auth, signer, {}));
}

}  // namespace
}  // namespace cocoon::billing
