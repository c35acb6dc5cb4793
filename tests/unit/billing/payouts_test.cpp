// The accounts of what workers are owed: the proxy's book and the worker's meter.

#include <gtest/gtest.h>

#include "billing/meter.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::code;
using test::key;
using test::kNetwork;

// --- Payouts ---

class PayoutBookTest : public ::testing::Test {
 protected:
  PayoutBookTest() { back(500, 0); }
  void back(std::uint64_t backing, std::uint64_t paid) {
    ProxyState s;
    s.pool = Nano{backing};
    if (paid > 0) s.paid[worker_] = Nano{paid};
    book_.set_contract(s);
  }
  SignedPayout own(std::uint64_t owed) {
    return sign(PayoutVoucher{kNetwork, key(2).account_id(), worker_, Nano{owed}}, key(2));
  }

  AccountId worker_ = key(3).account_id();
  AccountId other_ = key(4).account_id();
  PayoutBook book_{kNetwork, key(2).account_id()};
};

TEST_F(PayoutBookTest, VouchersTogetherStayWithinTheBacking) {
  ASSERT_TRUE(book_.owe(worker_, Nano{400}));
  ASSERT_TRUE(book_.owe(other_, Nano{300}));
  EXPECT_EQ(book_.raise(worker_)->owed.value, 400u);
  EXPECT_EQ(book_.raise(other_)->owed.value, 100u);
  EXPECT_FALSE(book_.raise(other_));
  EXPECT_EQ(book_.unpaid(), book_.backing());
  EXPECT_EQ(book_.unbacked().value, 200u);
  EXPECT_EQ(book_.waiting(), std::vector<AccountId>{other_});
  back(700, 0);
  EXPECT_EQ(book_.raise(other_)->owed.value, 300u);
}

TEST_F(PayoutBookTest, WhatTheBackingHasRoomForIsNotUnbacked) {
  ASSERT_TRUE(book_.owe(worker_, Nano{400}));
  EXPECT_EQ(book_.unbacked().value, 0u);
  ASSERT_TRUE(book_.owe(other_, Nano{300}));
  EXPECT_EQ(book_.unbacked().value, 200u);
}

TEST_F(PayoutBookTest, TheNewestVoucherCanBeRepeated) {
  EXPECT_FALSE(book_.newest(worker_));
  ASSERT_TRUE(book_.owe(worker_, Nano{800}));
  EXPECT_FALSE(book_.newest(worker_));
  const auto raised = book_.raise(worker_);
  EXPECT_EQ(book_.newest(worker_)->encode(), raised->encode());
  EXPECT_EQ(book_.unpaid().value, 500u);
}

TEST_F(PayoutBookTest, PayoutMakesRoom) {
  ASSERT_TRUE(book_.owe(worker_, Nano{800}));
  EXPECT_EQ(book_.raise(worker_)->owed.value, 500u);
  back(100, 500);
  EXPECT_EQ(book_.raise(worker_)->owed.value, 600u);
  EXPECT_EQ(book_.unpaid().value, 100u);
}

TEST_F(PayoutBookTest, WhatTheLedgerPaidWasOwedAndVouchedFor) {
  back(500, 300);
  EXPECT_EQ(book_.vouched(worker_).value, 300u);
  EXPECT_EQ(book_.owed(worker_).value, 300u);
  ASSERT_TRUE(book_.owe(worker_, Nano{50}));
  EXPECT_EQ(book_.raise(worker_)->owed.value, 350u);
}

TEST_F(PayoutBookTest, DebtThatOverflowsIsRefused) {
  ASSERT_TRUE(book_.owe(worker_, kMaxNano));
  EXPECT_EQ(code(book_.owe(worker_, Nano{1})), "amount_overflow");
}

TEST_F(PayoutBookTest, SnapshotThatContradictsItselfIsRefused) {
  const auto snapshot = [this](std::uint64_t owed, std::uint64_t vouched, std::uint64_t paid) {
    return ByteWriter()
        .bytes(as_bytes("CMB1"))
        .bytes(worker_.view())
        .u64be(owed)
        .u64be(vouched)
        .u64be(paid)
        .take();
  };
  EXPECT_EQ(code(book_.restore(snapshot(10, 10, 10))), "ok");
  EXPECT_EQ(code(book_.restore(snapshot(10, 11, 10))), "bad_snapshot");
  EXPECT_EQ(code(book_.restore(snapshot(11, 10, 11))), "bad_snapshot");
}

TEST_F(PayoutBookTest, NothingOwedRaisesNothing) {
  EXPECT_FALSE(book_.raise(worker_));
  ASSERT_TRUE(book_.owe(worker_, Nano{0}));
  EXPECT_FALSE(book_.raise(worker_));
}

