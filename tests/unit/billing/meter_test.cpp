// The accounts of one channel, at both ends. Their behaviour together is in invariants_test.cpp.

#include "billing/meter.h"

#include <gtest/gtest.h>

#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::code;
using test::key;
using test::kNetwork;

ChannelState channel_with(Nano deposit) {
  ChannelState s;
  s.terms = {
      kNetwork, key(1).account_id(), key(2).account_id(), key(1).account_id(), {}, Seconds{10}, {},
      {}};
  s.deposited = deposit;
  s.balance = deposit;
  return s;
}

RequestHash request(std::uint8_t number) {
  RequestHash h;
  h.bytes[0] = number;
  return h;
}

// --- Client ---

class ClientMeterTest : public ::testing::Test {
 protected:
  explicit ClientMeterTest(Nano deposit = Nano{10'000}) : state_(channel_with(deposit)) {
    meter_.set_channel(state_);
  }
  SignedVoucher own(std::uint64_t spent, std::uint64_t authorised) {
    return sign(Voucher{kNetwork, state_.id(), Nano{spent}, Nano{authorised}, {}}, key(1));
  }

  ChannelState state_;
  ClientMeter meter_{
      kNetwork, state_.id(), key(1).account_id(), key(1).account_id(), {Nano{1'000}, Nano{200}}};
};

TEST_F(ClientMeterTest, NothingIsAdmittedBeforeTheChannelIsOpenOrOnceItCloses) {
  ClientMeter fresh(kNetwork, state_.id(), key(1).account_id(), key(1).account_id(),
                    {Nano{1'000}, Nano{200}});
  EXPECT_EQ(code(fresh.admit(request(1), Nano{1})), "channel_not_open");
  EXPECT_EQ(fresh.available().value, 0u);
  state_.phase = ChannelPhase::closing;
  meter_.set_channel(state_);
  EXPECT_EQ(code(meter_.admit(request(1), Nano{1})), "channel_not_open");
}

TEST_F(ClientMeterTest, CapsTogetherStayWithinTheExposure) {
  EXPECT_EQ(code(meter_.admit(request(1), Nano{600})), "ok");
  EXPECT_EQ(code(meter_.admit(request(2), Nano{401})), "caps_in_use");
  EXPECT_EQ(code(meter_.admit(request(2), Nano{400})), "ok");
  EXPECT_EQ(meter_.available().value, 0u);
}

TEST_F(ClientMeterTest, WhatOnlyRunningCapsKeepOutIsBusyAndFitsOnceTheyHaveEnded) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{900}));
  const Status busy = meter_.admit(request(2), Nano{900});
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().kind(), ErrorKind::busy);
  EXPECT_NE(busy.error().detail().find("100 are left"), std::string::npos);
  ASSERT_TRUE(meter_.settle(request(1), Nano{10}, Proof::receipt));
  EXPECT_TRUE(meter_.admit(request(2), Nano{900}));
}

TEST_F(ClientMeterTest, WhatNeverFitsIsAMatterOfPaymentWhateverRuns) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{900}));
  const Status refused = meter_.admit(request(2), Nano{1'001});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::payment);
  EXPECT_EQ(refused.error().code(), "exposure_exhausted");
}

TEST_F(ClientMeterTest, CapsTogetherStayWithinTheDeposit) {
  state_ = channel_with(Nano{500});
  ClientMeter meter(kNetwork, state_.id(), key(1).account_id(), key(1).account_id(),
                    {Nano{1'000}, Nano{200}});
  meter.set_channel(state_);
  EXPECT_EQ(code(meter.admit(request(1), Nano{501})), "deposit_exhausted");
  EXPECT_EQ(code(meter.admit(request(1), Nano{300})), "ok");
  EXPECT_EQ(code(meter.admit(request(2), Nano{201})), "caps_in_use");
  EXPECT_EQ(code(meter.admit(request(2), Nano{200})), "ok");
}

TEST_F(ClientMeterTest, AfterALossChargesAreBelievedAsFarAsOwnVouchersWent) {
  ASSERT_TRUE(meter_.adopt(own(100, 300)));
  meter_.adopt_charged(Nano{301});
  EXPECT_EQ(meter_.spent().value, 300u);
}

TEST_F(ClientMeterTest, AfterALossChargesAreBelievedWithinTheExposureOnly) {
  ASSERT_TRUE(meter_.adopt(own(0, 5'000)));
  meter_.adopt_charged(Nano{5'000});
  EXPECT_EQ(meter_.spent().value, 1'000u);
}

TEST_F(ClientMeterTest, ALowerWordAboutChargesTakesNothingBack) {
  ASSERT_TRUE(meter_.adopt(own(0, 300)));
  meter_.adopt_charged(Nano{200});
  meter_.adopt_charged(Nano{50});
  EXPECT_EQ(meter_.spent().value, 200u);
}

TEST_F(ClientMeterTest, SameRequestIsAdmittedAndSettledOnce) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{10}));
  EXPECT_EQ(code(meter_.admit(request(1), Nano{10})), "duplicate_request");
  EXPECT_EQ(code(meter_.settle(request(1), Nano{5}, Proof::receipt)), "ok");
  EXPECT_EQ(code(meter_.settle(request(1), Nano{5}, Proof::receipt)), "unknown_request");
}

TEST_F(ClientMeterTest, ChargeOverTheCapIsNotAcknowledged) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{10}));
  EXPECT_EQ(code(meter_.settle(request(1), Nano{11}, Proof::receipt)), "charge_over_cap");
  EXPECT_EQ(meter_.spent().value, 0u);
  EXPECT_EQ(meter_.running().value, 0u);
}

TEST_F(ClientMeterTest, UnprovedChargesUseUpTheExposureUntilTheyAreProved) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{800}));
  ASSERT_TRUE(meter_.settle(request(1), Nano{800}, Proof::none));
  EXPECT_EQ(meter_.available().value, 200u);
  EXPECT_EQ(code(meter_.admit(request(2), Nano{201})), "exposure_exhausted");
  meter_.prove(Nano{800});
  EXPECT_EQ(meter_.available().value, 1'000u);
  meter_.prove(Nano{500});
  EXPECT_EQ(meter_.available().value, 1'000u) << "only what is unproved can be proved";
}

TEST_F(ClientMeterTest, OneSignatureCoversSeveralRequests) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{100}));
  EXPECT_EQ(meter_.voucher_need(), VoucherNeed::required);
  const Voucher v = meter_.next_voucher();
  EXPECT_EQ(v.spent.value, 0u);
  EXPECT_EQ(v.authorised.value, 1'000u);
  ASSERT_TRUE(meter_.admit(request(2), Nano{900}));
  EXPECT_EQ(meter_.voucher_need(), VoucherNeed::none);
}

TEST_F(ClientMeterTest, AcknowledgementIsWorthwhileAfterItsStep) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{300}));
  (void)meter_.next_voucher();
  ASSERT_TRUE(meter_.settle(request(1), Nano{199}, Proof::receipt));
  EXPECT_EQ(meter_.voucher_need(), VoucherNeed::none);
  ASSERT_TRUE(meter_.admit(request(2), Nano{1}));
  ASSERT_TRUE(meter_.settle(request(2), Nano{1}, Proof::receipt));
  EXPECT_EQ(meter_.voucher_need(), VoucherNeed::worthwhile);
  EXPECT_EQ(meter_.next_voucher().spent.value, 200u);
  EXPECT_EQ(meter_.voucher_need(), VoucherNeed::none);
}

