/// Certificates and evidence run out while requests run: fresh connections replace old ones, and no
/// request notices.

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// Answers of eight chunks that take 8 s, of one client, proxy and worker.
class Renewal : public ::testing::Test {
 protected:
  explicit Renewal(Shape shape = {.workers = 1}) : net(shape) {
    net.world.weather.chunk_gap = Millis(1000);
    net.meddle = [this](Hop& hop) {
      if (const auto* open = hop.as<wire::Open>()) opened[&hop.to].push_back(open->stream);
      if (hop.as<wire::Candidates>() != nullptr) ++candidates;
    };
  }
  /// Asks, and runs the network into the middle of the answer.
  Asked in_mid_stream() {
    const Asked asked = net.ask();
    net.run(Millis(3500));
    EXPECT_FALSE(net.text(asked).empty());
    EXPECT_EQ(net.text(asked).find("[DONE]"), std::string::npos);
    return asked;
  }

  Network net;
  /// Streams by the node that they were opened to. Each connection numbers its own.
  std::map<const Node*, std::vector<wire::StreamId>> opened;
  unsigned candidates = 0;  ///< answers
};

TEST_F(Renewal, AnOldConnectionOfAWorkerOnWhichNothingRunsIsClosed) {
  net.boot();
  net.worker().renew();
  net.run(Millis(200));
  EXPECT_EQ(net.worker().links(), 2u);
  net.run(Millis(2000));
  EXPECT_EQ(net.worker().links(), 1u);
  EXPECT_EQ(net.proxy().proxy().counts().workers, 1u);
  net.expect_served(net.ask());
}

TEST_F(Renewal, ARequestInMidStreamFinishesOnTheOldConnectionAndNewOnesGoOverTheNew) {
  net.boot();
  const Asked first = in_mid_stream();
  net.worker().renew();
  net.run(Millis(1000));
  const Asked second = net.ask();
  net.run(Millis(1000));
  EXPECT_EQ(net.worker().links(), 2u);
  EXPECT_EQ(net.worker().worker().counts().proxies_connected, 1u);
  // The first stream of each connection.
  EXPECT_EQ(opened[&net.worker()], (std::vector<wire::StreamId>{2, 2}));
  net.expect_served(first);
  net.run(Millis(2000));
  EXPECT_EQ(net.worker().links(), 1u);
  net.expect_served(second);
  EXPECT_EQ(net.executions(first), 1u);
  EXPECT_EQ(net.executions(second), 1u);
}

TEST_F(Renewal, CandidatesOfTheOldCertificateServeUntilTheyAreStale) {
  net.boot();
  net.expect_served(net.ask());
  net.worker().renew();
  net.run(Millis(1000));
  const unsigned before = candidates;
  const Asked asked = net.ask();
  net.run(Millis(100));
  EXPECT_EQ(candidates, before) << "the test wants the set that names the old certificate";
  net.expect_served(asked);
}

TEST_F(Renewal, AWorkerWithTwoConnectionsIsCountedOnce) {
  net.boot();
  const Asked running = in_mid_stream();
  net.worker().renew();
  net.run(Millis(1000));
  ASSERT_EQ(net.worker().links(), 2u);
  std::optional<ModelInfo> offer;
  net.client().client().ask_models(net.world.now);
  net.client().turn();
  net.world.run_for(Millis(100));
  for (ClientEvent& event : net.client().client().take_events()) {
    auto* models = std::get_if<ModelsReceived>(&event);
    if (models != nullptr && models->models && models->models->size() == 1) {
      offer = models->models->front();
    }
  }
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->workers, 1u);
  EXPECT_EQ(offer->capacity, 4u);
  EXPECT_EQ(offer->free_slots, 3u) << "what runs on the old connection counts";
  EXPECT_TRUE(net.outcome(running).status);
}

TEST_F(Renewal, TheCapacityOfAWorkerIsOneForBothConnections) {
  net.boot();
  const Asked running = in_mid_stream();
  net.worker().renew();
  net.run(Millis(1000));
  ASSERT_EQ(net.worker().links(), 2u);
  std::vector<Asked> more;
  for (int i = 0; i < 4; ++i) more.push_back(net.ask());
  net.run(Millis(1000));
  EXPECT_EQ(net.proxy().proxy().counts().running, 5u);
  EXPECT_EQ(net.proxy().proxy().counts().waiting, 1u);
  net.expect_served(running);
  for (const Asked& asked : more) net.expect_served(asked);
}

TEST_F(Renewal, ARenewalWaitsUntilTheConnectionBeforeHasFinished) {
  net.boot();
  const Asked asked = in_mid_stream();
  net.worker().renew();
  net.run(Millis(1000));
  net.worker().renew();
  net.run(Millis(1000));
  EXPECT_EQ(net.world.connections, 3u) << "the client's, and two of the worker";
  EXPECT_EQ(net.worker().links(), 2u);
  net.expect_served(asked);
  net.run(Millis(4000));
  EXPECT_EQ(net.world.connections, 4u);
  EXPECT_EQ(net.worker().links(), 1u);
}