TEST_F(PayoutBookTest, OnlyOwnVouchersAreAdopted) {
  EXPECT_EQ(code(book_.adopt(sign(own(100).value, key(9)))), "bad_signature");
  PayoutVoucher v = own(100).value;
  v.proxy = key(9).account_id();
  EXPECT_EQ(code(book_.adopt(sign(v, key(2)))), "wrong_proxy");
  v = own(100).value;
  v.network.bytes[0] ^= 1;
  EXPECT_EQ(code(book_.adopt(sign(v, key(2)))), "wrong_network");
  EXPECT_EQ(book_.vouched(worker_).value, 0u);
  EXPECT_EQ(code(book_.adopt(own(100))), "ok");
  EXPECT_EQ(code(book_.adopt(own(60))), "ok");
  EXPECT_EQ(book_.vouched(worker_).value, 100u);
  EXPECT_EQ(book_.owed(worker_).value, 100u);
  EXPECT_EQ(book_.unpaid().value, 100u);
}

TEST_F(PayoutBookTest, SnapshotRestoresAWorkersAccount) {
  ASSERT_TRUE(book_.owe(worker_, Nano{800}));
  ASSERT_TRUE(book_.raise(worker_));
  const Bytes snapshot = book_.snapshot(worker_);
  EXPECT_TRUE(book_.snapshot(other_).empty());
  PayoutBook restored(kNetwork, key(2).account_id());
  ASSERT_TRUE(restored.restore(snapshot));
  ASSERT_TRUE(restored.restore(snapshot));
  EXPECT_EQ(restored.owed(worker_).value, 800u);
  EXPECT_EQ(restored.vouched(worker_).value, 500u);
  EXPECT_EQ(restored.unpaid().value, 500u);
  EXPECT_FALSE(restored.raise(worker_)) << "no backing is known yet";
  for (std::size_t n = 0; n < snapshot.size(); ++n) {
    EXPECT_EQ(code(restored.restore(ByteView(snapshot).first(n))), "bad_snapshot");
  }
}

// --- Worker ---

class WorkerMeterTest : public ::testing::Test {
 protected:
  SignedPayout voucher(std::uint64_t owed) {
    return sign(PayoutVoucher{kNetwork, key(2).account_id(), key(3).account_id(), Nano{owed}},
                key(2));
  }
  RunId run(std::uint8_t number) {
    RunId r;
    r.bytes[0] = number;
    return r;
  }
  void earn(std::uint8_t number, std::uint64_t share) {
    ASSERT_EQ(code(meter_.reserve(run(number), Nano{share})), "ok");
    ASSERT_EQ(code(meter_.earn(run(number), Nano{share})), "ok");
  }

  static constexpr WorkerLimits kLimits{Nano{1'000}, Nano{50}, Nano{10}};
  WorkerMeter meter_{kNetwork, key(2).account_id(), key(3).account_id(), kLimits};
};

TEST_F(WorkerMeterTest, StopsBeforeMoreThanMaxUnpaidIsAtStake) {
  earn(1, 700);
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{301})), "max_unpaid");
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{300})), "ok");
  EXPECT_FALSE(meter_.accepts());
}

TEST_F(WorkerMeterTest, VoucherIsNoMoneyAndNeitherIsAPayoutUnderWay) {
  earn(1, 1'000);
  ASSERT_TRUE(meter_.accept(voucher(1'000)));
  EXPECT_FALSE(meter_.accepts());
  EXPECT_EQ(meter_.unvouched().value, 0u);
  meter_.set_contract(Nano{1'000}, Nano{0}, Nano{0});
  EXPECT_FALSE(meter_.accepts());
  meter_.set_contract(Nano{1'000}, Nano{1'000}, Nano{0});
  EXPECT_TRUE(meter_.accepts());
  EXPECT_EQ(meter_.unpaid().value, 0u);
}

TEST_F(WorkerMeterTest, WhatAProxyCutCountsUntilItsVoucherCoversIt) {
  ASSERT_TRUE(meter_.reserve(run(1), Nano{700}));
  ASSERT_TRUE(meter_.cut(run(1), Nano{600}));
  EXPECT_EQ(meter_.owed().value, 0u) << "nothing proves what was forwarded";
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{401})), "max_unpaid");
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{400})), "ok");
  ASSERT_TRUE(meter_.earn(run(2), Nano{100}));
  ASSERT_TRUE(meter_.accept(voucher(600)));  // for both: of the cut one it owes 500
  meter_.set_contract(Nano{600}, Nano{600}, Nano{0});
  EXPECT_EQ(code(meter_.reserve(run(3), Nano{901})), "max_unpaid");
  EXPECT_EQ(code(meter_.reserve(run(3), Nano{900})), "ok");
}

