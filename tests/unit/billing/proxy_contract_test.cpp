#include "billing/proxy_contract.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::key;
using test::kNow;

constexpr Seconds kProxyDelay{200};

class ProxyContractTest : public ::testing::Test {
 protected:
  ProxyContractTest() {
    terms_ = {{}, proxy_.account_id(), kProxyDelay, Nano{50}};
    terms_.network.bytes.fill(1);
    auto step = apply(std::nullopt, DeployProxy{terms_, 9'000, Nano{100}}, kNow);
    EXPECT_TRUE(step);
    state_ = step->state;
  }

  SignedPayout payout(std::uint64_t owed, const AccountId& worker) {
    return sign(PayoutVoucher{terms_.network, terms_.account, worker, Nano{owed}}, proxy_);
  }
  CashOut cash(std::uint64_t owed) { return {payout(owed, worker_)}; }

  std::vector<Transfer> accepted(const ProxyMessage& message, UnixTime now = kNow) {
    auto step = apply(state_, message, now);
    EXPECT_TRUE(step) << step.error().detail();
    if (!step) return {};
    state_ = step->state;
    EXPECT_TRUE(ProxyState::decode(state_.encode())) << "the state's sums do not add up";
    return step->transfers;
  }
  std::string refused(const ProxyMessage& message, UnixTime now = kNow) {
    auto step = apply(state_, message, now);
    return step ? "accepted" : std::string(step.error().code());
  }

  crypto::SigningKey proxy_ = key(1);
  AccountId owner_ = proxy_.account_id();
  AccountId worker_ = key(2).account_id();
  ProxyTerms terms_;
  ProxyState state_;
};

TEST_F(ProxyContractTest, SecondDeploymentOrSmallStakeIsRefused) {
  EXPECT_EQ(refused(DeployProxy{terms_, 9'000, Nano{100}}), "proxy_exists");
  EXPECT_EQ(apply(std::nullopt, DeployProxy{terms_, 9'000, Nano{49}}, kNow).error().code(),
            "stake_too_small");
}

TEST_F(ProxyContractTest, WithdrawalDelayOutOfRangeIsRefused) {
  for (const Seconds delay : {Seconds{-1}, limits::kMaxCloseDelay + Seconds{1}}) {
    terms_.withdraw_delay = delay;
    EXPECT_EQ(apply(std::nullopt, DeployProxy{terms_, 9'000, Nano{100}}, kNow).error().code(),
              "bad_terms");
  }
}

TEST_F(ProxyContractTest, StakeMayBeTheMinimum) {
  EXPECT_TRUE(apply(std::nullopt, DeployProxy{terms_, 9'000, Nano{50}}, kNow));
}

TEST_F(ProxyContractTest, WhatComesInIsSplitWithTheShareRoundedDown) {
  accepted(Receive{Nano{1'005}});
  EXPECT_EQ(state_.pool.value, 904u);
  EXPECT_EQ(state_.fees.value, 101u);
  accepted(SetWorkerShare{5'000});
  accepted(Receive{Nano{10}});
  EXPECT_EQ(state_.pool.value, 909u);
}

// --- Payouts ---

TEST_F(ProxyContractTest, ForgedForeignAndAlteredPayoutVouchersPayNothing) {
  accepted(Receive{Nano{1'000}});
  const ProxyState before = state_;
  CashOut m = cash(10);
  m.voucher = sign(m.voucher.value, key(9));
  EXPECT_EQ(refused(m), "bad_signature");
  m = cash(10);
  m.voucher.value.owed = Nano{11};
  EXPECT_EQ(refused(m), "bad_signature");
  m = cash(10);
  m.voucher.value.worker = key(9).account_id();
  EXPECT_EQ(refused(m), "bad_signature");
  m = cash(10);
  m.voucher.value.network.bytes[0] ^= 1;
  m.voucher = sign(m.voucher.value, proxy_);
  EXPECT_EQ(refused(m), "wrong_network");
  m = cash(10);
  m.voucher.value.proxy = key(9).account_id();
  m.voucher = sign(m.voucher.value, proxy_);
  EXPECT_EQ(refused(m), "wrong_proxy");
  EXPECT_EQ(state_, before);
}

TEST_F(ProxyContractTest, PayoutVoucherPaysOnce) {
  accepted(Receive{Nano{1'000}});
  EXPECT_EQ(accepted(cash(300)).at(0).amount.value, 300u);
  EXPECT_EQ(refused(cash(300)), "nothing_to_pay");
  EXPECT_EQ(refused(cash(299)), "nothing_to_pay");
  EXPECT_EQ(accepted(cash(301)).at(0).amount.value, 1u);
}

TEST_F(ProxyContractTest, PoolPaysFirstThenTheStakeAndTheRestStaysOwed) {
  accepted(Receive{Nano{100}});  // 90 to the pool
  EXPECT_EQ(accepted(cash(50)).at(0).from_stake.value, 0u);
  const auto transfers = accepted(cash(500));
  ASSERT_EQ(transfers.size(), 1u);
  EXPECT_EQ(transfers[0].amount.value, 140u);
  EXPECT_EQ(transfers[0].from_stake.value, 100u);
  EXPECT_EQ(transfers[0].to, Party::account(worker_));
  EXPECT_EQ(refused(cash(500)), "nothing_to_pay");
  accepted(Receive{Nano{1'000}});
  EXPECT_EQ(accepted(cash(500)).at(0).amount.value, 310u);
}

TEST_F(ProxyContractTest, BouncedPayoutGoesBackWhereItCameFrom) {
  accepted(Receive{Nano{100}});
  const ProxyState before = state_;
  const Transfer t = accepted(cash(150)).at(0);
  accepted(ProxyBounce{t});
  EXPECT_EQ(state_.pool, before.pool);
  EXPECT_EQ(state_.stake, before.stake);
  EXPECT_EQ(state_.paid_to(worker_).value, 0u);
  EXPECT_EQ(accepted(cash(150)).at(0), t);
}

TEST_F(ProxyContractTest, BounceOfWhatWasNotSentIsRefused) {
  accepted(Receive{Nano{100}});
  Transfer t = accepted(cash(50)).at(0);
  t.from.id[0] ^= 1;
  EXPECT_EQ(refused(ProxyBounce{t}), "wrong_proxy");
  t.from.id[0] ^= 1;
  t.to = Party::account(key(9).account_id());
  EXPECT_EQ(refused(ProxyBounce{t}), "wrong_proxy");
  t.to = Party::account(worker_);
  t.amount = Nano{51};
  EXPECT_EQ(refused(ProxyBounce{t}), "unsound_state");
}

// --- Fees ---

TEST_F(ProxyContractTest, FeesUnlockOnlyWithDeliveredPayouts) {
  accepted(Receive{Nano{1'000}});  // 900 to the pool, 100 fees
  EXPECT_EQ(refused(TakeFees{owner_}), "nothing_to_pay");
  const Transfer t = accepted(cash(450)).at(0);
  EXPECT_EQ(refused(TakeFees{owner_}), "nothing_to_pay") << "a payout under way may bounce";
  accepted(PayoutDelivered{t.amount});
  EXPECT_EQ(accepted(TakeFees{owner_}).at(0).amount.value, 50u);
  EXPECT_EQ(refused(TakeFees{owner_}), "nothing_to_pay");
  EXPECT_EQ(refused(TakeFees{key(9).account_id()}), "wrong_sender");
}

TEST_F(ProxyContractTest, PayoutsFromTheStakeUnlockNoMoreThanAllFees) {
  accepted(Receive{Nano{100}});
  accepted(PayoutDelivered{accepted(cash(190)).at(0).amount});
  EXPECT_EQ(accepted(TakeFees{owner_}).at(0).amount.value, 10u);
}

TEST_F(ProxyContractTest, FeesOfAShareOfNothingWaitForNobody) {
  accepted(SetWorkerShare{0});
  accepted(Receive{Nano{100}});
  EXPECT_EQ(accepted(TakeFees{owner_}).at(0).amount.value, 100u);
}

TEST_F(ProxyContractTest, BouncedFeeCanBeTakenAgain) {
  accepted(Receive{Nano{1'000}});
  accepted(PayoutDelivered{accepted(cash(900)).at(0).amount});
  const Transfer fee = accepted(TakeFees{owner_}).at(0);
  accepted(ProxyBounce{fee});
  EXPECT_EQ(accepted(TakeFees{owner_}).at(0), fee);
}

// --- Stake and remainder ---

TEST_F(ProxyContractTest, OnlyTheOwnerWithdrawsAndOnlyAfterTheDelay) {
  accepted(Receive{Nano{1'000}});
  EXPECT_EQ(refused(FinishWithdrawal{owner_}), "proxy_not_closing");
  EXPECT_EQ(refused(StartWithdrawal{worker_}), "wrong_sender");
  accepted(StartWithdrawal{owner_});
  EXPECT_EQ(refused(StartWithdrawal{owner_}), "proxy_not_open");
  EXPECT_EQ(refused(FinishWithdrawal{owner_}, kNow + kProxyDelay - Millis{1}), "too_early");
  EXPECT_EQ(refused(FinishWithdrawal{worker_}, kNow + kProxyDelay), "wrong_sender");
  EXPECT_EQ(accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay).at(0).amount.value, 1'100u);
}

TEST_F(ProxyContractTest, WorkersCashUntilTheWithdrawal) {
  accepted(Receive{Nano{1'000}});
  accepted(StartWithdrawal{owner_});
  EXPECT_EQ(accepted(cash(300), kNow + kProxyDelay).at(0).amount.value, 300u);
  EXPECT_EQ(accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay).at(0).amount.value, 800u);
}

TEST_F(ProxyContractTest, ClosedContractTakesNothingMore) {
  accepted(StartWithdrawal{owner_});
  EXPECT_EQ(refused(AddStake{Nano{1}}), "proxy_not_open");
  accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay);
  EXPECT_EQ(refused(Receive{Nano{1}}), "proxy_closed");
  EXPECT_EQ(refused(AddStake{Nano{1}}), "proxy_not_open");
  EXPECT_EQ(refused(FinishWithdrawal{owner_}, kNow + kProxyDelay), "nothing_to_pay");
}

TEST_F(ProxyContractTest, PayoutThatBouncesAfterTheWithdrawalStaysTheWorkers) {
  accepted(Receive{Nano{1'000}});
  accepted(StartWithdrawal{owner_});
  const Transfer t = accepted(cash(300)).at(0);
  accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay);
  accepted(ProxyBounce{t});
  EXPECT_EQ(refused(FinishWithdrawal{owner_}, kNow + kProxyDelay), "nothing_to_pay");
  EXPECT_EQ(accepted(cash(300)).at(0).amount.value, 300u);
}

TEST_F(ProxyContractTest, BouncedWithdrawalIsSentAgainWhole) {
  accepted(StartWithdrawal{owner_});
  const Transfer t = accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay).at(0);
  accepted(ProxyBounce{t});
  EXPECT_EQ(accepted(FinishWithdrawal{owner_}, kNow + kProxyDelay).at(0), t);
}

TEST_F(ProxyContractTest, DamagedStoredStateIsNotLoaded) {
  accepted(Receive{Nano{1'000}});
  accepted(cash(300));
  const Bytes bytes = state_.encode();
  EXPECT_EQ(*ProxyState::decode(bytes), state_);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(ProxyState::decode(ByteView(bytes).first(n)));
  }
  ProxyState unsound = state_;
  unsound.pool.value += 1;
  EXPECT_EQ(ProxyState::decode(unsound.encode()).error().code(), "bad_proxy_state");
  unsound = state_;
  unsound.pool_total.value = 1'001;
  EXPECT_FALSE(ProxyState::decode(unsound.encode())) << "more to the pool than was received";
}

TEST_F(ProxyContractTest, StoredWorkersAreInOrderAndEachOnce) {
  state_.paid = {{AccountId{{1}}, Nano{}}, {AccountId{{2}}, Nano{}}};
  Bytes bytes = state_.encode();
  EXPECT_TRUE(ProxyState::decode(bytes));
  constexpr std::size_t kRow = 32 + 8;
  std::swap_ranges(bytes.end() - 2 * kRow, bytes.end() - kRow, bytes.end() - kRow);
  EXPECT_FALSE(ProxyState::decode(bytes));
  std::copy(bytes.end() - 2 * kRow, bytes.end() - kRow, bytes.end() - kRow);
  EXPECT_FALSE(ProxyState::decode(bytes)) << "twice";
}

}  // namespace
}  // namespace cocoon::billing
