/// A hostile client's channel: who it says it is, and what it promises to pay.

#include "unit/core/rogue_client.h"

namespace cocoon::core::test {
namespace {

class HostileChannel : public ::testing::Test {
 protected:
  HostileChannel() : net({.clients = 3}) {}
  void SetUp() override {
    net.proxy().boot();
    net.worker(0).boot();
    net.worker(1).boot();
    net.client(1).boot();  // honest
    net.run(Millis(200));
  }
  RogueClient& boot(std::size_t n = 0, const std::function<void(RogueClient&)>& prepare = nullptr) {
    RogueClient& rogue = boot_rogue_client(net, net.client(n), prepare);
    net.run(Millis(200));
    return rogue;
  }
  void expect_thrown_out(const RogueClient& rogue, std::string_view code) {
    ASSERT_TRUE(rogue.ended);
    EXPECT_TRUE(net.said(net.proxy(), code)) << rogue.ended->detail();
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    net.expect_served(net.ask(net.client(1)));
  }
  ChannelId channel_of(std::size_t n) {
    const auto channels = net.world.ledger->channels();
    for (const auto& state : *channels) {
      if (state.terms.client == net.client(n).account()) return state.id();
    }
    return {};
  }

  Network net;
};

// --- Hello ---

TEST_F(HostileChannel, NoChannel) {
  RogueClient& rogue = boot(0, [](RogueClient& r) {
    r.edit_hello = [](wire::Hello& hello) {
      hello.channel.reset();
      hello.channel_signature = {};
    };
  });
  expect_thrown_out(rogue, "no_channel");
}

TEST_F(HostileChannel, AChannelThatDoesNotExist) {
  RogueClient& rogue = boot(0, [](RogueClient& r) { r.channel.bytes[0] ^= 1; });
  expect_thrown_out(rogue, "channel_unknown");
}

TEST_F(HostileChannel, AnotherClientsChannel) {
  RogueClient& rogue = boot(0, [this](RogueClient& r) { r.channel = channel_of(1); });
  expect_thrown_out(rogue, "channel_of_others");
}

TEST_F(HostileChannel, AnotherClientsChannelUnderItsName) {
  RogueClient& rogue = boot(0, [this](RogueClient& r) {
    r.channel = channel_of(1);
    r.edit_hello = [this](wire::Hello& hello) { hello.account = net.client(1).account(); };
  });
  expect_thrown_out(rogue, "channel_signature");
}

TEST_F(HostileChannel, ASignatureForAnotherConnectionIsNoAuthority) {
  // A relay: the signature is the client's own, given to somebody else's connection.
  crypto::Signature relayed{};
  RogueClient& rogue = boot(0, [&](RogueClient& r) {
    r.edit_hello = [&](wire::Hello& hello) {
      ByteArray<32> other = r.far.exporter;
      other[0] ^= 1;
      relayed = billing::sign_channel({r.identity.network, r.channel, other, r.far.own_leaf_sha256},
                                      r.identity.account);
      hello.channel_signature = relayed;
    };
  });
  expect_thrown_out(rogue, "channel_signature");
}

TEST_F(HostileChannel, ASignatureForAnotherCertificateIsNoAuthority) {
  crypto::Signature relayed{};
  RogueClient& rogue = boot(0, [&](RogueClient& r) {
    r.edit_hello = [&](wire::Hello& hello) {
      Hash other = r.far.own_leaf_sha256;
      other[0] ^= 1;
      relayed = billing::sign_channel({r.identity.network, r.channel, r.far.exporter, other},
                                      r.identity.account);
      hello.channel_signature = relayed;
    };
  });
  expect_thrown_out(rogue, "channel_signature");
}

TEST_F(HostileChannel, AnotherNetwork) {
  RogueClient& rogue = boot(0, [](RogueClient& r) {
    r.edit_hello = [](wire::Hello& hello) { hello.network.bytes[0] ^= 1; };
  });
  expect_thrown_out(rogue, "wrong_network");
}

TEST_F(HostileChannel, AWorkerWithoutEvidence) {
  RogueClient& rogue = boot(0, [](RogueClient& r) {
    r.edit_hello = [](wire::Hello& hello) { hello.role = wire::Role::worker; };
  });
  expect_thrown_out(rogue, "wrong_role");
}

TEST_F(HostileChannel, WorkersMessages) {
  RogueClient& rogue = boot();
  wire::WorkerStatus status;
  status.ready = true;
  rogue.send(status);
  net.run(Millis(50));
  expect_thrown_out(rogue, "unexpected_message");
}

// --- Vouchers ---

TEST_F(HostileChannel, AVoucherOfAnotherChannel) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, kEnough, [this, &rogue](billing::SignedVoucher& v) {
    v.value.channel = channel_of(1);
    v = billing::sign(v.value, rogue.identity.account);
  });
  net.run(Millis(50));
  expect_thrown_out(rogue, "wrong_channel");
}