TEST_F(WorkerMeterTest, WhatAProxyCutIsForgivenAndNeverMoreThanItsReservation) {
  ASSERT_TRUE(meter_.reserve(run(1), Nano{1'000}));
  ASSERT_TRUE(meter_.cut(run(1), Nano{5'000}));
  EXPECT_FALSE(meter_.accepts());
  meter_.forgive(Nano{1});
  EXPECT_TRUE(meter_.accepts());
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{2})), "max_unpaid");
  meter_.forgive(Nano{5'000});
  EXPECT_EQ(code(meter_.reserve(run(2), Nano{1'000})), "ok");
  EXPECT_EQ(code(meter_.cut(run(1), Nano{1})), "unknown_request");
}

TEST_F(WorkerMeterTest, CashesBeforeMaxUnpaidHoweverLargeTheSmallestPayout) {
  WorkerMeter meter(kNetwork, key(2).account_id(), key(3).account_id(),
                    {Nano{1'000}, Nano{5'000}, Nano{10}});
  meter.set_contract(Nano{0}, Nano{0}, Nano{10'000});
  ASSERT_TRUE(meter.accept(voucher(499)));
  EXPECT_FALSE(meter.cash_out_due());
  ASSERT_TRUE(meter.accept(voucher(500)));
  EXPECT_TRUE(meter.cash_out_due());
}

TEST_F(WorkerMeterTest, CashesWhatIsWorthItsFeeOnceItHasToRefuse) {
  meter_.set_contract(Nano{0}, Nano{0}, Nano{10'000});
  ASSERT_TRUE(meter_.accept(voucher(200)));
  EXPECT_FALSE(meter_.cash_out_due());
  EXPECT_EQ(code(meter_.reserve(run(1), Nano{801})), "max_unpaid");
  EXPECT_TRUE(meter_.cash_out_due());
  EXPECT_EQ(code(meter_.reserve(run(1), Nano{800})), "ok");
  EXPECT_FALSE(meter_.cash_out_due());
}

TEST_F(WorkerMeterTest, RunThatCanNeverFitIsNoReasonToCash) {
  meter_.set_contract(Nano{0}, Nano{0}, Nano{10'000});
  ASSERT_TRUE(meter_.accept(voucher(200)));
  EXPECT_EQ(code(meter_.reserve(run(1), Nano{1'001})), "over_max_unpaid");
  EXPECT_FALSE(meter_.cash_out_due());
}

TEST_F(WorkerMeterTest, RunIsReservedAndEarnedOnceWithinItsMost) {
  EXPECT_EQ(code(meter_.earn(run(1), Nano{1})), "unknown_request");
  ASSERT_TRUE(meter_.reserve(run(1), Nano{10}));
  EXPECT_EQ(code(meter_.reserve(run(1), Nano{10})), "duplicate_request");
  EXPECT_EQ(code(meter_.earn(run(1), Nano{11})), "charge_over_cap");
  EXPECT_EQ(meter_.owed().value, 0u);
}

TEST_F(WorkerMeterTest, ForgedAndForeignVouchersAreRefused) {
  EXPECT_EQ(code(meter_.accept(sign(voucher(5).value, key(9)))), "bad_signature");
  PayoutVoucher v = voucher(5).value;
  v.worker = key(9).account_id();
  EXPECT_EQ(code(meter_.accept(sign(v, key(2)))), "wrong_worker");
  v = voucher(5).value;
  v.proxy = key(9).account_id();
  EXPECT_EQ(code(meter_.accept(sign(v, key(2)))), "wrong_proxy");
  v = voucher(5).value;
  v.network.bytes[0] ^= 1;
  EXPECT_EQ(code(meter_.accept(sign(v, key(2)))), "wrong_network");
  EXPECT_FALSE(meter_.voucher());
}

TEST_F(WorkerMeterTest, HigherVoucherRestoresALostAccountAndALowerOneTakesNothing) {
  ASSERT_TRUE(meter_.accept(voucher(80)));
  ASSERT_TRUE(meter_.accept(voucher(60)));
  EXPECT_EQ(meter_.owed().value, 80u);
  EXPECT_EQ(meter_.voucher()->value.owed.value, 80u);
}

TEST_F(WorkerMeterTest, WhatTheLedgerPaidWasOwedAndNoMoreThanThatHasArrived) {
  meter_.set_contract(Nano{300}, Nano{400}, Nano{0});
  EXPECT_EQ(meter_.owed().value, 300u);
  EXPECT_EQ(meter_.arrived().value, 300u);
}

TEST_F(WorkerMeterTest, CashesNothingBelowTheSmallestPayout) {
  WorkerMeter meter(kNetwork, key(2).account_id(), key(3).account_id(), {Nano{1'000}, Nano{400}});
  ASSERT_TRUE(meter.accept(voucher(399)));
  meter.set_contract(Nano{0}, Nano{0}, Nano{1'000});
  EXPECT_FALSE(meter.cash_out_due());
  ASSERT_TRUE(meter.accept(voucher(400)));
  EXPECT_TRUE(meter.cash_out_due());
}

TEST_F(WorkerMeterTest, SnapshotThatContradictsItselfIsRefused) {
  const auto snapshot = [](std::uint64_t owed, std::uint64_t paid, std::uint64_t arrived) {
    return ByteWriter().bytes(as_bytes("CMW1")).u64be(owed).u64be(paid).u64be(arrived).u8(0).take();
  };
  EXPECT_EQ(code(meter_.restore(snapshot(10, 10, 10))), "ok");
  EXPECT_EQ(code(meter_.restore(snapshot(10, 11, 10))), "bad_snapshot");
  EXPECT_EQ(code(meter_.restore(snapshot(10, 10, 11))), "bad_snapshot");
}

TEST_F(WorkerMeterTest, SnapshotWithAPromiseOfMoreThanIsOwedIsRefused) {
  ASSERT_TRUE(meter_.accept(voucher(60)));
  Bytes snapshot = meter_.snapshot();
  EXPECT_EQ(code(meter_.restore(snapshot)), "ok");
  snapshot[4 + 7] = 59;
  EXPECT_EQ(code(meter_.restore(snapshot)), "bad_snapshot");
}

TEST_F(WorkerMeterTest, SnapshotHasOneVoucherOrNone) {
  Bytes snapshot = meter_.snapshot();
  EXPECT_EQ(code(meter_.restore(snapshot)), "ok");
  snapshot.back() = 2;
  EXPECT_EQ(code(meter_.restore(snapshot)), "bad_snapshot");
}

TEST_F(WorkerMeterTest, CashesWhatIsWorthItsFeeAndCanBePaid) {
  earn(1, 800);
  ASSERT_TRUE(meter_.accept(voucher(800)));
  EXPECT_FALSE(meter_.cash_out_due(Worth::any)) << "nothing backs it";
  meter_.set_contract(Nano{0}, Nano{0}, Nano{249});
  EXPECT_FALSE(meter_.cash_out_due());
  EXPECT_TRUE(meter_.cash_out_due(Worth::any));
  meter_.set_contract(Nano{0}, Nano{0}, Nano{250});
  EXPECT_TRUE(meter_.cash_out_due());
  meter_.set_contract(Nano{800}, Nano{0}, Nano{250});
  EXPECT_FALSE(meter_.cash_out_due(Worth::any)) << "it is under way already";
}

TEST_F(WorkerMeterTest, AtAStopTwentyFeesAreEnough) {
  earn(1, 800);
  ASSERT_TRUE(meter_.accept(voucher(800)));
  meter_.set_contract(Nano{0}, Nano{0}, Nano{199});
  EXPECT_FALSE(meter_.cash_out_due(Worth::backing));
  meter_.set_contract(Nano{0}, Nano{0}, Nano{200});
  EXPECT_TRUE(meter_.cash_out_due(Worth::backing));
}

TEST_F(WorkerMeterTest, SnapshotRestoresEarningsAndVoucher) {
  earn(1, 80);
  ASSERT_TRUE(meter_.accept(voucher(60)));
  meter_.set_contract(Nano{20}, Nano{10}, Nano{5});
  const Bytes snapshot = meter_.snapshot();
  WorkerMeter restored(kNetwork, key(2).account_id(), key(3).account_id(), kLimits);
  ASSERT_TRUE(restored.restore(snapshot));
  EXPECT_EQ(restored.snapshot(), snapshot);
  EXPECT_EQ(restored.owed().value, 80u);
  Bytes altered = snapshot;
  altered.back() ^= 1;
  EXPECT_EQ(code(restored.restore(altered)), "bad_snapshot");
  for (std::size_t n = 0; n < snapshot.size(); ++n) {
    EXPECT_EQ(code(restored.restore(ByteView(snapshot).first(n))), "bad_snapshot");
  }
}

}  // namespace
}  // namespace cocoon::billing
