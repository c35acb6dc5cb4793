/// A new version of the registry reaches the nodes one after the other. Requests of the meantime
/// are served by prices that all of them honour, and one that runs keeps the prices that it began
/// by.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

class RegistryVersions : public ::testing::Test {
 protected:
  RegistryVersions() {
    net.boot();
    next = net.world.registry();
    ++next.version;
    next.effective = std::chrono::time_point_cast<Seconds>(net.world.now.unix);
    next.price_grace = Seconds(3600);
    next.prices.per_token = Nano{2 * next.prices.per_token.value};
  }

  void adopt(Node& node) {
    Status status = ok();
    switch (node.role()) {
      case wire::Role::client: status = node.client().on_registry(next, net.world.now); break;
      case wire::Role::proxy: status = node.proxy().on_registry(next, net.world.now); break;
      case wire::Role::worker: status = node.worker().on_registry(next, net.world.now); break;
    }
    EXPECT_TRUE(status) << status.error().detail();
    node.turn();
  }
  /// All who read the ledger in time have read it by then.
  void wait() { net.run(limits::kTonRegistryPoll + Seconds(1)); }
  Nano cost(const Asked& asked) {
    const RequestOutcome outcome = net.outcome(asked);
    EXPECT_TRUE(outcome.status) << outcome.status.error().detail();
    return Nano{outcome.usage.cost_nano};
  }
  bool refused(const Node& node) const { return net.said(node, "registry_version_unknown"); }

  Network net;
  billing::Registry next;
  const Nano new_cost{2 * kCost.value};
};

TEST_F(RegistryVersions, WhoIsFirstToReadOneUsesTheOneBeforeForAWhile) {
  adopt(net.client());
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_FALSE(refused(net.proxy()));
}

TEST_F(RegistryVersions, AWorkerHoldsABodyToTheAllowanceOfItsHeadersVersion) {
  for (auto& model : next.models) model.template_allowance_tokens += 2'000;
  adopt(net.worker(0));
  adopt(net.worker(1));
  net.expect_served(net.ask());
}

TEST_F(RegistryVersions, OnceAllHaveReadItItsPricesApply) {
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  wait();
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AProxyThatIsLateIsAskedByThePricesOfBefore) {
  adopt(net.client());
  wait();
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_TRUE(refused(net.proxy()));
  EXPECT_EQ(cost(net.ask()), kCost);
}

TEST_F(RegistryVersions, AProxyThatSaysSoAtItsHelloIsNotAskedInVain) {
  adopt(net.client());
  wait();
  net.proxy().crash();
  net.run(Millis(100));
  net.proxy().boot();
  net.run(Seconds(1));
  EXPECT_EQ(cost(net.ask()), kCost);
  EXPECT_FALSE(refused(net.proxy()));
}

TEST_F(RegistryVersions, WhereFormerPricesHaveEndedALateProxyMeansTryingAgainSoon) {
  next.price_grace = Seconds(0);
  adopt(net.client());
  wait();
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::unavailable, "registry_version_unknown");
  EXPECT_EQ(net.outcome(asked).retry_after_s, limits::kTonRegistryPoll.count());
  EXPECT_EQ(net.executions(asked), 0u);
  adopt(net.proxy());
  adopt(net.worker(0));
  adopt(net.worker(1));
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AWorkerThatIsLateIsPassedOverForAnother) {
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0)}) adopt(*node);
  wait();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(cost(net.ask()), new_cost);
  EXPECT_TRUE(refused(net.worker(1))) << "the test wants one to have been offered to it first";
}

TEST_F(RegistryVersions, WhatRunsWhenFormerPricesEndIsPaidByThem) {
  net.world.weather.chunk_gap = Millis(1000);
  const Asked asked = net.ask();
  net.run(Millis(1000));
  ASSERT_EQ(net.executions(asked), 1u);
  next.price_grace = Seconds(2);
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  EXPECT_EQ(cost(asked), kCost);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(RegistryVersions, AVerdictByTheRulesOfBeforeDoesNotCountForTheNewOnes) {
  net.world.weather.latency_low = net.world.weather.latency_high = Millis(0);
  const auto remove_their_images = [&] {
    for (Node* worker : {&net.worker(0), &net.worker(1)}) {
      ports::VerifiedEvidence other = *worker->evidence();
      other.certificate.push_back(0);  // verifiers refuse what it shows
      worker->show_evidence(std::move(other));
    }
  };
  bool seen = false;
  net.meddle = [&](Hop& hop) {
    const bool shown =
        hop.as<wire::Evidence>() && hop.between(wire::Role::proxy, wire::Role::client);
    if (!shown || std::exchange(seen, true)) return;
    // While that is being verified, a new version comes, by which the same is asked for again; the
    // answers come in the order of the questions.
    net.world.after(Millis(1), [&] {
      for (Node* node : {&net.proxy(), &net.worker(0), &net.worker(1), &net.client()}) adopt(*node);
      net.world.after(Millis(1), remove_their_images);
    });
  };
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 0u);
  ASSERT_TRUE(seen);
}