TEST_F(HostileChannel, AVoucherOfAnotherNetwork) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, kEnough, [&rogue](billing::SignedVoucher& v) {
    v.value.network.bytes[0] ^= 1;
    v = billing::sign(v.value, rogue.identity.account);
  });
  net.run(Millis(50));
  expect_thrown_out(rogue, "wrong_network");
}

TEST_F(HostileChannel, AVoucherWithABadSignature) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, kEnough, [](billing::SignedVoucher& v) { v.signature[5] ^= 1; });
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_signature");
}

TEST_F(HostileChannel, AVoucherThatSpendsMoreThanItAuthorises) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{10}, Nano{5});
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_voucher");
}

TEST_F(HostileChannel, NothingRunsWithoutAVoucher) {
  RogueClient& rogue = boot();
  const auto stream = rogue.request();
  net.run(Millis(500));
  EXPECT_EQ(rogue.resets[stream], "not_authorised");
  EXPECT_EQ(net.world.executions["rogue"], 0u);
}

TEST_F(HostileChannel, AVoucherThatIsRolledBackTakesNothingBack) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, kEnough);
  rogue.request();
  net.run(Millis(1000));
  rogue.send_voucher(kCost, kEnough);
  rogue.send_voucher(Nano{0}, Nano{1});  // older: ignored
  net.run(Millis(50));
  EXPECT_FALSE(rogue.ended);
  rogue.request();
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy().proxy().counts().charged.value, 2 * kCost.value);
  net.proxy().proxy().settle_all(net.world.now);
  net.run(Millis(1000));
  std::uint64_t claimed = 0;
  const auto channels = net.world.ledger->channels();
  for (const auto& state : *channels) claimed += state.claimed.value;
  EXPECT_EQ(claimed, kCost.value) << "what was acknowledged is paid";
}

TEST_F(HostileChannel, WhoNeverAcknowledgesIsServedUpToTheLimitOnly) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, Nano{4'000'000'000});
  auto header = rogue.header();
  header.cost_cap = Nano{600'000'000};
  const auto first = rogue.request(header, RogueClient::body());
  const auto second = rogue.request(header, RogueClient::body());
  net.run(Millis(2000));
  EXPECT_TRUE(rogue.ends.contains(first));
  // max_unacknowledged is 1,000,000,000: two of these caps at once are above it.
  EXPECT_EQ(rogue.resets[second], "unacknowledged");
}

TEST_F(HostileChannel, AcknowledgingWhatWasNeverUsedIsTheClientsOwnLoss) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{4'999'999'000}, Nano{5'000'000'000});
  const auto stream = rogue.request();
  net.run(Millis(1000));
  EXPECT_EQ(rogue.resets[stream], "deposit_exhausted");
  EXPECT_EQ(net.world.executions["rogue"], 0u);
}

