/// A hostile proxy between client and worker: what it can do to a sealed request. Nothing that it
/// changed is run, nothing is run twice by one worker, and nothing of it is charged.

#include "unit/core/acts.h"

namespace cocoon::core::test {
namespace {

class HostileProxyRequests : public ::testing::Test {
 protected:
  void SetUp() override { net.boot(); }

  /// No worker has run the request, the client hears that nobody could take it, and pays nothing;
  /// the workers refused with `code`, and take honest requests as before.
  void expect_never_run(const Asked& request, std::string_view code) {
    const RequestOutcome got = net.outcome(request);
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.usage.cost_nano, 0u);
    EXPECT_FALSE(got.charged);
    EXPECT_EQ(net.executions(request), 0u);
    EXPECT_TRUE(net.said(kWorker, code)) << code;
    net.meddle = nullptr;
    net.run(Millis(60'000));  // until the proxy tries the workers again that refused
    net.expect_served(net.ask());
    EXPECT_EQ(net.acknowledged(net.client()), kCost);
  }

  /// One request is served, and recorded as the workers got it.
  Recording record() {
    Recording recording;
    net.meddle = [&](Hop& hop) {
      if (hop.between(kProxy, kWorker)) recording.note(hop);
    };
    asked = net.ask();
    net.expect_served(asked);
    net.meddle = drop_forged;
    return recording;
  }

  /// A request that its worker never gets, recorded on its way there.
  Recording hold_back() {
    Recording recording;
    net.meddle = [&](Hop& hop) {
      if (!hop.between(kProxy, kWorker)) return;
      recording.note(hop);
      if (stream_of(hop.message) != 0) hop.drop();
    };
    asked = net.ask();
    net.run(Millis(200));
    net.meddle = [](Hop& hop) {
      if (hop.between(kProxy, kWorker) && stream_of(hop.message) != 0) hop.drop();
    };
    return recording;
  }

  Network net;
  Asked asked;
};

TEST_F(HostileProxyRequests, AnAlteredHeaderFitsNoWrap) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || !hop.between(kProxy, kWorker)) return;
    auto header = session::decode_request_header(open->header).value();
    header.max_output_tokens += 1;
    open->header = hop.keep(session::encode_request_header(header).value());
  };
  expect_never_run(net.ask(), "bad_wrap");
}

TEST_F(HostileProxyRequests, AHeaderThatIsNoHeaderIsRefused) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open != nullptr && hop.between(kProxy, kWorker)) open->header = open->header.first(100);
  };
  expect_never_run(net.ask(), "bad_request_header");
}

TEST_F(HostileProxyRequests, AnAlteredWrapDoesNotOpen) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || !hop.between(kProxy, kWorker)) return;
    open->wraps[0] = hop.flipped(open->wraps[0], open->wraps[0].size() - 1);
  };
  expect_never_run(net.ask(), "bad_wrap");
}

TEST_F(HostileProxyRequests, SwappedWrapsDoNotOpen) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || !hop.between(kClient, kProxy)) return;
    ASSERT_EQ(open->wraps.size(), 2u);
    std::swap(open->wraps[0], open->wraps[1]);
  };
  expect_never_run(net.ask(), "bad_wrap");
}

TEST_F(HostileProxyRequests, AWrapForAnotherCandidateIsNotOpenedByThisOne) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open != nullptr && hop.between(kProxy, kWorker)) open->first_wrap ^= 1;
  };
  expect_never_run(net.ask(), "unknown_sealing_key");
}

TEST_F(HostileProxyRequests, ACandidateBeyondTheListIsRefused) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open != nullptr && hop.between(kProxy, kWorker)) open->first_wrap = 2;
  };
  expect_never_run(net.ask(), "wrong_candidate");
}

TEST_F(HostileProxyRequests, MoreThanItsOwnWrapIsNotTaken) {
  net.meddle = [](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open != nullptr && hop.between(kProxy, kWorker)) open->wraps.push_back(open->wraps[0]);
  };
  expect_never_run(net.ask(), "wrap_count");
}