/// The client adopts a registry by which some workers are not accepted any more; the proxy, and so
/// its workers, go on as if nothing had happened.
class RemovedImages : public RegistryVersions {
 protected:
  RemovedImages() {
    net.world.weather.chunk_gap = Millis(1000);
    net.world.weather.chunks = 300;
  }

  /// Verifiers refuse what that worker has shown.
  static void remove_image(Node& worker) {
    ports::VerifiedEvidence other = *worker.evidence();
    other.certificate.push_back(0);
    worker.show_evidence(std::move(other));
  }
  Node& other(const Node& worker) { return net.worker(&worker == &net.worker(0) ? 1 : 0); }
  /// The worker that runs what was asked.
  Node& busy() { return net.worker(net.worker(0).worker().counts().running == 1 ? 0 : 1); }
  void remove_images() {
    remove_image(net.worker(0));
    remove_image(net.worker(1));
  }
  /// A stream of five minutes, of which some has come.
  Asked ask_long() {
    const Asked asked = net.ask(net.client(), R"("max_tokens":400)");
    net.run(Seconds(5));
    EXPECT_FALSE(net.text(asked).empty());
    return asked;
  }
  /// A request that a worker is about to be offered, and to accept; before the client hears that,
  /// `what` happens, and it adopts the registry.
  Asked ask_and_adopt(const std::function<void(Node& worker)>& what) {
    net.world.weather.latency_low = net.world.weather.latency_high = Millis(20);
    net.meddle = [this, what, seen = false](Hop& hop) mutable {
      const bool offered =
          hop.as<wire::Open>() && hop.between(wire::Role::proxy, wire::Role::worker);
      if (!offered || std::exchange(seen, true)) return;
      net.world.after(Millis(1), [this, what, &worker = hop.to] {
        what(worker);
        adopt(net.client());
      });
    };
    return net.ask();
  }
  /// It ends by the client, for want of a worker that it accepts.
  void expect_ended(const Asked& asked, Millis within) {
    const MonoTime from = net.world.now.mono;
    const RequestOutcome got = net.outcome(asked);
    EXPECT_LE(net.world.now.mono - from, within);
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.status.error().kind(), ErrorKind::attestation);
    EXPECT_EQ(got.status.error().code(), "worker_refused");
    EXPECT_TRUE(net.said(net.client(), "worker_refused"));
  }
};

TEST_F(RemovedImages, AStreamEndsWhoseWorkerIsNoLongerAccepted) {
  const Asked asked = ask_long();
  remove_image(busy());
  adopt(net.client());
  expect_ended(asked, Seconds(2));
  const std::string text = net.text(asked);
  net.run(Seconds(30));
  EXPECT_EQ(net.text(asked), text);
}

TEST_F(RemovedImages, WhatHadComeIsPaidAsACutIs) {
  const Asked asked = ask_long();
  remove_images();
  adopt(net.client());
  EXPECT_TRUE(net.outcome(asked).charged);
  net.run(Seconds(5));
  const Nano paid = net.acknowledged(net.client());
  EXPECT_GE(paid, Nano{20 * (1 + 3 * 8)});
  EXPECT_LE(paid, Nano{20 * (64 + 10 * 8)});
  EXPECT_EQ(net.client().client().spent(), paid);
}

TEST_F(RemovedImages, AStreamOfAnotherImageGoesOn) {
  net.world.weather.chunks = 30;
  const Asked asked = ask_long();
  remove_image(other(busy()));
  adopt(net.client());
  EXPECT_TRUE(net.outcome(asked).status) << net.outcome(asked).status.error().detail();
}

TEST_F(RemovedImages, WhoCannotBeJudgedInTimeIsNotAccepted) {
  const Asked asked = ask_long();
  net.world.verifiers_busy = true;
  adopt(net.client());
  net.run(limits::kEvidenceReview - Seconds(5));
  const std::string text = net.text(asked);
  net.run(Seconds(2));
  EXPECT_NE(net.text(asked), text) << "until then it may go on";
  expect_ended(asked, Seconds(3));
}

TEST_F(RemovedImages, WhoCannotBeJudgedAtOnceIsJudgedAgain) {
  const Asked asked = ask_long();
  net.world.verifiers_busy = true;
  adopt(net.client());
  net.run(Seconds(5));
  net.world.verifiers_busy = false;
  net.run(limits::kEvidenceReview);
  const std::string text = net.text(asked);
  net.run(Seconds(5));
  EXPECT_NE(net.text(asked), text) << "it passes";
  remove_images();
  ++next.version;
  adopt(net.client());
  expect_ended(asked, Seconds(2));
}

