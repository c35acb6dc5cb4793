/// A hostile client's bodies: those that do not end, or are not what their headers say, take up no
/// worker, no more than a bounded part of the proxy, and nobody's good name.

#include "base/limits.h"
#include "unit/core/rogue_client.h"

namespace cocoon::core::test {
namespace {

class HostileBodies : public ::testing::Test {
 protected:
  HostileBodies() : net({.clients = 2}) {}
  void SetUp() override {
    net.proxy().boot();
    for (const std::size_t i : {0u, 1u}) net.worker(i).boot();
    net.run(Millis(100));
    rogue = &boot_rogue_client(net, net.client(0));
    net.client(1).boot();
    net.run(Millis(200));
    ASSERT_EQ(rogue->recipients.size(), 2u);
    rogue->send_voucher(Nano{0}, Nano{100'000'000});
    net.run(Millis(50));
    rogue->time_left_ms = 600'000;
  }
  /// A body that is sealed to `bytes` or a little less.
  static std::string body_of(std::size_t bytes) {
    return R"({"model":"sim/model","user":")" + std::string(bytes, 'x') + R"("})";
  }
  static std::string held() { return body_of(240'000); }
  static std::string too_large_to_hold() { return body_of(300'000); }
  std::size_t at_workers() {
    return net.worker(0).worker().counts().running + net.worker(1).worker().counts().running;
  }
  std::size_t at_proxy() { return net.proxy().proxy().counts().running; }
  void expect_nobody_blamed() {
    EXPECT_EQ(net.success_rate(net.worker(0)), 1);
    EXPECT_EQ(net.success_rate(net.worker(1)), 1);
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    net.expect_served(net.ask(net.client(1)));
  }
  /// Runs until the proxy has had enough of a body that does not go on.
  void expect_given_up(wire::StreamId stream) {
    net.run(Millis(limits::kBodyDeadline) - Millis(2000));
    EXPECT_EQ(at_proxy(), 1u);
    net.run(Millis(3000));
    EXPECT_EQ(rogue->resets[stream], "body_truncated");
    EXPECT_EQ(at_proxy() + at_workers(), 0u);
    expect_nobody_blamed();
  }

  Network net;
  RogueClient* rogue = nullptr;
};

TEST_F(HostileBodies, OneThatNeverEndsTakesNoWorker) {
  rogue->most_chunks = 5;
  const auto stream = rogue->request(rogue->header(), held());
  net.run(Millis(1000));
  EXPECT_EQ(at_proxy(), 1u);
  EXPECT_EQ(at_workers(), 0u);
  expect_given_up(stream);
}

TEST_F(HostileBodies, OneThatIsWholeAndDoesNotEndTakesNoWorker) {
  net.meddle = [this](Hop& hop) {
    if (&hop.from == &net.client(0) && hop.as<wire::End>()) hop.drop();
  };
  const auto stream = rogue->request();
  net.run(Millis(1000));
  EXPECT_EQ(at_workers(), 0u);
  expect_given_up(stream);
}

TEST_F(HostileBodies, OneThatIsTooLargeToHoldKeepsItsWorkerForAWhileOnly) {
  rogue->most_chunks = 5;
  const auto stream = rogue->request(rogue->header(), too_large_to_hold());
  net.run(Millis(1000));
  EXPECT_EQ(at_workers(), 1u);
  expect_given_up(stream);
}

TEST_F(HostileBodies, OneThatGoesOnIsNotGivenUp) {
  rogue->most_chunks = 1;
  const auto stream = rogue->request(rogue->header(), held());
  for (int i = 0; i < 3; ++i) {
    net.run(Millis(limits::kBodyDeadline) - Millis(2000));
    EXPECT_FALSE(rogue->resets.contains(stream));
    const Bytes chunk(16'320 + 17, 1);
    EXPECT_TRUE(rogue->link->send_data(stream, chunk));
    rogue->send(wire::ModelsRequest{});
  }
  EXPECT_EQ(at_proxy(), 1u);
  net.run(Millis(limits::kBodyDeadline) + Millis(1000));
  EXPECT_EQ(rogue->resets[stream], "body_truncated");
}

TEST_F(HostileBodies, AChunkOfTheWrongLengthEndsTheRequestAtTheProxy) {
  bool offered = false;
  net.meddle = [&](Hop& hop) {
    if (hop.as<wire::Open>() && hop.from.role() == wire::Role::proxy) offered = true;
    auto* data = hop.as<wire::Data>();
    if (data == nullptr || &hop.from != &net.client(0)) return;
    Bytes longer = to_bytes(data->payload);
    longer.push_back(0);
    data->payload = hop.keep(std::move(longer));
  };
  const auto stream = rogue->request();
  net.run(Millis(500));
  EXPECT_EQ(rogue->resets[stream], "bad_body_chunk");
  EXPECT_TRUE(net.said(net.proxy(), "bad_body_chunk"));
  EXPECT_FALSE(offered);
  net.meddle = nullptr;
  expect_nobody_blamed();
}

TEST_F(HostileBodies, MoreThanTheHeaderAnnouncesEndsTheRequestAtTheProxy) {
  net.meddle = [this](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data == nullptr || &hop.from != &net.client(0)) return;
    hop.after(wire::Data{data->stream, hop.keep(Bytes(18, 1)), std::nullopt});
  };
  const auto stream = rogue->request();
  net.run(Millis(500));
  EXPECT_EQ(rogue->resets[stream], "bad_body_chunk");
  EXPECT_EQ(at_proxy() + at_workers(), 0u);
}

TEST_F(HostileBodies, LessThanTheHeaderAnnouncesEndsTheRequestAtTheProxy) {
  net.meddle = [this](Hop& hop) {
    if (&hop.from == &net.client(0) && hop.as<wire::Data>()) hop.drop();
  };
  const auto stream = rogue->request();
  net.run(Millis(500));
  EXPECT_EQ(rogue->resets[stream], "body_truncated");
  EXPECT_TRUE(net.said(net.proxy(), "body_truncated"));
  net.meddle = nullptr;
  expect_nobody_blamed();
}

TEST_F(HostileBodies, OfOneChannelAreHeldWithinABound) {
  constexpr std::size_t kMost = limits::kMaxQueuedPerChannel * limits::kMaxHeldBodyBytes;
  auto header = rogue->header();
  header.cost_cap = Nano{1};
  rogue->most_chunks = 15;
  const std::size_t requests = kMost / (15 * (16'320 + 17));
  for (std::size_t i = 0; i <= requests; ++i) {
    rogue->request(header, held());
    net.run(Millis(2));
  }
  ASSERT_FALSE(rogue->ended) << rogue->ended->detail();
  EXPECT_EQ(rogue->resets.size(), 1u);
  EXPECT_EQ(rogue->resets.begin()->second, "no_candidate_free");
  EXPECT_EQ(at_proxy(), requests);
  expect_nobody_blamed();
  net.run(Millis(limits::kBodyDeadline) + Millis(1000));
  EXPECT_EQ(at_proxy(), 0u);
  rogue->most_chunks = SIZE_MAX;
  const auto stream = rogue->request();
  net.run(Millis(2000));
  EXPECT_EQ(rogue->ends[stream], kCost) << "what was held was not let go";
}

/// The proxy is hostile, or its link to the worker is slow.
TEST_F(HostileBodies, OneThatAProxyKeepsBackIsGivenUpByTheWorker) {
  net.meddle = [](Hop& hop) {
    if (hop.from.role() == wire::Role::proxy && (hop.as<wire::Data>() || hop.as<wire::End>()) &&
        hop.to.role() == wire::Role::worker) {
      hop.drop();
    }
  };
  const Asked asked = net.ask(net.client(1));
  net.run(Millis(1000));
  EXPECT_EQ(at_workers(), 1u);
  net.run(Millis(limits::kBodyDeadline));
  EXPECT_TRUE(net.said(kWorker, "body_truncated"));
  // The other one is offered it, in the same way.
  const RequestOutcome got = net.outcome(asked);
  EXPECT_FALSE(got.status);
  EXPECT_FALSE(got.charged);
  net.run(Millis(1000));
  EXPECT_EQ(at_workers(), 0u);
}

TEST_F(HostileBodies, AnHonestOneGoesToItsWorkerInOnePiece) {
  // Whole frames that go out at once are one batch of the network's.
  std::vector<std::vector<std::size_t>> batches;
  const auto pass = net.world.tap;
  net.world.tap = [&](simulation::Node& from, simulation::Node& to, Bytes& bytes) {
    std::vector<std::size_t> kinds;
    ByteReader in(bytes);
    while (in.remaining() > 0) {
      const auto message = wire::decode(in.take(in.u32be()));
      ASSERT_TRUE(message);
      if (std::get_if<wire::Open>(&*message)) kinds.push_back(0);
      if (std::get_if<wire::Data>(&*message)) kinds.push_back(1);
      if (std::get_if<wire::End>(&*message)) kinds.push_back(2);
    }
    if (from.role() == wire::Role::proxy && to.role() == wire::Role::worker && !kinds.empty()) {
      batches.push_back(kinds);
    }
    pass(from, to, bytes);
  };
  net.expect_served(net.ask(net.client(1)));
  EXPECT_EQ(batches, (std::vector<std::vector<std::size_t>>{{0, 1, 2}}));
}

}  // namespace
}  // namespace cocoon::core::test
