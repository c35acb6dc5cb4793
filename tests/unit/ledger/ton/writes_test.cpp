#include "ledger/ton/writes.h"

#include <gtest/gtest.h>

#include "ton/contract_message.h"
#include "unit/ledger/ton/shown.h"

namespace cocoon::ledger {
namespace {

namespace vec = ton::test;
using test::Shown;

constexpr std::uint64_t kNanoPerTon = 1'000'000'000;

/// Writes about the channel and the contract of the vectors: the channel is closing, and pays up to
/// 2 TON by its newest voucher, of which 1 was claimed.
class Writes : public ::testing::Test {
 protected:
  PlannedWrite plan(Write write, std::string_view self = "proxy") const {
    return PlannedWrite::plan(shown_.site(), shown_.account(self), std::move(write), nullptr)
        .value();
  }
  template <class T>
  billing::Signed<T> statement(std::string_view name) const {
    const json::Value v = shown_.root().find(name);
    return billing::decode_signed<T>(vec::hex(v, "statement"), vec::hex(v, "signature")).value();
  }
  static std::string_view code_of(const std::optional<ports::LedgerReply>& reply) {
    const auto* bounced = reply ? std::get_if<ports::Bounced>(&*reply) : nullptr;
    return bounced == nullptr ? "" : bounced->error.code();
  }

  Shown shown_;
  UnixTime now_ = unix_seconds(1'800'000'000);
};

TEST_F(Writes, AreRefusedBeforehandWhereTheContractWouldRefuseThem) {
  const auto redeem =
      plan(ports::RedeemVoucher{shown_.channel_id(), statement<billing::Voucher>("voucher")});
  EXPECT_EQ(code_of(redeem.before({}, now_)), "not_deployed");
  const ContractView channel = redeem.view(shown_.channel()).value();
  EXPECT_EQ(code_of(redeem.before(channel, now_)), "nothing_to_pay");
  const auto by_worker = plan(
      ports::RedeemVoucher{shown_.channel_id(), statement<billing::Voucher>("voucher")}, "worker");
  EXPECT_EQ(code_of(by_worker.before(channel, now_)), "wrong_sender");
  EXPECT_EQ(code_of(plan(ports::StartChannelClose{shown_.channel_id()}).before(channel, now_)),
            "channel_not_open");
  const auto finalise = plan(ports::FinaliseChannel{shown_.channel_id()});
  EXPECT_EQ(code_of(finalise.before(channel, now_)), "too_early");
  EXPECT_EQ(finalise.before(channel, unix_seconds(1'800'043'200)), std::nullopt);
}

TEST_F(Writes, AreConfirmedByTheStateAlone) {
  auto voucher = statement<billing::Voucher>("voucher");
  const auto present =
      plan(ports::PresentVoucher{shown_.channel_id(), voucher, Nano{3 * kNanoPerTon / 2}});
  const ContractView first = present.view(shown_.channel()).value();
  EXPECT_EQ(present.before(first, now_), std::nullopt);
  EXPECT_EQ(present.after(first, first, now_), std::nullopt);  // not yet
  ContractView then = first;
  then.channel->claimed = Nano{3 * kNanoPerTon / 2};
  ASSERT_TRUE(present.after(first, then, now_));
  EXPECT_TRUE(std::holds_alternative<ports::Confirmed>(*present.after(first, then, now_)));
  // What happened in between, and makes the contract refuse it.
  then = first;
  then.channel->phase = billing::ChannelPhase::closed;
  EXPECT_EQ(code_of(present.after(first, then, now_)), "channel_closed");
}

TEST_F(Writes, OfWorkersAreConfirmedWhenTheyWerePaidMoreThanBefore) {
  const auto payout = statement<billing::PayoutVoucher>("payout");
  const auto cash = plan(ports::CashOutVoucher{payout}, "worker");
  ContractView first = cash.view(shown_.proxy()).value();
  EXPECT_EQ(code_of(cash.before(first, now_)), "nothing_to_pay");
  first.proxy->paid[payout.value.worker] = Nano{1};
  EXPECT_EQ(cash.before(first, now_), std::nullopt);
  ContractView then = first;
  then.proxy->paid[payout.value.worker] = Nano{2};
  EXPECT_TRUE(std::holds_alternative<ports::Confirmed>(cash.after(first, then, now_).value()));
  EXPECT_EQ(cash.contract(), vec::address(shown_.root().find("addresses"), "proxy"));
}

TEST_F(Writes, OfTheSameEpochAgainNeedNoMessage) {
  const auto record = statement<billing::EpochRecord>("record");
  const auto publish = plan(ports::PublishEpoch{record}, "worker");
  EXPECT_EQ(publish.before({}, now_), std::nullopt);
  const ContractView there = publish.view(shown_.epoch()).value();
  EXPECT_TRUE(std::holds_alternative<ports::Confirmed>(publish.before(there, now_).value()));
  // Another account's record is nobody's here.
  EXPECT_EQ(code_of(plan(ports::PublishEpoch{record}, "proxy").before({}, now_)), "bad_signature");
}

TEST_F(Writes, SayWhatTheContractsTake) {
  const auto body_of = [&](const PlannedWrite& write) { return write.order({})->body->hash(); };
  const auto want = [&](std::string_view name) {
    return vec::cell(shown_.root().find("bodies"), name)->hash();
  };
  const ChannelId id = shown_.channel_id();
  const auto voucher = statement<billing::Voucher>("voucher");
  EXPECT_EQ(body_of(plan(ports::RedeemVoucher{id, voucher})), want("redeem"));
  EXPECT_EQ(body_of(plan(ports::PresentVoucher{id, voucher, Nano{kNanoPerTon}})), want("present"));
  EXPECT_EQ(body_of(plan(ports::StartChannelClose{id})), want("start_close"));
  EXPECT_EQ(body_of(plan(ports::FinaliseChannel{id})), want("finalise"));
  EXPECT_EQ(body_of(plan(ports::CashOutVoucher{statement<billing::PayoutVoucher>("payout")})),
            want("cash_out"));
  EXPECT_EQ(body_of(plan(ports::TakeProxyFees{})), want("take_fees"));
  const auto publish =
      plan(ports::PublishEpoch{statement<billing::EpochRecord>("record")}, "worker");
  EXPECT_EQ(body_of(publish), want("publish_epoch"));
  EXPECT_TRUE(publish.order({})->init);  // the first one installs the record
  EXPECT_EQ(publish.contract(), vec::address(shown_.root().find("addresses"), "epoch"));
  EXPECT_EQ(plan(ports::StartChannelClose{id}).contract(),
            vec::address(shown_.root().find("addresses"), "channel"));
}

}  // namespace
}  // namespace cocoon::ledger
