/// A hostile proxy at the level of connections: who it says it is, limits, credit, frames out of
/// order, statements and vouchers that are not its own. Clients and workers leave it with the
/// reason, and are as good as new once it behaves.

#include "unit/core/acts.h"

namespace cocoon::core::test {
namespace {

/// A lie in hello_ack, and what both kinds of victim say to it.
struct Lie {
  const char* name;
  std::string_view code;
  std::function<void(Network&, Hop&, wire::HelloAck&)> tell;
};

void show_epoch(Hop& hop, wire::HelloAck& ack, const billing::SignedEpoch& epoch) {
  ack.epoch_record = hop.keep(epoch.value.encode());
  ack.epoch_signature = hop.keep(Bytes(epoch.signature.begin(), epoch.signature.end()));
}

std::vector<Lie> lies() {
  return {
      {"Network", "wrong_network",
       [](Network&, Hop&, wire::HelloAck& ack) { ack.network.bytes[3] ^= 1; }},
      {"Account", "wrong_account",
       [](Network&, Hop&, wire::HelloAck& ack) { ack.account.bytes[3] ^= 1; }},
      {"EpochOfAnEarlierRun", "epoch_superseded",
       [](Network& net, Hop& hop, wire::HelloAck& ack) {
         // The account signs both: it is a copy of the proxy that was left behind.
         show_epoch(hop, ack,
                    billing::sign(billing::EpochRecord::make(net.world.registry().network, 1,
                                                             net.proxy().boot_key().boot_key_id()),
                                  net.proxy().account_key()));
       }},
      {"EpochOfAnotherBootKey", "wrong_boot_key",
       [](Network& net, Hop& hop, wire::HelloAck& ack) {
         show_epoch(hop, ack,
                    billing::sign(billing::EpochRecord::make(net.world.registry().network, 9,
                                                             net.worker().boot_key().boot_key_id()),
                                  net.proxy().account_key()));
       }},
      {"EpochSignedByTheBootKey", "bad_signature",
       [](Network& net, Hop& hop, wire::HelloAck& ack) {
         show_epoch(hop, ack,
                    billing::sign(billing::EpochRecord::make(net.world.registry().network, 9,
                                                             net.proxy().boot_key().boot_key_id()),
                                  net.proxy().boot_key()));
       }},
      {"EpochOfAnotherNetwork", "wrong_network",
       [](Network& net, Hop& hop, wire::HelloAck& ack) {
         show_epoch(hop, ack,
                    billing::sign(billing::EpochRecord::make(NetworkId{}, 9,
                                                             net.proxy().boot_key().boot_key_id()),
                                  net.proxy().account_key()));
       }},
      {"Version", "version_outside_offer",
       [](Network&, Hop&, wire::HelloAck& ack) { ack.version = 2; }},
  };
}

class HostileHello : public ::testing::TestWithParam<Lie> {};

TEST_P(HostileHello, IsSeenThroughByClientsAndWorkers) {
  Network net({.workers = 1});
  bool lying = true;
  net.meddle = [&](Hop& hop) {
    if (auto* ack = hop.as<wire::HelloAck>(); ack && lying) GetParam().tell(net, hop, *ack);
  };
  net.proxy().boot();  // its first run, so that there is an earlier epoch
  net.proxy().crash();
  net.boot();
  EXPECT_TRUE(net.said(net.client(), GetParam().code)) << net.problem(net.client());
  EXPECT_TRUE(net.said(net.worker(), GetParam().code))
      << net.worker().worker().counts().proxy_reason;
  EXPECT_FALSE(net.client().client().ready());
  net.expect_refused(net.ask(), ErrorKind::unavailable, "no_proxy");
  lying = false;
  net.run(Millis(60'000));
  net.expect_served(net.ask());
}
INSTANTIATE_TEST_SUITE_P(All, HostileHello, ::testing::ValuesIn(lies()),
                         [](const auto& param) { return std::string(param.param.name); });

class HostileSession : public ::testing::Test {
 protected:
  void SetUp() override { net.boot(); }

  void to_client(const wire::Message& message) {
    net.forge(net.proxy(), net.client(), message);
    net.run(Millis(50));
  }
  void to_worker(const wire::Message& message) {
    net.forge(net.proxy(), net.worker(), message);
    net.run(Millis(50));
  }
  /// The client has left with `code`, comes back, and is served.
  void expect_client_leaves(std::string_view code) {
    EXPECT_TRUE(net.said(net.client(), code)) << net.problem(net.client());
    net.meddle = nullptr;
    net.run(Millis(60'000));
    net.expect_served(net.ask());
  }
  void expect_worker_leaves(std::string_view code) {
    EXPECT_TRUE(net.said(net.worker(), code)) << net.worker().worker().counts().proxy_reason;
    EXPECT_FALSE(net.said(net.worker(1), code)) << "the other worker is not concerned";
    net.run(Millis(60'000));
    EXPECT_EQ(net.worker().worker().counts().proxies_connected, 1u);
    net.expect_served(net.ask());
  }

  Network net;
};

TEST_F(HostileSession, NoStreamsAtAllIsBusy) {
  net.meddle = [](Hop& hop) {
    auto* ack = hop.as<wire::HelloAck>();
    if (ack != nullptr && hop.between(kProxy, kClient)) ack->max_streams = 0;
  };
  net.client().crash();
  net.client().boot();
  net.run(Millis(200));
  net.expect_refused(net.ask(), ErrorKind::busy, "too_many_streams");
  EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
}

TEST_F(HostileSession, TheHighestLimitsAreOfNoConsequence) {
  net.meddle = [](Hop& hop) {
    if (auto* ack = hop.as<wire::HelloAck>()) {
      ack->max_streams = limits::kMaxStreamsPerConnection;
      ack->registry_version = ~0ull;
    }
  };
  net.client().crash();
  net.client().boot();
  net.run(Millis(200));
  net.expect_served(net.ask());
}

TEST_F(HostileSession, ASecondHelloAckEndsTheConnection) {
  net.meddle = [](Hop& hop) {
    if (auto* ack = hop.as<wire::HelloAck>()) hop.after(*ack);
  };
  net.client().crash();
  net.client().boot();
  net.run(Millis(200));
  expect_client_leaves("unexpected_hello");
}

TEST_F(HostileSession, ControlBeforeHelloAckEndsTheConnection) {
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::HelloAck>()) hop.before(wire::Models{});
  };
  net.client().crash();
  net.client().boot();
  net.run(Millis(200));
  expect_client_leaves("hello_expected");
}

TEST_F(HostileSession, DataOfAStreamThatWasNeverOpened) {
  const Bytes some(10, 1);
  to_client(wire::Data{77, some, std::nullopt});
  expect_client_leaves("stream_unknown");
}

TEST_F(HostileSession, DataBeforeTheRequestIsAccepted) {
  net.meddle = [&](Hop& hop) {
    if (hop.between(kProxy, kClient) && hop.as<wire::Accepted>()) hop.drop();
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  EXPECT_FALSE(got.status);
  EXPECT_EQ(got.usage.cost_nano, 0u);
  expect_client_leaves("data_before_accepted");
}

TEST_F(HostileSession, TwoAcceptances) {
  net.meddle = [&](Hop& hop) {
    auto* accepted = hop.as<wire::Accepted>();
    if (accepted != nullptr && hop.between(kProxy, kClient)) hop.after(*accepted);
  };
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 1u) << "what was accepted is not asked again";
  expect_client_leaves("frame_unexpected");
}

TEST_F(HostileSession, DataAfterTheEnd) {
  net.meddle = [&](Hop& hop) {
    auto* end = hop.as<wire::End>();
    if (end == nullptr || !hop.between(kProxy, kClient)) return;
    const Bytes more(400, 1);
    hop.after(wire::Data{end->stream, more, std::nullopt});
  };
  net.expect_served(net.ask());  // its end had come
  net.run(Millis(50));
  expect_client_leaves("stream_closed");
}

TEST_F(HostileSession, MoreDataThanTheClientGaveCreditFor) {
  const Asked asked = net.ask();
  net.run(Millis(60));
  net.client().client().pause(asked.id, true, net.world.now);
  bool sent = false;
  net.meddle = [&](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data == nullptr || !hop.between(kProxy, kClient) || std::exchange(sent, true)) return;
    // Flooding with what does not open ends the request at once; the connection's window is kept.
    for (int i = 0; i < 70; ++i) hop.after(wire::Data{data->stream, data->payload, data->mark});
    const Bytes block(limits::kMaxDataBytes, 1);
    for (int i = 0; i < 80; ++i) hop.after(wire::Data{data->stream, block, std::nullopt});
  };
  EXPECT_FALSE(net.outcome(asked).status);
  expect_client_leaves("credit_exceeded");
}

TEST_F(HostileSession, CallersThatPauseDoNotStopTheOthers) {
  net.world.weather.chunks = 20;
  net.world.weather.chunk_text = std::string(20'000, 'x');  // more than a stream's window in all
  std::vector<Asked> paused;
  for (int i = 0; i < 5; ++i) {  // more than a connection's window
    paused.push_back(net.ask());
    net.client().client().pause(paused.back().id, true, net.world.now);
  }
  net.run(Millis(5000));
  net.world.weather.chunk_text = "token";
  net.deadline = Millis(20'000);
  EXPECT_TRUE(net.outcome(net.ask()).status);
  for (const Asked& asked : paused) {
    EXPECT_EQ(net.text(asked).find("[DONE]"), std::string::npos);
    net.client().client().pause(asked.id, false, net.world.now);
    net.client().turn();
    EXPECT_TRUE(net.outcome(asked).status);
  }
}

TEST_F(HostileSession, ACallerThatPausesForLongHasNotLostItsAnswer) {
  net.world.weather.chunks = 20;
  net.world.weather.chunk_text = std::string(20'000, 'x');  // more than a stream's window in all
  const Asked asked = net.ask();
  net.client().client().pause(asked.id, true, net.world.now);
  net.run(limits::kFirstByteDeadline + limits::kProgressDeadline);
  net.client().client().pause(asked.id, false, net.world.now);
  net.client().turn();
  EXPECT_TRUE(net.outcome(asked).status);
  EXPECT_NE(net.text(asked).find("[DONE]"), std::string::npos);
}

TEST_F(HostileSession, MoreCreditThanThereCanBe) {
  to_client(wire::Credit{0, limits::kMaxCreditBytes});
  expect_client_leaves("credit_overflow");
}

TEST_F(HostileSession, AProxyOpensNoStreamsAtAClient) {
  const Bytes header(100, 1);
  wire::Open open;
  open.stream = 2;
  open.header = header;
  open.wraps = {header};
  open.time_left_ms = 1;
  to_client(open);
  expect_client_leaves("too_many_streams");
}

TEST_F(HostileSession, MessagesOfOtherRoles) {
  to_client(wire::ModelsRequest{1});
  expect_client_leaves("unexpected_message");
  to_worker(wire::ModelsRequest{1});
  expect_worker_leaves("unexpected_message");
}

TEST_F(HostileSession, AWorkersStreamNumbersOnlyRise) {
  net.expect_served(net.ask());
  const Bytes header(100, 1);
  wire::Open open;
  open.stream = 1;
  open.header = header;
  open.wraps = {header};
  open.time_left_ms = 1;
  to_worker(open);
  expect_worker_leaves("stream_id_wrong_side");
}

TEST_F(HostileSession, RepeatedGoodbyesAreOneGoodbye) {
  const Asked asked = net.ask();
  net.run(Millis(60));
  for (int i = 0; i < 100; ++i) net.forge(net.proxy(), net.client(), wire::GoAway{"draining", ""});
  net.expect_served(asked);  // what runs goes on
  net.expect_refused(net.ask(), ErrorKind::unavailable, "no_proxy");
}

TEST_F(HostileSession, AProxyThatGreetsOnlyToSayGoodbyeEndsRequestsInsteadOfLooping) {
  unsigned greetings = 0;
  net.meddle = [&](Hop& hop) {
    if (!hop.as<wire::HelloAck>() || !hop.between(kProxy, kClient)) return;
    ++greetings;
    hop.after(wire::GoAway{"bye", "", true, static_cast<std::uint8_t>(ErrorKind::unavailable)});
  };
  net.client().crash();
  net.client().boot();
  net.run(Millis(200));
  net.expect_refused(net.ask(), ErrorKind::unavailable, "no_proxy");
  const unsigned before = greetings;
  net.run(Millis(60'000));
  EXPECT_LT(greetings - before, 30u) << "reconnecting slows down";
}

// --- Statements and vouchers ---

TEST_F(HostileSession, AStatementOfAnotherKey) {
  const billing::UsageStatement value{net.world.registry().network,
                                      net.world.ledger->channels()->front().id(), Nano{1}};
  const auto forged = billing::sign(value, net.proxy().boot_key());
  const Bytes bytes = forged.value.encode();
  to_client(wire::UsageStatement{bytes, forged.signature, {}, {}});
  expect_client_leaves("bad_signature");
}

TEST_F(HostileSession, AStatementOfAnotherChannel) {
  const auto foreign =
      billing::sign(billing::UsageStatement{net.world.registry().network, ChannelId{}, Nano{1}},
                    net.proxy().account_key());
  const Bytes bytes = foreign.value.encode();
  to_client(wire::UsageStatement{bytes, foreign.signature, {}, {}});
  expect_client_leaves("wrong_channel");
}

TEST(HostileVouchers, AnotherClientsVoucherIsNotTakenForOnesOwn) {
  Network net({.clients = 2});
  net.boot();
  Bytes voucher, signature;
  net.meddle = [&](Hop& hop) {
    if (auto* v = hop.as<wire::Voucher>(); v && &hop.from == &net.client(1)) {
      voucher = to_bytes(v->voucher);
      signature = to_bytes(v->signature);
    }
  };
  net.expect_served(net.ask(net.client(1)));
  net.acknowledged(net.client(1));
  ASSERT_FALSE(voucher.empty());
  ChannelId channel;
  const auto channels = net.world.ledger->channels();
  for (const auto& c : *channels) {
    if (c.terms.client == net.client(0).account()) channel = c.id();
  }
  const auto statement =
      billing::sign(billing::UsageStatement{net.world.registry().network, channel, Nano{0}},
                    net.proxy().account_key());
  const Bytes bytes = statement.value.encode();
  net.forge(net.proxy(), net.client(0),
            wire::UsageStatement{bytes, statement.signature, voucher, signature});
  net.run(Millis(50));
  EXPECT_TRUE(net.said(net.client(0), "bad_signature")) << net.problem(net.client(0));
  net.expect_served(net.ask(net.client(1)));  // who is not concerned
}

TEST_F(HostileSession, AForgedPayoutVoucher) {
  const billing::PayoutVoucher value{net.world.registry().network, net.proxy().account(),
                                     net.worker().account(), Nano{1'000}};
  const auto forged = billing::sign(value, net.proxy().boot_key());
  const Bytes bytes = forged.value.encode();
  to_worker(wire::Payout{bytes, forged.signature});
  expect_worker_leaves("bad_signature");
}

TEST_F(HostileSession, AnotherWorkersPayoutVoucher) {
  const auto other =
      billing::sign(billing::PayoutVoucher{net.world.registry().network, net.proxy().account(),
                                           net.worker(1).account(), Nano{1'000}},
                    net.proxy().account_key());
  const Bytes bytes = other.value.encode();
  to_worker(wire::Payout{bytes, other.signature});
  expect_worker_leaves("wrong_worker");
}

TEST(HostilePayouts, AVoucherThatIsRolledBackTakesNothingBack) {
  Network net({.workers = 1});
  net.boot();
  Bytes highest;
  net.meddle = [&](Hop& hop) {
    // On reconnecting, the worker shows the highest voucher that it holds.
    if (auto* p = hop.as<wire::Payout>(); p && hop.between(kWorker, kProxy)) {
      highest = to_bytes(p->voucher);
    }
  };
  net.expect_served(net.ask());
  net.run(Millis(3000));
  const auto lower =
      billing::sign(billing::PayoutVoucher{net.world.registry().network, net.proxy().account(),
                                           net.worker().account(), Nano{1}},
                    net.proxy().account_key());
  const Bytes bytes = lower.value.encode();
  net.forge(net.proxy(), net.worker(), wire::Payout{bytes, lower.signature});
  net.run(Millis(50));
  net.proxy().crash();
  net.proxy().boot();
  net.run(Millis(3000));
  ASSERT_FALSE(highest.empty());
  EXPECT_EQ(billing::PayoutVoucher::decode(highest)->owed, Nano{kCost.value * 19 / 20});
}

}  // namespace
}  // namespace cocoon::core::test