TEST_F(ClientMeterTest, OnlyOwnVouchersAreAdopted) {
  SignedVoucher v = own(100, 500);
  EXPECT_EQ(code(meter_.adopt(sign(v.value, key(9)))), "bad_signature");
  v.value.channel.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.adopt(sign(v.value, key(1)))), "wrong_channel");
  v = own(100, 500);
  v.value.network.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.adopt(sign(v.value, key(1)))), "wrong_network");
  EXPECT_EQ(meter_.spent().value, 0u);
  EXPECT_EQ(code(meter_.adopt(own(100, 500))), "ok");
  EXPECT_EQ(meter_.spent().value, 100u);
  EXPECT_EQ(meter_.authorised().value, 500u);
  EXPECT_FALSE(meter_.owes_acknowledgement()) << "the voucher itself acknowledges it";
}

TEST_F(ClientMeterTest, OlderVoucherTakesNothingBack) {
  ASSERT_TRUE(meter_.adopt(own(100, 500)));
  ASSERT_TRUE(meter_.adopt(own(50, 400)));
  EXPECT_EQ(meter_.spent().value, 100u);
  EXPECT_EQ(meter_.authorised().value, 500u);
}

TEST_F(ClientMeterTest, AdoptedVoucherProvesOnlyWhatMustHaveBeenProved) {
  ASSERT_TRUE(meter_.adopt(own(1'500, 2'200)));
  EXPECT_EQ(meter_.unproved().value, 300u);
  EXPECT_EQ(meter_.available().value, 700u);
}