TEST_F(RemovedImages, AVerdictByTheRulesOfBeforeSavesNoStream) {
  const Asked asked = ask_long();
  adopt(net.client());
  // The first answer, which comes before the images are removed, is on its way by then.
  net.world.after(Millis(1), [this] {
    ++next.version;
    adopt(net.client());
    net.world.after(Millis(1), [this] { remove_images(); });
  });
  expect_ended(asked, Seconds(2));
}

TEST_F(RemovedImages, ARequestEndsThatNobodyElseMayAccept) {
  const Asked asked = ask_and_adopt([this](Node&) { remove_images(); });
  expect_ended(asked, Seconds(2));
}

TEST_F(RemovedImages, AnAcceptanceByOneOfThemEndsTheRequest) {
  const Asked asked = ask_and_adopt([](Node& worker) { remove_image(worker); });
  expect_ended(asked, Seconds(2));
  EXPECT_EQ(net.text(asked), "");
}

TEST_F(RemovedImages, AnAcceptanceByAnotherCandidateCounts) {
  net.world.weather.chunks = 8;
  const Asked asked = ask_and_adopt([this](Node& worker) { remove_image(other(worker)); });
  net.expect_served(asked);
}

TEST_F(RegistryVersions, AProxyThatIsTakenOutIsLeftByClientsAndWorkers) {
  next.proxies.clear();  // an empty list lists nobody
  const Asked asked = net.ask();
  for (int i = 0; i < 1000 && net.executions(asked) == 0; ++i) net.run(Millis(1));
  for (Node* node : {&net.client(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(30));
  EXPECT_FALSE(net.outcome(asked).status) << "what runs there does not go on";
  EXPECT_FALSE(net.client().client().ready());
  EXPECT_NE(net.problem(net.client()).find("does not list proxy"), std::string::npos);
  for (Node* node : {&net.worker(0), &net.worker(1)}) {
    EXPECT_EQ(node->worker().counts().proxies_connected, 0u);
    EXPECT_NE(node->worker().counts().proxy_reason.find("does not list proxy"), std::string::npos);
  }
  EXPECT_FALSE(net.outcome(net.ask()).status);
}

TEST_F(RegistryVersions, AProxyThatIsListedAgainIsUsedAgain) {
  const auto listed = std::exchange(next.proxies, {});
  for (Node* node : {&net.client(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(30));
  ++next.version;
  next.proxies = listed;
  for (Node* node : {&net.client(), &net.proxy(), &net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(limits::kReconnectLongest);
  EXPECT_EQ(cost(net.ask()), new_cost);
}

TEST_F(RegistryVersions, AWorkerCashesWhatAProxyOwesThatIsTakenOut) {
  net.expect_served(net.ask());
  net.run(Seconds(3));
  next.proxies.clear();
  for (Node* node : {&net.worker(0), &net.worker(1)}) adopt(*node);
  net.run(Seconds(3));
  const auto proxies = net.world.ledger->proxies();
  ASSERT_EQ(proxies->size(), 1u);
  const Nano share = billing::worker_share(kCost, next.prices.worker_share_e4);
  const auto& paid = proxies->front().paid;
  ASSERT_EQ(paid.size(), 1u);
  EXPECT_EQ(paid.begin()->second, share);
}

/// Nodes that name no proxies themselves.
class FollowedRegistry : public RegistryVersions {
 protected:
  FollowedRegistry() {
    net.world.endpoints.clear();
    for (Node* node : nodes) {
      node->crash();
      node->boot();
    }
    net.run(Seconds(1));
  }
  void adopt_next() {
    ++next.version;
    for (Node* node : nodes) adopt(*node);
  }

  const std::vector<Node*> nodes{&net.client(), &net.worker(0), &net.worker(1)};
};

TEST_F(FollowedRegistry, AProxyThatIsListedLaterIsUsed) {
  const auto listed = std::exchange(next.proxies, {});
  adopt_next();
  net.run(Seconds(1));
  EXPECT_EQ(net.problem(net.client()), "no proxy is configured, and the registry lists none");
  next.proxies = listed;
  adopt_next();
  net.run(Seconds(1));
  EXPECT_TRUE(net.client().client().ready());
  for (Node* worker : {&net.worker(0), &net.worker(1)}) {
    EXPECT_EQ(worker->worker().counts().proxies_connected, 1u);
  }
}

TEST_F(FollowedRegistry, AnEndpointThatIsNoLongerListedIsLeftAlone) {
  net.proxy().crash();
  net.run(Seconds(10));
  next.proxies.front().endpoint = "elsewhere:1";
  adopt_next();
  net.run(limits::kReconnectLongest);
  net.proxy().boot();
  const unsigned connections = net.world.connections;
  net.run(limits::kReconnectLongest * 3);
  EXPECT_EQ(net.world.connections, connections);
}

}  // namespace
}  // namespace cocoon::core::test