TEST_F(HostileProxyRequests, AnAlteredBodyDoesNotOpen) {
  net.meddle = [](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data != nullptr && hop.between(kProxy, kWorker)) {
      data->payload = hop.flipped(data->payload, data->payload.size() / 2);
    }
  };
  expect_never_run(net.ask(), "bad_body_chunk");
}

TEST_F(HostileProxyRequests, ABodyThatLacksItsEndIsNotRun) {
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::Data>() && hop.between(kProxy, kWorker)) hop.drop();
  };
  expect_never_run(net.ask(), "body_truncated");
}

TEST_F(HostileProxyRequests, ARepeatedChunkOfTheBodyIsRefused) {
  net.meddle = [](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data != nullptr && hop.between(kProxy, kWorker)) hop.after(*data);
  };
  expect_never_run(net.ask(), "bad_body_chunk");
}

TEST_F(HostileProxyRequests, ReorderedChunksOfTheBodyAreRefused) {
  Bytes first;
  net.meddle = [&](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data == nullptr || !hop.between(kProxy, kWorker)) return;
    if (first.empty()) {
      first = to_bytes(data->payload);
      return hop.drop();
    }
    hop.after(wire::Data{data->stream, hop.keep(std::exchange(first, {})), std::nullopt});
  };
  const std::string filler(20'000, 'x');
  expect_never_run(
      net.ask(net.client(), R"("max_tokens":64,"metadata":{"filler":")" + filler + R"("})"),
      "bad_body_chunk");
}

