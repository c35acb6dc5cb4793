/// A hostile proxy between worker and client: what it can do to a sealed answer. The client takes
/// nothing that the worker did not say, and its other requests do not notice.

#include "unit/core/acts.h"

namespace cocoon::core::test {
namespace {

class HostileProxyAnswers : public ::testing::Test {
 protected:
  void SetUp() override { net.boot(); }

  /// The answer's data frames to the client on their way, for the first request of the two that
  /// expect_bad() asks.
  void on_chunk(const std::function<void(Hop&, wire::Data&)>& act) {
    net.meddle = [this, act](Hop& hop) {
      if (!hop.between(kProxy, kClient)) return;
      if (victim_ == 0 && hop.as<wire::Accepted>()) victim_ = stream_of(hop.message);
      auto* data = hop.as<wire::Data>();
      if (data != nullptr && data->stream == victim_) act(hop, *data);
    };
  }

  /// The first request ends by this error; the other, which runs beside it, is served.
  void expect_bad(ErrorKind kind, std::string_view code) {
    const Asked victim = net.ask();
    net.run(Millis(60));
    const Asked other = net.ask();
    net.expect_refused(victim, kind, code);
    net.expect_served(other);
    EXPECT_EQ(net.executions(victim), 1u) << "what was accepted is not run again";
  }

  Network net;

 private:
  wire::StreamId victim_ = 0;
};

TEST_F(HostileProxyAnswers, AnAlteredChunkEndsTheRequest) {
  on_chunk([](Hop& hop, wire::Data& data) { data.payload = hop.flipped(data.payload, 60); });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, ADroppedChunkIsMissed) {
  unsigned n = 0;
  on_chunk([&](Hop& hop, wire::Data&) {
    if (n++ == 1) hop.drop();
  });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, ARepeatedChunkIsRefused) {
  unsigned n = 0;
  on_chunk([&](Hop& hop, wire::Data& data) {
    if (n++ == 1) hop.after(data);
  });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, ReorderedChunksAreRefused) {
  unsigned n = 0;
  Bytes held;
  on_chunk([&](Hop& hop, wire::Data& data) {
    if (n++ == 1) {
      held = to_bytes(data.payload);
      hop.drop();
    } else if (n == 3) {
      hop.after(wire::Data{data.stream, held, std::nullopt});
    }
  });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, ACutChunkIsRefused) {
  on_chunk(
      [](Hop&, wire::Data& data) { data.payload = data.payload.first(data.payload.size() - 1); });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, AChunkOfItsOwnMakingIsRefused) {
  on_chunk([](Hop& hop, wire::Data& data) {
    data.payload = hop.keep(Bytes(data.payload.size(), 0x2a));
  });
  expect_bad(ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, AnAnswerThatEndsEarlyIsTruncated) {
  bool ended = false;
  on_chunk([&](Hop& hop, wire::Data& data) {
    if (std::exchange(ended, true)) return hop.drop();
    wire::End end;
    end.stream = data.stream;
    hop.after(end);
  });
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::protocol, "answer_truncated");
}

TEST_F(HostileProxyAnswers, TheAnswersOfTwoRequestsAreNotExchanged) {
  std::map<wire::StreamId, wire::StreamId> other{{1, 3}, {3, 1}};
  unsigned accepted = 0;
  std::set<wire::StreamId> swapped;
  net.meddle = [&](Hop& hop) {
    if (!hop.between(kProxy, kClient)) return;
    if (hop.as<wire::Accepted>()) ++accepted;
    auto* data = hop.as<wire::Data>();
    if (data != nullptr && accepted == 2 && swapped.insert(data->stream).second) {
      data->stream = other[data->stream];  // once each way; what follows is out of order
    }
  };
  const Asked one = net.ask();
  const Asked two = net.ask();
  net.expect_refused(one, ErrorKind::upstream, "bad_answer");
  net.expect_refused(two, ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, AnAnswerIsOnlyOpenedAsThatOfTheCandidateThatWasNamed) {
  net.meddle = [](Hop& hop) {
    auto* accepted = hop.as<wire::Accepted>();
    if (accepted != nullptr && hop.between(kProxy, kClient)) accepted->candidate ^= 1;
  };
  net.expect_refused(net.ask(), ErrorKind::upstream, "bad_answer");
}

TEST_F(HostileProxyAnswers, ACandidateThatTheRequestWasNotSealedForIsRefused) {
  net.meddle = [](Hop& hop) {
    auto* accepted = hop.as<wire::Accepted>();
    if (accepted != nullptr && hop.between(kProxy, kClient)) accepted->candidate = 2;
  };
  net.expect_refused(net.ask(), ErrorKind::protocol, "wrong_candidate");
}

TEST_F(HostileProxyAnswers, AnAnswerOnBehalfOfAWorkerThatNeverGotTheRequestIsRefused) {
  net.meddle = [&](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (!hop.between(kClient, kProxy) || stream_of(hop.message) == 0) return;
    hop.drop();
    if (open == nullptr) return;
    net.forge(hop.to, hop.from, wire::Accepted{open->stream, 0});
    const Bytes made_up(344, 7);
    net.forge(hop.to, hop.from, wire::Data{open->stream, made_up, std::nullopt});
  };
  const Asked asked = net.ask();
  const RequestOutcome got = net.outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code(), "bad_answer");
  EXPECT_EQ(net.text(asked), "");
  EXPECT_EQ(net.executions(asked), 0u);
}

TEST_F(HostileProxyAnswers, WhatComesAfterACancelIsDropped) {
  const Asked asked = net.ask();
  net.run(Millis(100));
  const std::string before = net.text(asked);
  EXPECT_FALSE(before.empty());
  net.client().client().cancel(asked.id, net.world.now);
  // The proxy goes on as if it had not heard.
  net.meddle = [](Hop& hop) {
    if (hop.between(kClient, kProxy) && hop.as<wire::Reset>()) hop.drop();
  };
  const RequestOutcome got = net.outcome(asked);
  EXPECT_EQ(got.status.error().code(), "cancelled");
  net.run(Millis(2000));
  EXPECT_EQ(net.text(asked), before);
  net.meddle = nullptr;
  net.expect_served(net.ask());
}

TEST_F(HostileProxyAnswers, AProxyCannotSendCallersAwayForWeeks) {
  net.meddle = [](Hop& hop) {
    auto* candidates = hop.as<wire::Candidates>();
    if (candidates == nullptr || !hop.between(kProxy, kClient)) return;
    candidates->workers.clear();
    candidates->retry_after_ms = 0xffffffff;
  };
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::busy, "no_worker_free");
  EXPECT_GE(net.outcome(asked).retry_after_s, 1u);
  EXPECT_LE(net.outcome(asked).retry_after_s, limits::kMaxRetryAfter.count() / 1000);
}

TEST_F(HostileProxyAnswers, NorByAReset) {
  net.meddle = [](Hop& hop) {
    if (hop.between(kClient, kProxy) && stream_of(hop.message) != 0) hop.drop();
  };
  const Asked asked = net.ask();
  net.run(Millis(100));
  wire::Reset reset;
  reset.stream = 1;
  reset.kind = static_cast<std::uint8_t>(ErrorKind::payment);
  reset.code = "deposit_exhausted";
  reset.retry_after_ms = 0xffffffff;
  net.forge(net.proxy(), net.client(), reset);
  net.expect_refused(asked, ErrorKind::payment, "deposit_exhausted");
  EXPECT_LE(net.outcome(asked).retry_after_s, limits::kMaxRetryAfter.count() / 1000);
}

}  // namespace
}  // namespace cocoon::core::test
