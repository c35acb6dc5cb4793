#include "billing/channel_contract.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::key;
using test::kNow;

constexpr Nano kDeposit{1'000};
constexpr Nano kRent{7};
constexpr Seconds kDelay{100};

class ChannelContractTest : public ::testing::Test {
 protected:
  ChannelContractTest() {
    terms_ = {{},
              client_.account_id(),
              proxy_.account_id(),
              signer_.account_id(),
              {},
              kDelay,
              Nano{500},
              kRent};
    terms_.network.bytes.fill(1);
    open(kDeposit);
  }

  void open(Nano deposit) {
    auto step = apply(std::nullopt, OpenChannel{terms_, terms_.client, deposit}, kNow);
    ASSERT_TRUE(step);
    state_ = step->state;
  }

  SignedVoucher voucher(std::uint64_t spent, std::uint64_t authorised) {
    return sign(Voucher{terms_.network, terms_.address(), Nano{spent}, Nano{authorised},
                        key(8).account_id()},
                signer_);
  }
  Redeem redeem(std::uint64_t spent) { return {proxy_.account_id(), voucher(spent, 900)}; }
  Present present(std::uint64_t claim, std::uint64_t authorised = 900) {
    return {proxy_.account_id(), voucher(0, authorised), Nano{claim}};
  }

  /// Applies, keeps the state; the transfers, or the error's code as a failure.
  std::vector<Transfer> accepted(const ChannelMessage& message, UnixTime now = kNow) {
    auto step = apply(state_, message, now);
    EXPECT_TRUE(step) << step.error().detail();
    if (!step) return {};
    state_ = step->state;
    EXPECT_TRUE(ChannelState::decode(state_.encode())) << "the state's sums do not add up";
    return step->transfers;
  }
  std::string refused(const ChannelMessage& message, UnixTime now = kNow) {
    auto step = apply(state_, message, now);
    return step ? "accepted" : std::string(step.error().code());
  }
  void start_close() { accepted(StartClose{client_.account_id()}); }
  void close() {
    start_close();
    accepted(Finalise{}, kNow + kDelay);
  }

  crypto::SigningKey client_ = key(1);
  crypto::SigningKey proxy_ = key(2);
  crypto::SigningKey signer_ = key(3);
  ChannelTerms terms_;
  ChannelState state_;
};

// --- Opening ---

TEST_F(ChannelContractTest, OpeningByAnotherThanTheClientIsRefused) {
  auto step = apply(std::nullopt, OpenChannel{terms_, proxy_.account_id(), kDeposit}, kNow);
  EXPECT_EQ(step.error().code(), "wrong_sender");
}

TEST_F(ChannelContractTest, DepositBelowTheMinimumIsRefused) {
  auto step = apply(std::nullopt, OpenChannel{terms_, terms_.client, Nano{499}}, kNow);
  EXPECT_EQ(step.error().code(), "deposit_too_small");
  EXPECT_TRUE(apply(std::nullopt, OpenChannel{terms_, terms_.client, Nano{500}}, kNow));
}

TEST_F(ChannelContractTest, ClosingDelayOutOfRangeIsRefused) {
  for (const Seconds delay : {Seconds{-1}, limits::kMaxCloseDelay + Seconds{1}}) {
    terms_.close_delay = delay;
    auto step = apply(std::nullopt, OpenChannel{terms_, terms_.client, kDeposit}, kNow);
    EXPECT_EQ(step.error().code(), "bad_terms");
  }
}

TEST_F(ChannelContractTest, DepositThatOverflowsWithTheRentIsRefused) {
  auto step = apply(std::nullopt, OpenChannel{terms_, terms_.client, kMaxNano}, kNow);
  EXPECT_EQ(step.error().code(), "amount_overflow");
}

TEST_F(ChannelContractTest, AddressIsTakenForEverAlsoByATombstone) {
  const OpenChannel again{terms_, terms_.client, kDeposit};
  EXPECT_EQ(refused(again), "channel_exists");
  close();
  EXPECT_EQ(state_.phase, ChannelPhase::closed);
  EXPECT_EQ(refused(again), "channel_exists");
}

TEST_F(ChannelContractTest, MessageToNothingIsRefused) {
  for (const ChannelMessage& m :
       {ChannelMessage(TopUp{Nano{1}}), ChannelMessage(redeem(1)), ChannelMessage(present(1)),
        ChannelMessage(StartClose{terms_.client}), ChannelMessage(Finalise{}),
        ChannelMessage(Resend{})}) {
    EXPECT_EQ(apply(std::nullopt, m, kNow).error().code(), "not_deployed");
  }
}

// --- Top-up ---

TEST_F(ChannelContractTest, ClosingAndClosedChannelsRefuseTopUps) {
  start_close();
  EXPECT_EQ(refused(TopUp{Nano{1}}), "channel_not_open");
  accepted(Finalise{}, kNow + kDelay);
  EXPECT_EQ(refused(TopUp{Nano{1}}), "channel_not_open");
}

TEST_F(ChannelContractTest, TopUpThatOverflowsIsRefused) {
  EXPECT_EQ(refused(TopUp{kMaxNano}), "amount_overflow");
}

TEST_F(ChannelContractTest, TopUpRaisesWhatVouchersCanClaim) {
  accepted(redeem(900));
  accepted(TopUp{Nano{500}});
  EXPECT_EQ(state_.deposited.value, 1'500u);
  start_close();
  accepted(present(1'400, 1'400));
  EXPECT_EQ(state_.claimed.value, 1'400u);
}

// --- Redeeming ---

TEST_F(ChannelContractTest, ForgedForeignAndAlteredVouchersPayNothing) {
  const ChannelState before = state_;
  Redeem m = redeem(10);
  m.voucher = sign(m.voucher.value, client_);  // the client's key is not the signer
  EXPECT_EQ(refused(m), "bad_signature");
  m = redeem(10);
  m.voucher.value.spent = Nano{11};
  EXPECT_EQ(refused(m), "bad_signature");
  m = redeem(10);
  m.voucher.value.network.bytes[0] ^= 1;
  m.voucher = sign(m.voucher.value, signer_);
  EXPECT_EQ(refused(m), "wrong_network");
  m = redeem(10);
  m.voucher.value.channel.bytes[0] ^= 1;
  m.voucher = sign(m.voucher.value, signer_);
  EXPECT_EQ(refused(m), "wrong_channel");
  m = redeem(10);
  m.sender = client_.account_id();
  EXPECT_EQ(refused(m), "wrong_sender");
  EXPECT_EQ(state_, before);
}

TEST_F(ChannelContractTest, VoucherPaysOnceAndAnOldOneNothing) {
  accepted(redeem(300));
  EXPECT_EQ(refused(redeem(300)), "nothing_to_pay");
  EXPECT_EQ(refused(redeem(200)), "nothing_to_pay");
  const auto transfers = accepted(redeem(301));
  ASSERT_EQ(transfers.size(), 1u);
  EXPECT_EQ(transfers[0].amount.value, 1u);
}

TEST_F(ChannelContractTest, VoucherOfAFormerChannelPaysNothingOnTheNext) {
  const SignedVoucher old = voucher(300, 900);
  terms_.nonce[0] = 1;
  open(kDeposit);
  EXPECT_EQ(refused(Redeem{proxy_.account_id(), old}), "wrong_channel");
}

TEST_F(ChannelContractTest, RedeemPaysWhatWasSpentToTheProxyContract) {
  const auto transfers = accepted(redeem(300));
  const Transfer expected{Party::channel(state_.id()),
                          Party::proxy(proxy_.account_id()),
                          Nano{300},
                          TransferReason::settlement,
                          {}};
  EXPECT_EQ(transfers, std::vector<Transfer>{expected});
  EXPECT_EQ(state_.balance.value, 700u + 7);
}

TEST_F(ChannelContractTest, NoVoucherPaysMoreThanTheDeposit) {
  const auto transfers = accepted(Redeem{proxy_.account_id(), voucher(5'000, 5'000)});
  EXPECT_EQ(transfers.at(0).amount, kDeposit);
  EXPECT_EQ(state_.balance, kRent);
}

// --- Closing ---

TEST_F(ChannelContractTest, StrangersCannotClose) {
  EXPECT_EQ(refused(StartClose{key(9).account_id()}), "wrong_sender");
}

TEST_F(ChannelContractTest, EitherSideMayStartToCloseButOnlyOnce) {
  for (const AccountId& by : {terms_.client, terms_.signer, terms_.proxy}) {
    open(kDeposit);
    accepted(StartClose{by});
    EXPECT_EQ(state_.final_at, kNow + kDelay);
    EXPECT_EQ(refused(StartClose{by}, kNow + Seconds{50}), "channel_not_open");
  }
}

TEST_F(ChannelContractTest, AuthorisationsPayOnlyDuringAClose) {
  EXPECT_EQ(refused(present(10)), "channel_not_closing");
  close();
  EXPECT_EQ(refused(present(10)), "channel_closed");
  EXPECT_EQ(refused(redeem(10)), "channel_closed");
}

TEST_F(ChannelContractTest, ClaimAboveTheAuthorisationIsRefused) {
  start_close();
  EXPECT_EQ(refused(present(901, 900)), "claim_not_authorised");
  EXPECT_EQ(accepted(present(900, 900)).at(0).amount.value, 900u);
  EXPECT_EQ(refused(present(900, 900)), "nothing_to_pay");
}

TEST_F(ChannelContractTest, FinalisingWaitsForTheDelayAndNotLonger) {
  EXPECT_EQ(refused(Finalise{}), "channel_not_closing");
  start_close();
  EXPECT_EQ(refused(Finalise{}, kNow + kDelay - Millis{1}), "too_early");
  accepted(Finalise{}, kNow + kDelay);
  EXPECT_EQ(state_.phase, ChannelPhase::closed);
}

TEST_F(ChannelContractTest, VouchersCountUntilTheFinalisingMessage) {
  start_close();
  accepted(present(400), kNow + kDelay + Seconds{5});
  const auto transfers = accepted(Finalise{}, kNow + kDelay + Seconds{6});
  ASSERT_EQ(transfers.size(), 1u);
  EXPECT_EQ(transfers[0].amount.value, 600u);
  EXPECT_EQ(transfers[0].reason, TransferReason::refund);
}

TEST_F(ChannelContractTest, SilentProxyLeavesTheClientItsWholeDeposit) {
  start_close();
  const auto transfers = accepted(Finalise{}, kNow + kDelay);
  ASSERT_EQ(transfers.size(), 1u);
  EXPECT_EQ(transfers[0].amount, kDeposit);
  EXPECT_EQ(transfers[0].to, Party::account(terms_.client));
  EXPECT_EQ(state_.balance, kRent);
}

TEST_F(ChannelContractTest, LeftoversGoWhereTheNewestVoucherSays) {
  accepted(redeem(100));
  close();
  EXPECT_EQ(state_.leftovers, key(8).account_id());
}

TEST_F(ChannelContractTest, OlderVoucherDoesNotRedirectTheLeftovers) {
  start_close();
  accepted(present(100, 900));
  Voucher old{terms_.network, terms_.address(), Nano{0}, Nano{800}, key(9).account_id()};
  accepted(Present{proxy_.account_id(), sign(old, signer_), Nano{200}});
  EXPECT_EQ(state_.leftovers, key(8).account_id());
}

TEST_F(ChannelContractTest, VoucherThatSpendsLessDoesNotRedirectTheLeftoversEither) {
  accepted(redeem(100));
  start_close();
  Voucher old{terms_.network, terms_.address(), Nano{50}, Nano{900}, key(9).account_id()};
  accepted(Present{proxy_.account_id(), sign(old, signer_), Nano{200}});
  EXPECT_EQ(state_.leftovers, key(8).account_id());
  EXPECT_EQ(state_.best_spent.value, 100u);
}

// --- Agreement ---

TEST_F(ChannelContractTest, AgreementNeedsBothSignaturesAndThisChannel) {
  const CloseAgreement a{terms_.network, terms_.address(), Nano{250}, terms_.client};
  const auto by_signer = sign(a, signer_);
  const crypto::Signature by_proxy = proxy_.sign(a.encode());
  EXPECT_EQ(refused(CloseByAgreement{by_signer, key(9).sign(a.encode())}), "bad_signature");
  EXPECT_EQ(refused(CloseByAgreement{sign(a, client_), by_proxy}), "bad_signature");
  CloseAgreement other = a;
  other.channel.bytes[0] ^= 1;
  EXPECT_EQ(refused(CloseByAgreement{sign(other, signer_), proxy_.sign(other.encode())}),
            "wrong_channel");
  other = a;
  other.network.bytes[0] ^= 1;
  EXPECT_EQ(refused(CloseByAgreement{sign(other, signer_), proxy_.sign(other.encode())}),
            "wrong_network");
}

TEST_F(ChannelContractTest, AgreementCannotTakeBackNorExceedTheDeposit) {
  accepted(redeem(100));
  for (std::uint64_t total : {std::uint64_t{99}, kDeposit.value + 1}) {
    const CloseAgreement a{terms_.network, terms_.address(), Nano{total}, terms_.client};
    EXPECT_EQ(refused(CloseByAgreement{sign(a, signer_), proxy_.sign(a.encode())}),
              "agreement_out_of_range");
  }
}

TEST_F(ChannelContractTest, AgreementClosesAtOnceAndPaysBothSides) {
  accepted(redeem(100));
  const CloseAgreement a{terms_.network, terms_.address(), Nano{250}, key(7).account_id()};
  const auto transfers = accepted(CloseByAgreement{sign(a, signer_), proxy_.sign(a.encode())});
  ASSERT_EQ(transfers.size(), 2u);
  EXPECT_EQ(transfers[0].amount.value, 150u);
  EXPECT_EQ(transfers[1].amount.value, 750u);
  EXPECT_EQ(transfers[1].to, Party::account(key(7).account_id()));
  EXPECT_EQ(state_.phase, ChannelPhase::closed);
  EXPECT_EQ(refused(CloseByAgreement{sign(a, signer_), proxy_.sign(a.encode())}), "channel_closed");
}

// --- Bounces ---

TEST_F(ChannelContractTest, BounceOfAnothersTransferIsRefused) {
  Transfer t = accepted(redeem(300)).at(0);
  t.from.id[0] ^= 1;
  EXPECT_EQ(refused(ChannelBounce{t}), "wrong_channel");
  t = accepted(redeem(301)).at(0);
  t.amount = Nano{302};
  EXPECT_EQ(refused(ChannelBounce{t}), "unsound_state");
}

TEST_F(ChannelContractTest, BouncedSettlementCanBeRedeemedAgain) {
  const Transfer t = accepted(redeem(300)).at(0);
  accepted(ChannelBounce{t});
  EXPECT_EQ(state_.settled.value, 0u);
  EXPECT_EQ(accepted(redeem(300)).at(0).amount.value, 300u);
}

TEST_F(ChannelContractTest, BouncedSettlementIsNotRefundedToTheClient) {
  const Transfer t = accepted(redeem(300)).at(0);
  accepted(ChannelBounce{t});
  start_close();
  const auto transfers = accepted(Finalise{}, kNow + kDelay);
  ASSERT_EQ(transfers.size(), 2u);
  EXPECT_EQ(transfers[0].amount.value, 300u);
  EXPECT_EQ(transfers[1].amount.value, 700u);
}

TEST_F(ChannelContractTest, OlderVoucherAfterABounceTakesNothingBackFromTheProxy) {
  const Transfer t = accepted(redeem(300)).at(0);
  accepted(ChannelBounce{t});
  EXPECT_EQ(accepted(redeem(200)).at(0).amount.value, 300u);
}

TEST_F(ChannelContractTest, ClosedChannelSendsAgainWhatBouncedAndNoMore) {
  EXPECT_EQ(refused(Resend{}), "channel_not_closed");
  accepted(redeem(300));
  start_close();
  const Transfer refund = accepted(Finalise{}, kNow + kDelay).at(0);
  EXPECT_EQ(refused(Resend{}), "nothing_to_pay");
  accepted(ChannelBounce{refund});
  EXPECT_EQ(accepted(Resend{}), std::vector<Transfer>{refund});
  EXPECT_EQ(refused(Resend{}), "nothing_to_pay");
}

TEST_F(ChannelContractTest, DamagedStoredStateIsNotLoaded) {
  const Bytes bytes = state_.encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(ChannelState::decode(ByteView(bytes).first(n)));
  }
  ChannelState unsound = state_;
  unsound.balance.value += 1;
  EXPECT_EQ(ChannelState::decode(unsound.encode()).error().code(), "bad_channel_state");
  unsound = state_;
  unsound.claimed.value = 2'000;
  EXPECT_FALSE(ChannelState::decode(unsound.encode()));
  unsound = state_;
  unsound.settled.value = 10;
  unsound.balance.value -= 10;
  EXPECT_FALSE(ChannelState::decode(unsound.encode())) << "paid and never claimed";
}

TEST_F(ChannelContractTest, StoredStateHasRefundedOnlyWhatIsLeftOfAClosedDeposit) {
  const auto refunded = [this](ChannelPhase phase, Nano claimed, Nano amount) {
    ChannelState s = state_;
    s.phase = phase;
    s.claimed = claimed;
    s.refunded = amount;
    s.balance = floor_sub(saturating_add(s.deposited, s.terms.rent), amount);
    return ChannelState::decode(s.encode()).has_value();
  };
  const Nano claimed{300};
  const Nano left = floor_sub(state_.deposited, claimed);
  EXPECT_TRUE(refunded(ChannelPhase::closed, claimed, left));
  EXPECT_FALSE(refunded(ChannelPhase::closed, claimed, saturating_add(left, Nano{1})))
      << "what the proxy is entitled to, or the rent";
  EXPECT_FALSE(refunded(ChannelPhase::closing, claimed, Nano{1}));
  EXPECT_FALSE(refunded(ChannelPhase::open, claimed, Nano{1}));
}

}  // namespace
}  // namespace cocoon::billing