TEST_F(HostileProxyRequests, TheBodyOfAnotherRequestDoesNotOpen) {
  const Bytes other = record().first().chunks.at(0);
  net.meddle = [&](Hop& hop) {
    auto* data = hop.as<wire::Data>();
    if (data != nullptr && hop.between(kProxy, kWorker)) data->payload = other;
  };
  const Asked swapped = net.ask();
  EXPECT_FALSE(net.outcome(swapped).status);
  EXPECT_EQ(net.executions(swapped), 0u);
  EXPECT_EQ(net.executions(asked), 1u);
  EXPECT_TRUE(net.said(kWorker, "bad_body_chunk"));
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(HostileProxyRequests, AWorkerRunsNoRequestTwice) {
  const Recording recording = record();
  for (const auto& [key, request] : recording.requests) {
    Node& worker = *net.with(key.first->account());
    send_again(net, net.proxy(), worker, request, kForged, 0, 0);
    EXPECT_TRUE(net.said(worker, "replayed_request"));
  }
  EXPECT_EQ(net.executions(asked), 1u);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(HostileProxyRequests, AWorkerThatIsNoCandidateCannotOpenIt) {
  const Recording recording = record();
  const Node* first = recording.requests.begin()->first.first;
  Node& other = first == &net.worker(0) ? net.worker(1) : net.worker(0);
  // The request names both workers; the wrap of the first is of no use to the other.
  send_again(net, net.proxy(), other, recording.first(), kForged, 1, 0);
  EXPECT_TRUE(net.said(other, "bad_wrap"));
  send_again(net, net.proxy(), other, recording.first(), kForged + 2, 0, 0);
  EXPECT_TRUE(net.said(other, "unknown_sealing_key"));
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST_F(HostileProxyRequests, ARequestGivenToBothCandidatesIsPaidOnce) {
  Recording from_client;
  net.meddle = [&](Hop& hop) {
    if (hop.between(kClient, kProxy)) from_client.note(hop);
  };
  const Asked twice = net.ask();
  net.expect_served(twice);
  net.meddle = drop_forged;
  for (const std::uint8_t candidate : {std::uint8_t{0}, std::uint8_t{1}}) {
    for (const std::size_t w : {0u, 1u}) {
      send_again(net, net.proxy(), net.worker(w), from_client.first(), kForged + 2u * candidate,
                 candidate, candidate);
    }
  }
  // The second candidate cannot know of the first; the client pays for the answer that it got.
  EXPECT_EQ(net.executions(twice), 2u);
  EXPECT_EQ(net.acknowledged(net.client()), kCost);
}

TEST_F(HostileProxyRequests, AReplayAfterItsTimeHasExpired) {
  const Recording recording = record();
  net.run(Millis(700'000));
  Node& worker = *net.with(recording.requests.begin()->first.first->account());
  send_again(net, net.proxy(), worker, recording.first(), kForged, 0, 0);
  EXPECT_TRUE(net.said(worker, "request_expired"));
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST(HostileProxyRequestsOfOthers, ARequestSealedForOneProxyIsNotTakenFromAnother) {
  Network net({.proxies = 2, .workers = 2});
  net.boot();
  Recording recording;
  net.meddle = [&](Hop& hop) {
    if (hop.between(kProxy, kWorker)) recording.note(hop);
  };
  const Asked asked = net.ask();
  net.expect_served(asked);
  net.meddle = drop_forged;
  Node& worker = *net.with(recording.requests.begin()->first.first->account());
  send_again(net, net.proxy(1), worker, recording.first(), kForged, 0, 0);
  EXPECT_TRUE(net.said(worker, "wrong_proxy"));
  EXPECT_EQ(net.executions(asked), 1u);
}

TEST_F(HostileProxyRequests, AProxyThatIsNotAdmittedYetGetsNothingRun) {
  // Recorded while nobody runs it, and given to the worker in the same breath as hello_ack, before
  // the ledger has said whether this proxy is the newest of its account, and before the challenge.
  const Recording recording = hold_back();
  Node& worker = *net.with(recording.requests.begin()->first.first->account());
  const auto request = recording.first();
  bool given = false;
  net.meddle = [&](Hop& hop) {
    drop_forged(hop);
    if (!hop.as<wire::HelloAck>() || &hop.to != &worker || given) return;
    given = true;
    wire::Open open;
    open.stream = kForged;
    open.header = request.header;
    open.wraps = {request.wraps.at(0)};
    open.time_left_ms = 60'000;
    hop.after(open);
    for (const Bytes& chunk : request.chunks) hop.after(wire::Data{kForged, chunk, std::nullopt});
    wire::End end;
    end.stream = kForged;
    hop.after(end);
  };
  net.client().client().cancel(asked.id, net.world.now);  // else it is sent again
  net.proxy().crash();
  net.proxy().boot();
  net.run(Millis(2000));
  ASSERT_TRUE(given);
  EXPECT_TRUE(net.said(worker, "challenge_expected"));
  EXPECT_EQ(net.executions(asked), 0u);
  EXPECT_FALSE(net.outcome(asked).status);
  net.expect_served(net.ask());
}

TEST_F(HostileProxyRequests, AProxyThatTheLedgerHasNotConfirmedGetsNothingRun) {
  // It has answered the challenge; whether it is the newest of its account, the worker does not
  // know yet.
  const Recording recording = hold_back();
  Node& worker = *net.with(recording.requests.begin()->first.first->account());
  const auto request = recording.first();
  net.client().client().cancel(asked.id, net.world.now);  // else it is sent again
  EXPECT_FALSE(net.outcome(asked).status);

  bool answered = false;
  net.meddle = [&](Hop& hop) {
    answered = answered || (hop.as<wire::Evidence>() && &hop.to == &worker);
    drop_forged(hop);
  };
  net.world.weather.ledger_low = net.world.weather.ledger_high = Millis(5000);
  net.proxy().crash();
  net.proxy().boot();
  for (int i = 0; i < 1000 && !answered; ++i) net.run(Millis(10));
  ASSERT_TRUE(answered);
  net.run(Millis(10));  // the worker has found the answer good by then
  send_again(net, net.proxy(), worker, request, kForged, 0, 0);
  EXPECT_TRUE(net.said(worker, "proxy_not_admitted"));
  EXPECT_EQ(net.executions(asked), 0u);
  net.run(Millis(60'000));  // until the ledger has answered all
  net.expect_served(net.ask());
}

}  // namespace
}  // namespace cocoon::core::test
