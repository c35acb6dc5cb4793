/// A hostile client's requests: the worker, who alone sees the body, runs nothing that the header
/// does not pay for; proxy and worker run nothing that the channel does not pay for.

#include "codec/json.h"
#include "unit/core/acts.h"
#include "unit/core/rogue_client.h"

namespace cocoon::core::test {
namespace {

/// A hostile client beside an honest one.
class HostileClient : public ::testing::Test {
 protected:
  HostileClient() : net({.clients = 2}) {}
  void SetUp() override {
    for (std::size_t i : {0, 1}) {
      if (i == 0) net.proxy().boot();
      net.worker(i).boot();
    }
    net.run(Millis(100));
    rogue = &boot_rogue_client(net, net.client(0));
    net.client(1).boot();
    net.run(Millis(200));
    ASSERT_EQ(rogue->recipients.size(), 2u);
  }
  void fund() {
    rogue->send_voucher(Nano{0}, kEnough);
    net.run(Millis(50));
  }

  /// Refused with `code` by worker or proxy; not run, not charged; the honest client is served.
  void expect_refused(wire::StreamId stream, std::string_view code) {
    net.run(Millis(2000));
    EXPECT_FALSE(rogue->ended) << rogue->ended->detail();
    EXPECT_TRUE(rogue->resets.contains(stream));
    EXPECT_TRUE(net.said(kWorker, code) || net.said(kProxy, code))
        << code << "; the client heard " << rogue->resets[stream];
    EXPECT_EQ(net.world.executions["rogue"], 0u);
    EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{0});
    EXPECT_EQ(net.proxy().proxy().counts().running, 0u);
    for (const std::size_t i : {0u, 1u}) {
      EXPECT_EQ(net.success_rate(net.worker(i)), 1) << "a client's own fault was held against it";
    }
    net.expect_served(net.ask(net.client(1)));
  }