TEST_F(ClientMeterTest, NextVoucherNeverAuthorisesLessThanOneThatIsOut) {
  ASSERT_TRUE(meter_.adopt(own(100, 5'000)));
  EXPECT_EQ(meter_.next_voucher().authorised.value, 5'000u);
}

TEST_F(ClientMeterTest, ChargeBeyondTheExposureIsNotAcknowledged) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{800}));
  ASSERT_TRUE(meter_.adopt(own(500, 1'000)));
  EXPECT_EQ(code(meter_.settle(request(1), Nano{501}, Proof::none)), "exposure_exhausted");
  EXPECT_EQ(meter_.spent().value, 500u);
}

TEST_F(ClientMeterTest, SnapshotThatContradictsItselfIsRefused) {
  const auto snapshot = [](std::uint64_t proved, std::uint64_t spent, std::uint64_t in_voucher) {
    return ByteWriter()
        .bytes(as_bytes("CMC1"))
        .u64be(proved)
        .u64be(spent)
        .u64be(in_voucher)
        .u64be(900)
        .u32be(0)
        .take();
  };
  EXPECT_EQ(code(meter_.restore(snapshot(10, 10, 10))), "ok");
  EXPECT_EQ(code(meter_.restore(snapshot(11, 10, 10))), "bad_snapshot");
  EXPECT_EQ(code(meter_.restore(snapshot(10, 10, 11))), "bad_snapshot");
}

TEST_F(ClientMeterTest, SnapshotWhoseCapsNoDepositCouldCoverIsRefused) {
  const auto snapshot = [](std::uint64_t cap) {
    ByteWriter out;
    out.bytes(as_bytes("CMC1")).u64be(0).u64be(0).u64be(0).u64be(0).u32be(2);
    out.bytes(request(1).view()).u64be(kMaxNano.value).bytes(request(2).view()).u64be(cap);
    return out.take();
  };
  EXPECT_EQ(code(meter_.restore(snapshot(0))), "ok");
  EXPECT_EQ(code(meter_.restore(snapshot(1))), "bad_snapshot");
}

TEST_F(ClientMeterTest, LedgerShowsWhatALostSnapshotForgot) {
  state_.best_spent = Nano{150};
  state_.best_authorised = Nano{600};
  meter_.set_channel(state_);
  EXPECT_EQ(meter_.spent().value, 150u);
  EXPECT_EQ(meter_.authorised().value, 600u);
}

TEST_F(ClientMeterTest, LowerExposureProvesNothingOfWhatWasChargedBefore) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{800}));
  ASSERT_TRUE(meter_.settle(request(1), Nano{800}, Proof::none));
  const Voucher last = meter_.next_voucher();
  ClientMeter lowered(kNetwork, state_.id(), key(1).account_id(), key(1).account_id(),
                      {Nano{100}, Nano{200}});
  lowered.set_channel(state_);
  ASSERT_TRUE(lowered.restore(meter_.snapshot()));
  ASSERT_TRUE(lowered.adopt(sign(last, key(1))));
  state_.best_spent = last.spent;
  state_.best_authorised = last.authorised;
  lowered.set_channel(state_);
  EXPECT_EQ(lowered.unproved().value, 800u);
  EXPECT_EQ(lowered.available().value, 0u);
}

TEST_F(ClientMeterTest, SnapshotRestoresAlsoWhatRuns) {
  ASSERT_TRUE(meter_.admit(request(1), Nano{100}));
  ASSERT_TRUE(meter_.admit(request(2), Nano{200}));
  ASSERT_TRUE(meter_.settle(request(1), Nano{60}, Proof::receipt));
  (void)meter_.next_voucher();
  const Bytes snapshot = meter_.snapshot();
  ClientMeter restored(kNetwork, state_.id(), key(1).account_id(), key(1).account_id(),
                       {Nano{1'000}, Nano{200}});
  restored.set_channel(state_);
  ASSERT_TRUE(restored.restore(snapshot));
  EXPECT_EQ(restored.snapshot(), snapshot);
  EXPECT_EQ(restored.running().value, 200u);
  EXPECT_EQ(code(restored.settle(request(2), Nano{200}, Proof::none)), "ok");
  for (std::size_t n = 0; n < snapshot.size(); ++n) {
    EXPECT_EQ(code(restored.restore(ByteView(snapshot).first(n))), "bad_snapshot");
  }
}

// --- Proxy ---

class ProxyMeterTest : public ::testing::Test {
 protected:
  ProxyMeterTest() { meter_.set_channel(state_); }
  SignedVoucher voucher(std::uint64_t spent, std::uint64_t authorised) {
    return sign(Voucher{kNetwork, state_.id(), Nano{spent}, Nano{authorised}, {}}, key(1));
  }
  void charge(std::uint8_t number, std::uint64_t cost) {
    ASSERT_EQ(code(meter_.reserve(request(number), Nano{cost})), "ok");
    ASSERT_EQ(code(meter_.charge(request(number), Nano{cost})), "ok");
  }
  ProxyMeter fresh() {
    return {kNetwork, state_.id(), key(1).account_id(), key(2).account_id(), kLimits};
  }

  static constexpr ProxyLimits kLimits{Nano{1'000}, Nano{300}, Nano{1}};
  ChannelState state_ = channel_with(Nano{5'000});
  ProxyMeter meter_ = fresh();
};

TEST_F(ProxyMeterTest, NothingRunsWithoutAVoucherOrOnAClosingChannel) {
  EXPECT_EQ(code(meter_.reserve(request(1), Nano{1})), "not_authorised");
  ASSERT_TRUE(meter_.accept(voucher(0, 500)));
  state_.phase = ChannelPhase::closing;
  meter_.set_channel(state_);
  EXPECT_EQ(code(meter_.reserve(request(1), Nano{1})), "channel_not_open");
}

TEST_F(ProxyMeterTest, ForgedAndForeignVouchersAreRefused) {
  EXPECT_EQ(code(meter_.accept(sign(voucher(0, 500).value, key(9)))), "bad_signature");
  Voucher v = voucher(0, 500).value;
  v.channel.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.accept(sign(v, key(1)))), "wrong_channel");
  v = voucher(0, 500).value;
  v.network.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.accept(sign(v, key(1)))), "wrong_network");
  EXPECT_FALSE(meter_.voucher());
}

TEST_F(ProxyMeterTest, OlderVoucherChangesNothing) {
  ASSERT_TRUE(meter_.accept(voucher(100, 500)));
  EXPECT_TRUE(meter_.accept(voucher(50, 400)));
  EXPECT_TRUE(meter_.accept(voucher(99, 600)));
  EXPECT_TRUE(meter_.accept(voucher(101, 499)));
  EXPECT_EQ(meter_.voucher()->value, voucher(100, 500).value);
}

TEST_F(ProxyMeterTest, ReservationsStayWithinAuthorisationAndDeposit) {
  ASSERT_TRUE(meter_.accept(voucher(0, 500)));
  EXPECT_EQ(code(meter_.reserve(request(1), Nano{501})), "not_authorised");
  EXPECT_EQ(code(meter_.reserve(request(1), Nano{300})), "ok");
  EXPECT_EQ(code(meter_.reserve(request(1), Nano{1})), "duplicate_request");
  EXPECT_EQ(code(meter_.reserve(request(2), Nano{201})), "not_authorised");
  ASSERT_TRUE(meter_.accept(voucher(4'500, 9'000)));
  EXPECT_EQ(code(meter_.reserve(request(2), Nano{201})), "deposit_exhausted");
  EXPECT_EQ(code(meter_.reserve(request(2), Nano{200})), "ok");
}

TEST_F(ProxyMeterTest, UnacknowledgedUseIsBounded) {
  ASSERT_TRUE(meter_.accept(voucher(0, 3'000)));
  charge(1, 600);
  EXPECT_EQ(code(meter_.reserve(request(2), Nano{401})), "unacknowledged");
  EXPECT_EQ(code(meter_.reserve(request(2), Nano{400})), "ok");
  EXPECT_EQ(meter_.unacknowledged().value, 600u);
  ASSERT_TRUE(meter_.accept(voucher(600, 3'000)));
  EXPECT_EQ(code(meter_.reserve(request(3), Nano{600})), "ok");
}

TEST_F(ProxyMeterTest, ChargeEndsTheReservationOnceAndWithinItsCap) {
  ASSERT_TRUE(meter_.accept(voucher(0, 500)));
  EXPECT_EQ(code(meter_.charge(request(1), Nano{1})), "unknown_request");
  ASSERT_TRUE(meter_.reserve(request(1), Nano{100}));
  EXPECT_EQ(code(meter_.charge(request(1), Nano{101})), "charge_over_cap");
  EXPECT_EQ(meter_.charged().value, 0u);
  EXPECT_EQ(meter_.reserved().value, 0u);
  charge(2, 100);
  EXPECT_EQ(meter_.charged().value, 100u);
}

TEST_F(ProxyMeterTest, OnlyOwnStatementsAreAdopted) {
  const UsageStatement s{kNetwork, state_.id(), Nano{70}};
  EXPECT_EQ(code(meter_.adopt(sign(s, key(1)))), "bad_signature");
  UsageStatement other = s;
  other.channel.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.adopt(sign(other, key(2)))), "wrong_channel");
  other = s;
  other.network.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.adopt(sign(other, key(2)))), "wrong_network");
  EXPECT_EQ(meter_.charged().value, 0u);
  EXPECT_EQ(code(meter_.adopt(sign(s, key(2)))), "ok");
  EXPECT_EQ(meter_.charged().value, 70u);
  EXPECT_EQ(meter_.statement(), s);
}

TEST_F(ProxyMeterTest, RedeemsByValueAtRiskAndByFee) {
  ASSERT_TRUE(meter_.accept(voucher(299, 500)));
  EXPECT_FALSE(meter_.redeem_due());
  EXPECT_TRUE(meter_.redeem_due(Worth::any));
  ASSERT_TRUE(meter_.accept(voucher(300, 500)));
  ASSERT_TRUE(meter_.redeem_due());
  EXPECT_EQ(meter_.redeem_due()->sender, key(2).account_id());
  state_.claimed = Nano{300};
  meter_.set_channel(state_);
  EXPECT_FALSE(meter_.redeem_due(Worth::any));

  ProxyMeter costly(kNetwork, state_.id(), key(1).account_id(), key(2).account_id(),
                    {Nano{1'000}, Nano{300}, Nano{4}});
  costly.set_channel(channel_with(Nano{5'000}));
  ASSERT_TRUE(costly.accept(voucher(799, 900)));
  EXPECT_FALSE(costly.redeem_due()) << "the fee is above 0.5 %";
  ASSERT_TRUE(costly.accept(voucher(800, 900)));
  EXPECT_TRUE(costly.redeem_due());
}

TEST_F(ProxyMeterTest, BackingIsRedeemedWhereTheFeeIsAtMostAFewPercent) {
  ProxyMeter costly(kNetwork, state_.id(), key(1).account_id(), key(2).account_id(),
                    {Nano{1'000}, Nano{300}, Nano{4}});
  costly.set_channel(channel_with(Nano{5'000}));
  ASSERT_TRUE(costly.accept(voucher(79, 900)));
  EXPECT_FALSE(costly.redeem_due(Worth::backing)) << "the fee is above 5 %";
  EXPECT_TRUE(costly.redeem_due(Worth::any));
  ASSERT_TRUE(costly.accept(voucher(80, 900)));
  EXPECT_TRUE(costly.redeem_due(Worth::backing));
  EXPECT_FALSE(costly.redeem_due());
}

TEST_F(ProxyMeterTest, BackingIsRedeemedToTheLastNanotonWhereItCostsNothing) {
  ProxyMeter free(kNetwork, state_.id(), key(1).account_id(), key(2).account_id(),
                  {Nano{1'000}, Nano{300}, Nano{0}});
  free.set_channel(channel_with(Nano{5'000}));
  ASSERT_TRUE(free.accept(voucher(0, 900)));
  EXPECT_FALSE(free.redeem_due(Worth::backing));
  ASSERT_TRUE(free.accept(voucher(1, 900)));
  EXPECT_TRUE(free.redeem_due(Worth::backing));
}

TEST_F(ProxyMeterTest, NothingIsRedeemedBeyondTheDepositOrFromAClosedChannel) {
  ASSERT_TRUE(meter_.accept(voucher(6'000, 9'000)));
  state_.claimed = state_.deposited;
  meter_.set_channel(state_);
  EXPECT_FALSE(meter_.redeem_due(Worth::any));
  state_.claimed = Nano{0};
  meter_.set_channel(state_);
  EXPECT_TRUE(meter_.redeem_due(Worth::any));
  state_.phase = ChannelPhase::closed;
  meter_.set_channel(state_);
  EXPECT_FALSE(meter_.redeem_due(Worth::any));
}

TEST_F(ProxyMeterTest, WhatTheLedgerPaidWasCharged) {
  state_.claimed = Nano{300};
  meter_.set_channel(state_);
  EXPECT_EQ(meter_.charged().value, 300u);
}

TEST_F(ProxyMeterTest, SnapshotWithAVoucherOfAnotherChannelIsRefused) {
  for (const bool other_network : {false, true}) {
    Voucher v = voucher(0, 500).value;
    (other_network ? v.network.bytes[0] : v.channel.bytes[0]) ^= 1;
    ProxyMeter other(v.network, v.channel, key(1).account_id(), key(2).account_id(), kLimits);
    ASSERT_TRUE(other.accept(sign(v, key(1))));
    EXPECT_EQ(code(meter_.restore(other.snapshot())), "bad_snapshot");
  }
}

TEST_F(ProxyMeterTest, SnapshotThatContradictsItselfIsRefused) {
  ASSERT_TRUE(meter_.accept(voucher(40, 500)));
  const auto with_charged = [snapshot = meter_.snapshot()](std::uint8_t charged) {
    Bytes out = snapshot;
    out[4 + 7] = charged;
    return out;
  };
  EXPECT_EQ(code(meter_.restore(with_charged(40))), "ok");
  EXPECT_EQ(code(meter_.restore(with_charged(39))), "bad_snapshot") << "acknowledged, not charged";
}

TEST_F(ProxyMeterTest, SnapshotHasOneVoucherOrNone) {
  Bytes snapshot = meter_.snapshot();
  EXPECT_EQ(code(meter_.restore(snapshot)), "ok");
  snapshot.back() = 2;
  EXPECT_EQ(code(meter_.restore(snapshot)), "bad_snapshot");
}

TEST_F(ProxyMeterTest, PresentsExactlyWhatWasChargedWhileClosing) {
  ASSERT_TRUE(meter_.accept(voucher(0, 500)));
  charge(1, 120);
  EXPECT_FALSE(meter_.present_due());
  state_.phase = ChannelPhase::closing;
  meter_.set_channel(state_);
  ASSERT_TRUE(meter_.present_due());
  EXPECT_EQ(meter_.present_due()->claim.value, 120u);
  state_.claimed = Nano{120};
  meter_.set_channel(state_);
  EXPECT_FALSE(meter_.present_due());
  state_.phase = ChannelPhase::closed;
  meter_.set_channel(state_);
  EXPECT_FALSE(meter_.redeem_due(Worth::any));
}

TEST_F(ProxyMeterTest, SnapshotRestoresVoucherAndChargesButNoReservation) {
  ASSERT_TRUE(meter_.accept(voucher(40, 500)));
  charge(1, 90);
  ASSERT_TRUE(meter_.reserve(request(2), Nano{100}));
  const Bytes snapshot = meter_.snapshot();
  ProxyMeter restored = fresh();
  restored.set_channel(state_);
  ASSERT_TRUE(restored.restore(snapshot));
  EXPECT_EQ(restored.snapshot(), snapshot);
  EXPECT_EQ(restored.charged().value, 90u + 40);
  EXPECT_EQ(restored.reserved().value, 0u);
  Bytes altered = snapshot;
  altered.back() ^= 1;
  EXPECT_EQ(code(restored.restore(altered)), "bad_snapshot");
  for (std::size_t n = 0; n < snapshot.size(); ++n) {
    EXPECT_EQ(code(restored.restore(ByteView(snapshot).first(n))), "bad_snapshot");
  }
}

}  // namespace
}  // namespace cocoon::billing