TEST_F(HostileChannel, ARefusalForWantOfAVoucherReadsNothingFromTheLedger) {
  RogueClient& rogue = boot();
  const unsigned before = net.world.channel_reads;
  const auto stream = rogue.request();
  net.run(Millis(500));
  EXPECT_EQ(rogue.resets[stream], "not_authorised");
  EXPECT_EQ(net.world.channel_reads, before);
}

TEST_F(HostileChannel, AnExhaustedDepositIsReadAgainOnceInAWhile) {
  RogueClient& rogue = boot();
  rogue.send_voucher(Nano{0}, kEnough);
  auto header = rogue.header();
  header.cost_cap = Nano{5'000'000'001};
  const unsigned before = net.world.channel_reads;
  for (int i = 0; i < 10; ++i) {
    const auto stream = rogue.request(header, RogueClient::body());
    net.run(Millis(200));
    EXPECT_EQ(rogue.resets[stream], "deposit_exhausted");
  }
  EXPECT_EQ(net.world.channel_reads, before + 1);
  net.run(limits::kChannelReread);
  rogue.request(header, RogueClient::body());
  net.run(Millis(200));
  EXPECT_EQ(net.world.channel_reads, before + 2);
}

TEST_F(HostileChannel, AStatementThatTheProxyNeverSigned) {
  RogueClient& rogue = boot();
  const auto forged =
      billing::sign(billing::UsageStatement{rogue.identity.network, rogue.channel, Nano{0}},
                    rogue.identity.account);
  const Bytes bytes = forged.value.encode();
  rogue.send(wire::UsageStatement{bytes, forged.signature, {}, {}});
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_signature");
}

// --- One channel, two connections ---

/// Client 2 comes with client 0's account, keys and channel.
class OneChannelTwice : public HostileChannel {
 protected:
  void SetUp() override {
    HostileChannel::SetUp();
    one = &boot(0);
  }
  void connect_again(bool beside) {
    net.client(2).play([&](NodeIdentity) {
      NodeIdentity same{one->identity.network,
                        one->identity.account.duplicate(),
                        one->identity.boot.duplicate(),
                        {}};
      auto made = std::make_unique<RogueClient>(std::move(same), net, one->channel);
      two = made.get();
      made->beside = beside;
      made->connect();
      return made;
    });
    net.client(2).boot();
    net.run(Millis(200));
    ASSERT_TRUE(two->admitted);
  }
  RogueClient* one = nullptr;
  RogueClient* two = nullptr;
};

TEST_F(OneChannelTwice, WhatIsAuthorisedIsSpentOnce) {
  connect_again(true);
  // Enough for one request, whoever asks first.
  one->send_voucher(Nano{0}, Nano{60'000});
  net.run(Millis(50));
  one->request();
  net.run(Millis(5));
  const auto second = two->request();
  net.run(Millis(1000));
  EXPECT_EQ(two->resets[second], "not_authorised");
  EXPECT_EQ(net.proxy().proxy().counts().charged, kCost);
}

TEST_F(OneChannelTwice, AConnectionBesideNoneEndsTheOlderOne) {
  one->send_voucher(Nano{0}, kEnough);
  net.run(Millis(50));
  one->request();
  net.run(Millis(5));
  connect_again(false);
  ASSERT_TRUE(one->ended);
  EXPECT_EQ(one->ended->code(), "superseded");
  EXPECT_FALSE(two->ended);
}

TEST_F(OneChannelTwice, TheAccountIsOne) {
  connect_again(true);
  one->send_voucher(Nano{0}, kEnough);
  net.run(Millis(50));
  const auto first = one->request();
  const auto second = two->request();
  net.run(Millis(1000));
  EXPECT_EQ(one->ends[first], kCost);
  EXPECT_EQ(two->ends[second], kCost);
  EXPECT_EQ(net.proxy().proxy().counts().charged.value, 2 * kCost.value);
  two->send_voucher(Nano{2 * kCost.value}, kEnough);
  net.run(Millis(50));
  EXPECT_FALSE(one->ended);
  EXPECT_FALSE(two->ended);
}

}  // namespace
}  // namespace cocoon::core::test