  Network net;
  RogueClient* rogue = nullptr;
};

TEST_F(HostileClient, IsServedWhileItIsHonest) {
  fund();
  const auto stream = rogue->request();
  net.run(Millis(2000));
  EXPECT_EQ(rogue->ends[stream], kCost);
}

// --- Header against body ---

struct BodyLie {
  const char* name;
  std::string_view code;
  std::function<void(session::RequestHeader&)> header;
  std::string body;
};

std::string body_with(std::string_view fields) {
  std::string body = RogueClient::body();
  body.pop_back();
  return body + "," + std::string(fields) + "}";
}

std::vector<BodyLie> body_lies() {
  const auto same = [](session::RequestHeader&) {};
  return {
      {"Model", "model_mismatch", same,
       R"({"model":"sim/better","max_tokens":64,"user":"rogue","messages":[]})"},
      {"ModelTwice", "json_duplicate_key", same, body_with(R"("model":"sim/model")")},
      {"LimitTwice", "json_duplicate_key", same, body_with(R"("max_tokens":1)")},
      {"MoreChoices", "choices_over_header", same, body_with(R"("n":2)")},
      {"MorePromptThanPaidFor", "prompt_over_header",
       [](session::RequestHeader& h) { h.prompt_bound_tokens = 100; }, RogueClient::body()},
      {"NoOutputPaidFor", "no_output_paid",
       [](session::RequestHeader& h) { h.max_output_tokens = 0; }, RogueClient::body()},
      {"OutputOfNothing", "bad_max_tokens", same, body_with(R"("max_new_tokens":0)")},
      {"OtherLetters", "bad_member_name", same, body_with(R"("Max_Tokens":1000000)")},
      {"BytesForNumbers", "bad_encoding_format",
       [](session::RequestHeader& h) { h.endpoint = session::Endpoint::embeddings; },
       R"({"model":"sim/model","user":"rogue","input":"x","encoding_format":"bytes"})"},
      {"NoJson", "json_invalid", same, "{"},
      {"NotAnObject", "body_not_object", same, "[]"},
      {"Store", "store_not_allowed", same, body_with(R"("store":true)")},
  };
}

class HostileBody : public HostileClient, public ::testing::WithParamInterface<BodyLie> {};

TEST_P(HostileBody, IsNotRun) {
  fund();
  auto header = rogue->header();
  GetParam().header(header);
  expect_refused(rogue->request(header, GetParam().body), GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(All, HostileBody, ::testing::ValuesIn(body_lies()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(HostileClient, ABodyOfAnotherSizeThanTheHeaderSaysIsRefused) {
  fund();
  net.meddle = [this](Hop& hop) {
    // The client itself announces less than it seals.
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || &hop.from != &net.client(0)) return;
    auto header = session::decode_request_header(open->header).value();
    header.padded_body_length = 2048;
    open->header = hop.keep(session::encode_request_header(header).value());
  };
  expect_refused(rogue->request(), "bad_body_chunk");
}

TEST_F(HostileClient, AnotherHeaderThanTheSealedOneIsRefused) {
  fund();
  net.meddle = [this](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || &hop.from != &net.client(0)) return;
    auto header = session::decode_request_header(open->header).value();
    --header.max_output_tokens;
    open->header = hop.keep(session::encode_request_header(header).value());
  };
  expect_refused(rogue->request(), "bad_wrap");  // the header is what everything is bound to
}

TEST_F(HostileClient, EmbeddingsAsAStreamAreServedAsEmbeddings) {
  fund();
  auto header = rogue->header();
  header.endpoint = session::Endpoint::embeddings;
  const auto stream =
      rogue->request(header, R"({"model":"sim/model","stream":true,"user":"rogue","input":"x"})");
  net.run(Millis(2000));
  EXPECT_TRUE(rogue->ends.contains(stream)) << rogue->resets[stream];
  EXPECT_EQ(net.proxy().proxy().counts().charged, Nano{20 * 7});
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(net.success_rate(net.worker(i)), 1);
}

TEST_F(HostileClient, BadRequestsInARowAreNotHeldAgainstWorkers) {
  fund();
  auto header = rogue->header();
  header.cost_cap = Nano{100};
  for (int i = 0; i < 4; ++i) {
    rogue->request(header, RogueClient::body());
    rogue->request(rogue->header(), "{");
    net.run(Millis(100));
  }
  expect_refused(rogue->request(header, RogueClient::body()), "cap_too_low");
}

TEST_F(HostileClient, OneBodyThatAnEngineCannotTakeIsNotHeldAgainstWorkers) {
  net.world.weather.engine_status = 500;
  fund();
  for (int i = 0; i < 10; ++i) {
    rogue->request();
    net.run(Millis(500));
  }
  EXPECT_EQ(net.world.executions["rogue"], 10u);
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(net.success_rate(net.worker(i)), 1);
}

/// Workers that let no proxy owe them much: what a client writes into a header for nothing must not
/// use that up, nor make them rest.
class LittleCredit : public HostileClient {
 protected:
  LittleCredit() { net.world.max_unpaid = Nano{50'000}; }
  static constexpr Nano kHighCap{1'000'000};
};

TEST_F(LittleCredit, IsNotUsedUpByACap) {
  fund();
  auto header = rogue->header();
  header.cost_cap = kHighCap;
  const auto stream = rogue->request(header, RogueClient::body());
  net.run(Millis(2000));
  EXPECT_EQ(rogue->ends[stream], kCost) << rogue->resets[stream];
}

TEST_F(LittleCredit, LetsNobodyRestForARequestThatItCannotCover) {
  fund();
  auto header = rogue->header();
  header.cost_cap = kHighCap;
  header.max_output_tokens = 4000;
  expect_refused(rogue->request(header, RogueClient::body()), "over_max_unpaid");
  const auto stream = rogue->request(header, RogueClient::body());
  net.run(Millis(100));
  ASSERT_EQ(rogue->resets[stream], "over_max_unpaid");
  const Asked asked = net.ask(net.client(1));
  net.run(Millis(500));
  EXPECT_EQ(net.executions(asked), 1u) << "workers rest for a second";
}

/// What an engine has to be told that knows no name but its endpoint's own.
struct StatedLimit {
  const char* name;
  session::Endpoint endpoint;
  const char* fields;  ///< of the body
  std::uint64_t told;
};
constexpr auto kChatBody = session::Endpoint::chat_completions;
constexpr auto kResponsesBody = session::Endpoint::responses;

class HostileLimit : public HostileClient, public ::testing::WithParamInterface<StatedLimit> {};

TEST_P(HostileLimit, TheEngineIsToldWhereTheReservationEnds) {
  fund();
  const StatedLimit& limit = GetParam();
  auto header = rogue->header();
  header.endpoint = limit.endpoint;
  const auto stream =
      rogue->request(header, R"({"model":"sim/model","stream":true,"user":"rogue",)" +
                                 std::string(limit.fields) + R"("messages":[]})");
  net.run(Millis(2000));
  ASSERT_TRUE(rogue->ends.contains(stream)) << rogue->resets[stream];
  ASSERT_EQ(net.world.engine_bodies.size(), 1u);
  const auto given = json::Document::parse(net.world.engine_bodies[0]);
  ASSERT_TRUE(given) << net.world.engine_bodies[0];
  const auto root = given->root();
  const char* own = limit.endpoint == kChatBody ? "max_tokens" : "max_output_tokens";
  EXPECT_EQ(root.find(own).as_u64(), limit.told) << net.world.engine_bodies[0];
  for (const char* alias : {"max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict",
                            "max_new_tokens"}) {
    EXPECT_EQ(bool(root.find(alias)), std::string_view(alias) == own) << net.world.engine_bodies[0];
  }
  if (limit.endpoint == kChatBody) {
    EXPECT_TRUE(root.find("stream_options").find("include_usage").as_bool().value_or(false));
  }
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileLimit,
    ::testing::Values(
        StatedLimit{"None", kChatBody, "", 64},
        StatedLimit{"Own", kChatBody, R"("max_tokens":1000000,)", 64},
        StatedLimit{"Null", kChatBody, R"("max_tokens":null,)", 64},
        StatedLimit{"Completion", kChatBody, R"("max_completion_tokens":1000000,)", 64},
        StatedLimit{"Output", kChatBody, R"("max_output_tokens":1,)", 1},
        StatedLimit{"Predict", kChatBody, R"("n_predict":1000000,)", 64},
        StatedLimit{"New", kChatBody, R"("max_new_tokens":1,)", 1},
        StatedLimit{"NewIsNull", kChatBody, R"("max_new_tokens":null,)", 64},
        StatedLimit{"OfResponses", kResponsesBody, R"("max_output_tokens":1000000,)", 64},
        StatedLimit{"AChatsOfResponses", kResponsesBody, R"("max_tokens":1,)", 1},
        StatedLimit{"NewOfResponses", kResponsesBody, R"("max_new_tokens":1000000,)", 64}),
    [](const auto& param) { return std::string(param.param.name); });

// --- Header against registry, proxy and price ---

struct HeaderLie {
  const char* name;
  wire::Role by;  ///< who has to refuse; a worker hears of nothing that the proxy can see
  std::string_view code;
  std::function<void(session::RequestHeader&)> edit;
};

class HostileHeader : public HostileClient, public ::testing::WithParamInterface<HeaderLie> {};

TEST_P(HostileHeader, IsRefused) {
  fund();
  auto header = rogue->header();
  GetParam().edit(header);
  expect_refused(rogue->request(header, RogueClient::body()), GetParam().code);
  EXPECT_EQ(net.said(kWorker, GetParam().code), GetParam().by == kWorker);
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileHeader,
    ::testing::Values(HeaderLie{"Network", kProxy, "wrong_network",
                                [](session::RequestHeader& h) { h.network.bytes[0] ^= 1; }},
                      HeaderLie{"Proxy", kProxy, "wrong_proxy",
                                [](session::RequestHeader& h) { h.proxy.bytes[0] ^= 1; }},
                      HeaderLie{"Expired", kProxy, "request_expired",
                                [](session::RequestHeader& h) { h.not_after -= Seconds(400); }},
                      HeaderLie{"TooFarAhead", kProxy, "not_after_too_far",
                                [](session::RequestHeader& h) { h.not_after += Seconds(400); }},
                      HeaderLie{"UnknownModel", kProxy, "model_not_found",
                                [](session::RequestHeader& h) { h.model = "sim/better"; }},
                      HeaderLie{"CapBelowTheReservation", kWorker, "cap_too_low",
                                [](session::RequestHeader& h) { h.cost_cap = Nano{100}; }},
                      HeaderLie{
                          "CapAboveWhatIsAuthorised", kProxy, "not_authorised",
                          [](session::RequestHeader& h) { h.cost_cap = Nano{kEnough.value + 1}; }},
                      HeaderLie{"CapAboveTheDeposit", kProxy, "deposit_exhausted",
                                [](session::RequestHeader& h) { h.cost_cap = kMaxNano; }},
                      HeaderLie{"CoefficientBelowTheWorkers", kProxy, "no_candidate_free",
                                [](session::RequestHeader& h) { h.max_coefficient_e3 = 1; }},
                      HeaderLie{"FutureRegistry", kProxy, "registry_version_unknown",
                                [](session::RequestHeader& h) { h.registry_version += 1000; }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(HostileClient, ACandidateThatIsNoWorkerIsGivenNothing) {
  fund();
  const crypto::X25519Key own = crypto::X25519Key::generate(net.world.random);
  for (auto& recipient : rogue->recipients) recipient.sealing_key = own.public_key();
  rogue->recipients.resize(1);
  expect_refused(rogue->request(), "no_candidate_free");
}

TEST_F(HostileClient, TooManyCandidatesAreRefused) {
  fund();
  net.meddle = [this](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open == nullptr || &hop.from != &net.client(0)) return;
    Bytes header = to_bytes(open->header);
    // The count of candidates stands before them and the model's name.
    const std::size_t names = 2 + std::string_view("sim/model").size();
    const std::size_t count_at = header.size() - names - 2 * 32 - 1;
    ASSERT_EQ(header[count_at], 2);
    header[count_at] = 5;
    const Bytes more(3 * 32, 9);
    header.insert(header.begin() + static_cast<std::ptrdiff_t>(count_at) + 1, more.begin(),
                  more.end());
    open->header = hop.keep(std::move(header));
  };
  expect_refused(rogue->request(), "bad_request_header");
}

TEST_F(HostileClient, WrapsHaveToMatchTheCandidates) {
  fund();
  net.meddle = [this](Hop& hop) {
    auto* open = hop.as<wire::Open>();
    if (open != nullptr && &hop.from == &net.client(0)) open->wraps.pop_back();
  };
  expect_refused(rogue->request(), "wrap_count");
}

TEST_F(HostileClient, ARequestWithoutTimeLeftIsRefusedBeforeItsBodyComes) {
  fund();
  rogue->time_left_ms = 0;
  rogue->most_chunks = 0;
  const auto stream = rogue->request();
  net.run(Millis(100));
  EXPECT_EQ(rogue->resets[stream], "deadline_exceeded");
  EXPECT_EQ(net.proxy().proxy().counts().requests_refused, 1u);
  EXPECT_EQ(net.proxy().proxy().counts().running, 0u);
}

TEST_F(HostileClient, RequestsThatCandidatesRefuseForTheirFaultDoNotComeBackToThem) {
  fund();
  rogue->pay_at_most(1);  // as long as it would pay none that is free, its requests may wait
  net.run(Millis(50));
  unsigned offers = 0;
  net.meddle = [&](Hop& hop) {
    if (hop.as<wire::Open>() && hop.between(kProxy, kWorker)) ++offers;
  };
  auto header = rogue->header();
  header.cost_cap = Nano{100};
  const auto first = rogue->request(header, RogueClient::body());
  const auto second = rogue->request(header, RogueClient::body());
  net.run(Millis(2000));
  EXPECT_EQ(offers, 4u) << "one for each of them and each candidate";
  EXPECT_EQ(rogue->resets[first], "no_candidate_free");
  EXPECT_EQ(rogue->resets[second], "no_candidate_free");
  expect_refused(first, "cap_too_low");
}

// --- A proxy in league with it ---

/// The network has a second model, which no worker here serves.
class InLeague : public HostileClient {
 protected:
  InLeague() {
    const auto edited = net.world.ledger->edit_registry(
        [](billing::Registry& registry) {
          registry.models.insert(registry.models.begin(), {"sim/better", 4096, 64});
          return ok();
        },
        net.world.now.unix);
    EXPECT_TRUE(edited) << edited.error().detail();
  }

  /// Seals it for one worker, whom the proxy gives it unlooked at. The worker refuses it with
  /// `code`, and runs nothing.
  void expect_worker_refuses(const session::RequestHeader& header, const std::string& body,
                             std::string_view code) {
    fund();
    rogue->recipients.resize(1);
    Recording sealed;
    net.meddle = [&](Hop& hop) {
      if (!hop.between(kClient, kProxy) || stream_of(hop.message) == 0) return;
      sealed.note(hop);
      hop.drop();
    };
    rogue->request(header, body);
    net.run(Millis(50));
    ASSERT_EQ(sealed.requests.size(), 1u);
    net.meddle = drop_forged;
    for (const std::size_t i : {0u, 1u}) {
      send_again(net, net.proxy(), net.worker(i), sealed.first(), kForged, 0, 0);
    }
    EXPECT_TRUE(net.said(kWorker, code)) << code;
    EXPECT_EQ(net.world.executions["rogue"], 0u);
  }
};

TEST_F(InLeague, AWorkerRunsNothingForLessThanItAsks) {
  auto header = rogue->header();
  --header.max_coefficient_e3;
  expect_worker_refuses(header, RogueClient::body(), "coefficient_too_low");
}

TEST_F(InLeague, AWorkerRunsNoModelThatItDoesNotServe) {
  auto header = rogue->header();
  header.model = "sim/better";
  expect_worker_refuses(header,
                        R"({"model":"sim/better","max_tokens":64,"user":"rogue","messages":[]})",
                        "model_not_found");
}

TEST_F(InLeague, AModelThatNoCandidateServesKeepsNobodyWaiting) {
  fund();
  auto header = rogue->header();
  header.model = "sim/better";
  expect_refused(rogue->request(header, RogueClient::body()), "no_candidate_free");
  EXPECT_FALSE(net.said(net.worker(0), "model_not_found"));
  EXPECT_FALSE(net.said(net.worker(1), "model_not_found"));
}

// --- Replays and floods ---

TEST_F(HostileClient, ARequestThatRunsIsNotTakenAgain) {
  fund();
  rogue->request();
  const auto second = rogue->repeat();
  net.run(Millis(2000));
  EXPECT_EQ(rogue->resets[second], "duplicate_request");
  EXPECT_EQ(net.world.executions["rogue"], 1u);
  EXPECT_EQ(net.proxy().proxy().counts().charged, kCost);
}

TEST_F(HostileClient, EachWorkerRunsAReplayedRequestOnceAndEachRunIsCharged) {
  fund();
  rogue->request();
  net.run(Millis(1000));
  for (int i = 0; i < 4; ++i) {
    rogue->repeat();
    net.run(Millis(1000));
  }
  EXPECT_LE(net.world.executions["rogue"], 2u);
  EXPECT_EQ(net.proxy().proxy().counts().charged.value,
            kCost.value * net.world.executions["rogue"]);
}

TEST_F(HostileClient, MoreStreamsThanAllowedEndItsConnectionOnly) {
  fund();
  const Bytes header(100, 1);
  for (wire::StreamId i = 0; i <= 1024; ++i) {
    wire::Open open;
    open.stream = 1 + 2 * i;
    open.header = header;
    open.wraps = {header};
    open.time_left_ms = 1;
    rogue->send_raw(open);
  }
  net.run(Millis(500));
  EXPECT_TRUE(rogue->ended);
  EXPECT_TRUE(net.said(net.proxy(), "too_many_streams"));
  net.expect_served(net.ask(net.client(1)));
}

TEST_F(HostileClient, ABodyThatGoesOnAndOnIsCutAtItsCredit) {
  fund();
  const auto stream = rogue->request();
  // The stream has ended already: what follows is no part of it.
  const Bytes block(limits::kMaxDataBytes, 1);
  rogue->send_raw(wire::Data{stream, block, std::nullopt});
  net.run(Millis(500));
  ASSERT_TRUE(rogue->ended);
  EXPECT_EQ(rogue->ended->code(), "stream_closed");
  net.expect_served(net.ask(net.client(1)));
}

}  // namespace
}  // namespace cocoon::core::test