TEST_F(Renewal, ALostNewConnectionIsMadeAgainWhileTheOldOneFinishes) {
  net.boot();
  const Asked asked = in_mid_stream();
  net.worker().renew();
  net.run(Millis(1000));
  ASSERT_EQ(net.worker().links(), 2u);
  net.worker().lose_newest_link();
  net.run(Millis(1000));
  EXPECT_EQ(net.worker().links(), 2u);
  net.expect_served(asked);
  net.run(Millis(10'000));
  EXPECT_EQ(net.worker().links(), 1u);
  EXPECT_EQ(net.proxy().links(), 2u) << "the worker's, and the client's";
}

TEST_F(Renewal, ARequestOnAConnectionThatTheWorkerHasLostEndsAfterTheGrace) {
  net.boot();
  const Asked asked = in_mid_stream();
  net.worker().lose_newest_link();
  net.run(limits::kHandoverGrace + Millis(3000));  // long before it counts as silent
  EXPECT_EQ(net.proxy().proxy().counts().running, 0u);
  EXPECT_EQ(net.proxy().proxy().counts().workers, 1u);
  EXPECT_EQ(net.outcome(asked).status.error().code(), "worker_lost");
  EXPECT_EQ(net.acknowledged(net.client()), net.proxy().proxy().counts().charged);
  net.expect_served(net.ask());
}

/// The proxy's evidence runs out after four hours.
class ClientRenewal : public Renewal {
 protected:
  ClientRenewal() {
    net.world.certificate_lifetime = Seconds(4 * 3600);
    net.world.weather.chunk_gap = Millis(10'000);
    net.boot();
  }
  /// Runs the network, always with a request under way, until the client has a second connection.
  Asked until_replaced() {
    const MonoTime limit = net.world.now.mono + net.world.certificate_lifetime;
    while (net.world.now.mono < limit) {
      const Asked asked = net.ask();
      for (int s = 0; s < 79; ++s) {
        net.run(Millis(1000));
        if (net.client().links() == 2) return asked;
      }
      net.expect_served(asked);
    }
    ADD_FAILURE() << "the client kept its connection until the evidence ran out";
    return net.ask();
  }
};

TEST_F(ClientRenewal, ARequestInMidStreamFinishesOnTheOldConnectionAndNewOnesGoOverTheNew) {
  const Asked first = until_replaced();
  net.run(Millis(1000));
  const Asked second = net.ask();
  net.run(Millis(1000));
  EXPECT_EQ(opened[&net.proxy()].back(), 1u) << "the first stream of the new connection";
  net.expect_served(first);
  net.run(Millis(2000));
  EXPECT_EQ(net.client().links(), 1u);
  net.expect_served(second);
}

TEST_F(ClientRenewal, ARequestThatIsCancelledOnTheOldConnectionIsSettledBeforeThatCloses) {
  const Asked asked = until_replaced();
  net.run(Millis(1000));
  ASSERT_EQ(net.client().links(), 2u);
  net.client().client().cancel(asked.id, net.world.now);
  net.run(Millis(5000));
  EXPECT_EQ(net.outcome(asked).status.error().code(), "cancelled");
  EXPECT_EQ(net.client().links(), 1u);
  EXPECT_EQ(net.acknowledged(net.client()), net.proxy().proxy().counts().charged);
  net.expect_served(net.ask());
}

/// Its cap would stay reserved: the statement that settles what was lost has come before.
TEST_F(ClientRenewal, ARequestThatCostsNothingIsNamedOnTheNewConnectionWhereTheOldOneIsLost) {
  bool named = false;
  net.meddle = [&](Hop& hop) {
    const bool answer = hop.as<wire::Accepted>() || hop.as<wire::Data>() || hop.as<wire::End>();
    if (hop.from.role() == wire::Role::worker && answer) hop.drop();
    if (&hop.to == &net.client() && hop.as<wire::Settlement>()) named = true;
  };
  Asked asked;
  for (int minute = 0; minute < 4 * 60 && net.client().links() < 2; ++minute) {
    asked = net.ask();
    for (int s = 0; s < 60 && net.client().links() < 2; ++s) net.run(Millis(1000));
    if (net.client().links() < 2) net.client().client().cancel(asked.id, net.world.now);
    net.run(Millis(100));
  }
  ASSERT_EQ(net.client().links(), 2u);
  named = false;
  net.forge(net.client(), net.proxy(), wire::GoAway{.reason = "internal_error", .fatal = true});
  net.run(Millis(100));
  EXPECT_TRUE(named);
  EXPECT_FALSE(net.outcome(asked).status);
}

}  // namespace
}  // namespace cocoon::core::test
