/// A hostile proxy that wants more than it is due. The client pays what the worker's receipt says,
/// or what it has itself received; beyond that, at most max_exposure on the proxy's word.

#include "billing/receipt.h"
#include "unit/core/acts.h"

namespace cocoon::core::test {
namespace {

class HostileProxyCharges : public ::testing::Test {
 protected:
  void SetUp() override { net.boot(); }

  wire::UsageStatement statement(Hop& hop, Nano charged) {
    const billing::UsageStatement value{net.world.registry().network, channel(), charged};
    const auto signed_by_proxy = billing::sign(value, net.proxy().account_key());
    wire::UsageStatement message;
    message.statement = hop.keep(signed_by_proxy.value.encode());
    message.signature =
        hop.keep(Bytes(signed_by_proxy.signature.begin(), signed_by_proxy.signature.end()));
    return message;
  }
  ChannelId channel() { return net.world.ledger->channels()->front().id(); }

  Network net;
};

TEST_F(HostileProxyCharges, WhatIsBeyondTheReceiptIsNotPaid) {
  net.meddle = [](Hop& hop) {
    auto* end = hop.as<wire::End>();
    if (end != nullptr && hop.between(kProxy, kClient)) end->cost = Nano{end->cost.value + 1000};
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().kind(), ErrorKind::payment);
  EXPECT_EQ(got.status.error().code(), "charge_mismatch");
  EXPECT_EQ(got.usage.cost_nano, kCost.value);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(HostileProxyCharges, AnAnswerWithoutItsReceiptCostsNoMoreThanWhatCame) {
  // The first chunk arrives, all others are kept back, and the whole cap is asked for.
  wire::UsageMark mark;
  unsigned chunks = 0;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kProxy, kClient)) return;
    if (auto* data = hop.as<wire::Data>()) {
      if (chunks++ > 0) return hop.drop();
      mark = *data->mark;
    }
    if (auto* end = hop.as<wire::End>()) end->cost = kCap;
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "answer_truncated");
  const std::uint64_t seen = 20 * (mark.prompt + 8 * mark.completion);
  EXPECT_LE(got.usage.cost_nano, seen);
  EXPECT_LE(net.acknowledged(net.client()).value, seen);
}

TEST_F(HostileProxyCharges, TheReceiptThatCountsComesSealed) {
  // What the proxy shows beside it, another request's or an altered one, changes nothing.
  Bytes first;
  net.meddle = [&](Hop& hop) {
    auto* end = hop.as<wire::End>();
    if (end == nullptr || !hop.between(kProxy, kClient)) return;
    if (first.empty()) {
      first = to_bytes(end->receipt);
      auto receipt = billing::SignedReceipt::decode(first).value();
      receipt.receipt.cost = kCap;
      end->receipt = hop.keep(receipt.encode());
    } else {
      end->receipt = first;
    }
  };
  net.expect_served(net.ask());
  net.expect_served(net.ask());
  EXPECT_EQ(net.acknowledged(net.client()), Nano{2 * kCost.value});
}

TEST_F(HostileProxyCharges, ARefusalCostsNothing) {
  net.meddle = [](Hop& hop) {
    if (hop.between(kClient, kProxy) && stream_of(hop.message) != 0) hop.drop();
  };
  const Asked asked = net.ask();
  net.run(Millis(100));
  wire::Reset reset;
  reset.stream = 1;
  reset.kind = static_cast<std::uint8_t>(ErrorKind::invalid_argument);
  reset.code = "refused";
  reset.cost = kCap;
  net.forge(net.proxy(), net.client(), reset);
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.usage.cost_nano, 0u);
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
}

TEST_F(HostileProxyCharges, AFailureAfterAcceptanceCostsNoMoreThanWhatCame) {
  wire::UsageMark mark;
  bool cut = false;
  net.meddle = [&](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data == nullptr || !hop.between(kProxy, kClient)) return;
    if (cut) return hop.drop();
    cut = true;
    mark = *data->mark;
    wire::Reset reset;
    reset.stream = data->stream;
    reset.kind = static_cast<std::uint8_t>(ErrorKind::upstream);
    reset.code = "engine_failed";
    reset.cost = kCap;
    hop.after(reset);
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "engine_failed");
  const std::uint64_t seen = 20 * (mark.prompt + 8 * mark.completion);
  EXPECT_LE(got.usage.cost_nano, seen);
  EXPECT_LE(net.acknowledged(net.client()).value, seen);
}

/// Every answer is garbage under a mark of the proxy's making, and every cap is claimed in full.
TEST(HostileProxyExposure, OnItsWordAProxyGetsAtMostMaxExposure) {
  Network net;
  net.world.max_exposure = Nano{100'000};
  net.boot();
  const ChannelId channel = net.world.ledger->channels()->front().id();
  std::uint64_t claimed = 0;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kProxy, kClient)) return;
    if (auto* data = hop.as<wire::Data>()) {
      data->payload = hop.flipped(data->payload, 60);
      data->mark = wire::UsageMark{1024 + 64, 0, 64, 0};
    }
    if (auto* shown = hop.as<wire::UsageStatement>()) {
      const auto forged = billing::sign(
          billing::UsageStatement{net.world.registry().network, channel, Nano{claimed}},
          net.proxy().account_key());
      shown->statement = hop.keep(forged.value.encode());
      shown->signature = hop.keep(Bytes(forged.signature.begin(), forged.signature.end()));
    }
  };
  for (int i = 0; i < 8; ++i) {
    claimed += kCap.value;
    const Asked asked = net.ask();
    EXPECT_FALSE(net.outcome(asked).status);
    net.run(Millis(500));
  }
  EXPECT_LE(net.acknowledged(net.client()), Nano{100'000});
}

TEST_F(HostileProxyCharges, AStatementThatNoRequestExplainsIsNotAcknowledged) {
  net.expect_served(net.ask());
  bool lied = false;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kProxy, kClient) || !hop.as<wire::End>()) return;
    lied = true;
    hop.after(statement(hop, Nano{1'000'000}));
  };
  net.expect_served(net.ask());
  ASSERT_TRUE(lied);
  EXPECT_EQ(net.acknowledged(net.client()), Nano{2 * kCost.value});
}

TEST_F(HostileProxyCharges, AStatementThatIsRolledBackTakesNothingBack) {
  net.meddle = [&](Hop& hop) {
    if (hop.between(kProxy, kClient) && hop.as<wire::End>()) hop.after(statement(hop, Nano{0}));
  };
  net.expect_served(net.ask());
  net.expect_served(net.ask());
  EXPECT_EQ(net.acknowledged(net.client()), Nano{2 * kCost.value});
}

}  // namespace
}  // namespace cocoon::core::test
