#include "gateway/gateway_core.h"

#include <gtest/gtest.h>

#include "unit/gateway/fixture.h"

namespace cocoon::gateway {
namespace {

/// A caller whose chat has been submitted.
class OneRequest : public testing::Test {
 protected:
  void ask(std::string_view body, std::string_view path = "/v1/chat/completions") {
    caller_ = gateway_.open();
    gateway_.send(caller_, post(path, body));
    request_ = gateway_.submitted().request;
  }
  Response response() { return Response(gateway_.received(caller_)); }

  TestGateway gateway_;
  ConnectionId caller_ = 0;
  RequestId request_ = 0;
};

// --- What is refused ---

TEST(Gateway, RefusesMessagesThatTwoReadersWouldCutDifferently) {
  const std::string body(kChat);
  const std::string length = std::to_string(body.size());
  const std::string start =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  for (const std::string& framing : {
           "Content-Length: " + length + "\r\nTransfer-Encoding: chunked\r\n\r\n",
           "Content-Length: " + length + "\r\nContent-Length: 0\r\n\r\n",
           "Content-Length: " + length + ", " + length + "\r\n\r\n",
           "Content-Length: +" + length + "\r\n\r\n",
           std::string("Transfer-Encoding: xchunked\r\n\r\n"),
           std::string("Transfer-Encoding : chunked\r\n\r\n"),
           std::string("Transfer-Encoding: identity, chunked\r\n\r\n"),
           std::string("Content-Length: 10\n\r\n"),
       }) {
    TestGateway gateway;
    const ConnectionId caller = gateway.open();
    gateway.send(caller, start + framing + body + get("/healthz"));
    const Response response(gateway.received(caller));
    EXPECT_GE(response.status, 400) << framing;
    EXPECT_EQ(response.header("Connection"), "close") << framing;
    EXPECT_TRUE(gateway.closed(caller)) << framing;
    EXPECT_TRUE(gateway.submits.empty()) << framing;
    EXPECT_TRUE(gateway.pages.empty()) << framing;
  }
}

TEST(Gateway, RefusesABodyOverTheLimitBeforeReadingIt) {
  TestGateway gateway({}, 2048);
  const ConnectionId caller = gateway.open();
  gateway.send(caller,
               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nContent-Length: 2049\r\n\r\n");
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 413);
  EXPECT_TRUE(gateway.closed(caller));
}

TEST(Gateway, RefusesAChunkedBodyWhereItGrowsOverTheLimit) {
  TestGateway gateway({}, 2048);
  const ConnectionId caller = gateway.open();
  gateway.send(caller,
               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3 && !gateway.closed(caller); ++i) {
    gateway.send(caller, "400\r\n" + std::string(1024, ' ') + "\r\n");
  }
  EXPECT_EQ(Response(gateway.received(caller)).status, 413);
  EXPECT_TRUE(gateway.closed(caller));
}

TEST(Gateway, RefusesAHeadOverTheLimit) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, get("/healthz", "x: " + std::string(40000, 'a') + "\r\n"));
  EXPECT_EQ(Response(gateway.received(caller)).status, 431);
  EXPECT_TRUE(gateway.closed(caller));
}

TEST(Gateway, RefusesBadBodiesAndSaysWhere) {
  struct Case {
    std::string body;
    std::string_view code;
  };
  for (const Case& c : std::vector<Case>{
           {"", "json_invalid"},
           {"{\"model\":\"m\",}", "json_invalid"},
           {"[1]", "body_not_object"},
           {"{\"messages\":[]}", "model_missing"},
           {"{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}", "json_duplicate_key"},
           {"{\"model\":\"m\",\"messages\":\"\xff\"}", "json_invalid_unicode"},
           {"{\"model\":\"m\",\"x\":" + std::string(100, '[') + std::string(100, ']') + "}",
            "json_too_deep"},
           {"{\"model\":\"m\",\"stream\":1,\"messages\":[]}", "bad_stream"},
       }) {
    TestGateway gateway;
    const ConnectionId caller = gateway.open();
    gateway.send(caller, post("/v1/chat/completions", c.body));
    const Response response(gateway.received(caller));
    EXPECT_EQ(response.status, 400) << c.body;
    EXPECT_TRUE(response.has(std::string("\"code\":\"") + std::string(c.code) + "\""))
        << c.body << " gave " << response.body;
    EXPECT_TRUE(gateway.submits.empty()) << c.body;
    // The request was whole: the connection goes on.
    EXPECT_FALSE(gateway.closed(caller)) << c.body;
    gateway.send(caller, get("/healthz"));
    EXPECT_EQ(gateway.pages.size(), 1u) << c.body;
  }
}

TEST(Gateway, ARefusedRequestWhoseBodyIsStillComingClosesTheConnection) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, post("/v1/nothing", get("/healthz")));
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_TRUE(gateway.closed(caller));
  EXPECT_TRUE(gateway.pages.empty());
}

TEST(Gateway, RefusesMoreBodiesAtOnceThanItHasMemoryFor) {
  TestGateway gateway({}, limits::kHighestMaxRequestBytes);
  const std::size_t size = limits::kHighestMaxRequestBytes;
  const std::string start =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(size) + "\r\n\r\n";
  const std::string almost(size - 1, ' ');
  std::vector<ConnectionId> callers;
  for (int i = 0; i < 9; ++i) {
    callers.push_back(gateway.open());
    gateway.send(callers.back(), start);
    gateway.send(callers.back(), almost);
  }
  EXPECT_EQ(Response(gateway.received(callers.back())).status, 429);
  EXPECT_TRUE(gateway.closed(callers.back()));
  EXPECT_FALSE(gateway.closed(callers.front()));
  // What one caller gave up is there for another.
  gateway.hang_up(callers.front());
  const ConnectionId next = gateway.open();
  gateway.send(next, start);
  gateway.send(next, almost);
  EXPECT_FALSE(gateway.closed(next));
}

// --- Deadlines ---

TEST(Gateway, ASlowHeadIsRefusedHoweverOftenAByteComes) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  const std::string request = get("/healthz");
  for (std::size_t i = 0; i < request.size() && !gateway.closed(caller); ++i) {
    gateway.send(caller, request.substr(i, 1));
    gateway.pass(Seconds(1));
  }
  EXPECT_EQ(Response(gateway.received(caller)).status, 408);
  EXPECT_TRUE(gateway.closed(caller));
}

TEST(Gateway, ASlowBodyIsRefusedHoweverOftenAByteComes) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  const std::string request =
      post("/v1/chat/completions", std::string(kChat) + std::string(500, ' '));
  gateway.send(caller, request.substr(0, request.size() - 500));
  for (int i = 0; i < 499 && !gateway.closed(caller); ++i) {
    gateway.send(caller, " ");
    gateway.pass(Seconds(1));
  }
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 408);
  EXPECT_TRUE(response.has("request_body_too_slow"));
  EXPECT_TRUE(gateway.closed(caller));
}

TEST(Gateway, AnIdleConnectionIsClosedWithoutAWord) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.pass(limits::kHttpIdleDeadline - Seconds(1));
  EXPECT_FALSE(gateway.closed(caller));
  gateway.pass(Seconds(1));
  EXPECT_TRUE(gateway.closed(caller));
  EXPECT_EQ(gateway.received(caller), "");
  EXPECT_EQ(gateway.core.connections(), 0u);
}

TEST(Gateway, EachRequestStartsTheIdleTimeAnew) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  for (int i = 0; i < 4; ++i) {
    gateway.pass(Seconds(50));
    gateway.send(caller, get("/nothing"));
    ASSERT_FALSE(gateway.closed(caller)) << i;
  }
}

TEST_F(OneRequest, WaitsForItsAnswerWithoutADeadlineOfTheGateways) {
  ask(kChat);
  EXPECT_EQ(gateway_.core.next_deadline(), kNever);
  gateway_.pass(Seconds(100'000));
  EXPECT_FALSE(gateway_.closed(caller_));
}

TEST_F(OneRequest, ACallerThatTakesNothingForLongIsCutOffAndItsRequestCancelled) {
  ask(kStreamedChat);
  gateway_.head(request_, "text/event-stream");
  gateway_.bytes(request_, "data: {}\n\n");
  gateway_.press(caller_, true);
  gateway_.pass(limits::kHttpStalledDeadline);
  ASSERT_TRUE(gateway_.closed(caller_));
  EXPECT_TRUE(gateway_.closed_[caller_]) << "what is unsent must be dropped";
  EXPECT_EQ(gateway_.cancels, std::vector<RequestId>{request_});
}

// --- Answers that are no streams ---

TEST_F(OneRequest, IsSubmittedAsItCame) {
  caller_ = gateway_.open();
  const std::string body = R"( {"model":"org/m@1:2", "messages":[], "future":[1.50,{"a":null}]} )";
  gateway_.send(caller_, post("/v1/responses", body));
  const Submit submit = gateway_.submitted();
  EXPECT_EQ(submit.content.endpoint, Endpoint::responses);
  EXPECT_EQ(submit.content.model, "org/m@1:2");
  EXPECT_EQ(submit.content.body, body);
}

TEST_F(OneRequest, ASinglePieceAnswerHasItsLengthCostAndWorker) {
  ask(kChat);
  gateway_.head(request_, "application/json; charset=utf-8");
  gateway_.bytes(request_, "{\"a\":");
  EXPECT_EQ(gateway_.received(caller_), "");
  gateway_.bytes(request_, "1}");
  RequestOutcome outcome;
  outcome.usage.cost_nano = 4321;
  outcome.worker = "ab12";
  gateway_.done(request_, outcome);
  const Response answer = response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"a\":1}");
  EXPECT_EQ(answer.header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(answer.header("x-cocoon-cost-nano"), "4321");
  EXPECT_EQ(answer.header("x-cocoon-worker"), "ab12");
  EXPECT_TRUE(answer.header("x-request-id").starts_with("req_"));
  EXPECT_FALSE(gateway_.closed(caller_));
}

TEST_F(OneRequest, ALargeAnswerIsPassedOnInsteadOfHeld) {
  ask(R"({"model":"m","input":"x"})", "/v1/embeddings");
  gateway_.head(request_);
  const std::string piece(64 * 1024, '1');
  for (int i = 0; i < 5; ++i) gateway_.bytes(request_, piece);
  std::string bytes = gateway_.received(caller_);
  EXPECT_GT(bytes.size(), limits::kMaxHeldAnswerBytes);
  gateway_.bytes(request_, "tail");
  gateway_.done(request_);
  bytes += gateway_.received(caller_);
  const Response answer(bytes);
  EXPECT_EQ(answer.body.size(), 5 * piece.size() + 4);
  EXPECT_TRUE(answer.complete);
}

TEST_F(OneRequest, ALargeAnswerThatBreaksOffIsNotMadeToLookWhole) {
  ask(R"({"model":"m","input":"x"})", "/v1/embeddings");
  gateway_.head(request_);
  gateway_.bytes(request_, std::string(300 * 1024, '1'));
  const Response answer = response();
  EXPECT_FALSE(answer.complete);
  gateway_.fail(request_, ErrorKind::upstream);
  ASSERT_TRUE(gateway_.closed(caller_));
  EXPECT_TRUE(gateway_.closed_[caller_]);
  EXPECT_EQ(gateway_.received(caller_), "");
}

TEST_F(OneRequest, AnEnginesOwnErrorPassesThrough) {
  ask(kChat);
  gateway_.head(request_, "application/json", 422);
  gateway_.bytes(request_, R"({"error":{"message":"engine says no"}})");
  RequestOutcome outcome;
  outcome.charged = true;
  gateway_.done(request_, outcome);
  const Response answer = response();
  EXPECT_EQ(answer.status, 422);
  EXPECT_TRUE(answer.has("engine says no"));
  EXPECT_EQ(answer.header("x-should-retry"), "false");
}

TEST_F(OneRequest, AnAnswerWithoutAStatusIsAnUpstreamError) {
  ask(kChat);
  gateway_.head(request_, "application/json", 7);
  gateway_.done(request_);
  EXPECT_EQ(response().status, 502);
}

TEST_F(OneRequest, EveryKindOfFailureHasItsStatus) {
  struct Case {
    ErrorKind kind;
    int status;
  };
  for (const Case c :
       {Case{ErrorKind::invalid_argument, 400}, Case{ErrorKind::not_found, 404},
        Case{ErrorKind::too_large, 413}, Case{ErrorKind::payment, 402}, Case{ErrorKind::busy, 429},
        Case{ErrorKind::unavailable, 503}, Case{ErrorKind::upstream, 502},
        Case{ErrorKind::timeout, 504}, Case{ErrorKind::attestation, 502},
        Case{ErrorKind::protocol, 502}, Case{ErrorKind::io, 500}, Case{ErrorKind::internal, 500}}) {
    ask(kChat);
    gateway_.fail(request_, c.kind);
    const Response answer = response();
    EXPECT_EQ(answer.status, c.status) << to_string(c.kind);
    EXPECT_TRUE(answer.has(R"("code":"some_code")")) << to_string(c.kind);
    EXPECT_TRUE(answer.has(R"("message":"What went wrong.")")) << to_string(c.kind);
    EXPECT_EQ(answer.header("Content-Type"), "application/json");
    EXPECT_EQ(answer.header("x-should-retry"), "(absent)") << to_string(c.kind);
    EXPECT_FALSE(gateway_.closed(caller_)) << to_string(c.kind);
  }
}

TEST_F(OneRequest, ABusyNetworkSaysWhenToTryAgain) {
  ask(kChat);
  RequestOutcome outcome;
  outcome.status = Error(ErrorKind::busy, "no_capacity", "Full.");
  outcome.retry_after_s = 7;
  gateway_.done(request_, outcome);
  EXPECT_EQ(response().header("Retry-After"), "7");
}

TEST_F(OneRequest, AFailureThatCostSomethingForbidsARetry) {
  ask(kChat);
  gateway_.head(request_);
  gateway_.bytes(request_, "{\"half\":");
  RequestOutcome outcome;
  outcome.status = Error(ErrorKind::upstream, "engine_broke_off", "It broke off.");
  outcome.charged = true;
  outcome.usage.cost_nano = 17;
  gateway_.done(request_, outcome);
  const Response answer = response();
  EXPECT_EQ(answer.status, 502);
  EXPECT_FALSE(answer.has("half"));
  EXPECT_EQ(answer.header("x-should-retry"), "false");
  EXPECT_EQ(answer.header("x-cocoon-cost-nano"), "17");
}

TEST_F(OneRequest, TextFromTheNetworkCannotEndAHeader) {
  ask(kChat);
  gateway_.head(request_, "application/json\r\nSet-Cookie: a=b");
  RequestOutcome outcome;
  outcome.worker = "x\r\ny: z";
  gateway_.done(request_, outcome);
  const Response answer = response();
  EXPECT_EQ(answer.header("Set-Cookie"), "(absent)");
  EXPECT_EQ(answer.header("y"), "(absent)");
}

// --- Connections ---

TEST(Gateway, AnswersPipelinedRequestsInOrderOneAtATime) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, post("/v1/chat/completions", kChat) +
                           post("/v1/completions", R"({"model":"m","prompt":"p"})") +
                           get("/nothing"));
  const Submit first = gateway.submitted();
  gateway.head(first.request);
  gateway.bytes(first.request, "first");
  gateway.done(first.request);
  EXPECT_EQ(Response(gateway.received(caller)).body, "first");
  const Submit second = gateway.submitted();
  EXPECT_EQ(second.content.endpoint, Endpoint::completions);
  gateway.head(second.request);
  gateway.bytes(second.request, "second");
  gateway.done(second.request);
  const std::string rest = gateway.received(caller);
  EXPECT_LT(rest.find("second"), rest.find("path_not_found"));
  EXPECT_NE(rest.find("path_not_found"), std::string::npos);
}

TEST(Gateway, ReadsNoFurtherWhenACallerSendsTooFarAhead) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  std::string requests = post("/v1/chat/completions", kChat);
  while (requests.size() < limits::kMaxPipelinedBytes + 1000) requests += get("/nothing");
  gateway.send(caller, requests);
  ASSERT_EQ(gateway.reading.size(), 1u);
  EXPECT_TRUE(gateway.reading[0].paused);
  const Submit submit = gateway.submitted();
  gateway.head(submit.request);
  gateway.done(submit.request);
  ASSERT_EQ(gateway.reading.size(), 2u);
  EXPECT_FALSE(gateway.reading[1].paused);
}

TEST(Gateway, WorksOnNothingNewForACallerThatDoesNotRead) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.press(caller, true);
  gateway.send(caller, get("/healthz") + get("/healthz"));
  EXPECT_TRUE(gateway.pages.empty());
  gateway.press(caller, false);
  ASSERT_EQ(gateway.pages.size(), 1u);
  gateway.core.on_page(gateway.pages[0].request, 200, "text/plain", "ok", gateway.now());
}

TEST(Gateway, TakesARequestInPiecesOfAnySize) {
  const std::string body(kChat);
  const std::string request =
      "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
      "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" +
      body.substr(0, 5) + "\r\n" + "34;ext=1\r\n" + body.substr(5, 0x34) + "\r\n0\r\n\r\n";
  ASSERT_EQ(body.size(), 5u + 0x34) << "adjust the chunk sizes above";
  for (std::size_t size = 1; size <= request.size(); size += 7) {
    TestGateway gateway;
    const ConnectionId caller = gateway.open();
    for (std::size_t at = 0; at < request.size(); at += size) {
      gateway.send(caller, std::string_view(request).substr(at, size));
    }
    EXPECT_EQ(gateway.submitted().content.body, body) << size;
  }
}

TEST(Gateway, SendsContinueToACallerThatWaitsForIt) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  const std::string request = post("/v1/chat/completions", kChat, "Expect: 100-continue\r\n");
  gateway.send(caller, request.substr(0, request.size() - kChat.size()));
  EXPECT_EQ(gateway.received(caller), "HTTP/1.1 100 Continue\r\n\r\n");
  gateway.send(caller, kChat);
  EXPECT_EQ(gateway.submits.size(), 1u);
}

TEST(Gateway, SendsNoContinueForARequestThatItRefuses) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  const std::string request = post("/v1/nothing", kChat, "Expect: 100-continue\r\n");
  gateway.send(caller, request.substr(0, request.size() - kChat.size()));
  EXPECT_EQ(Response(gateway.received(caller)).status, 404);
  EXPECT_TRUE(gateway.closed(caller));
}

TEST_F(OneRequest, ACallerThatHangsUpCancelsItAtOnce) {
  ask(kStreamedChat);
  gateway_.head(request_, "text/event-stream");
  gateway_.bytes(request_, "data: {}\n\n");
  gateway_.hang_up(caller_);
  EXPECT_EQ(gateway_.cancels, std::vector<RequestId>{request_});
  EXPECT_EQ(gateway_.core.connections(), 0u);
  // What was on its way is ignored.
  gateway_.bytes(request_, "data: {}\n\n");
  gateway_.done(request_);
  ASSERT_EQ(gateway_.answered.size(), 1u);
}

TEST_F(OneRequest, ThatIsDoneIsNotCancelledWhenTheCallerLeaves) {
  ask(kChat);
  gateway_.head(request_);
  gateway_.done(request_);
  gateway_.hang_up(caller_);
  EXPECT_TRUE(gateway_.cancels.empty());
}

TEST_F(OneRequest, ACallerGoneBeforeTheAnswerCountsAs499) {
  ask(kChat);
  gateway_.hang_up(caller_);
  ASSERT_EQ(gateway_.answered.size(), 1u);
  EXPECT_EQ(gateway_.answered[0].status, 499);
}

TEST_F(OneRequest, ConnectionCloseIsObeyed) {
  caller_ = gateway_.open();
  gateway_.send(caller_, post("/v1/chat/completions", kChat, "Connection: close\r\n"));
  request_ = gateway_.submitted().request;
  gateway_.head(request_);
  gateway_.done(request_);
  EXPECT_EQ(response().header("Connection"), "close");
  EXPECT_TRUE(gateway_.closed(caller_));
}

TEST_F(OneRequest, DrainingLetsItFinishAndThenCloses) {
  const ConnectionId idle = gateway_.open();
  ask(kChat);
  gateway_.core.drain(gateway_.now());
  gateway_.pass(Seconds(0));
  gateway_.head(request_);
  gateway_.done(request_);
  EXPECT_TRUE(gateway_.closed(idle));
  EXPECT_EQ(response().status, 200);
  EXPECT_TRUE(gateway_.closed(caller_));
  EXPECT_TRUE(gateway_.closed(gateway_.open()));
}

// --- Pages ---

TEST(Gateway, ListsModelsWithWhatTheNetworkOffers) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, get("/v1/models"));
  ASSERT_EQ(gateway.model_questions.size(), 1u);
  const std::vector<ModelInfo> models = {{"a\"b", 1, 8, 7, 20, 160}, {"c", 2, 16, 0, 10, 80}};
  gateway.core.on_models(gateway.model_questions[0], models, gateway.now());
  gateway.pass(Seconds(0));
  gateway.press(caller, false);
  gateway.send(caller, "");
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(
      response.body,
      R"({"object":"list","data":[{"id":"a\"b","object":"model","created":0,)"
      R"("owned_by":"cocoon","cocoon":{"workers":1,"capacity":8,"free_slots":7,)"
      R"("prompt_price_nano":20,"completion_price_nano":160}},)"
      R"({"id":"c","object":"model","created":0,"owned_by":"cocoon","cocoon":{"workers":2,)"
      R"("capacity":16,"free_slots":0,"prompt_price_nano":10,"completion_price_nano":80}}]})");
}

TEST(Gateway, ShowsOneModelOrSaysThatThereIsNone) {
  TestGateway gateway;
  const std::vector<ModelInfo> models = {{"org/m", 1, 8, 7, 20, 160}};
  for (const char* id : {"org%2Fm", "org/other"}) {
    const ConnectionId caller = gateway.open();
    gateway.send(caller, get("/v1/models/" + std::string(id)));
    gateway.core.on_models(gateway.model_questions.back(), models, gateway.now());
    gateway.send(caller, "");
    const Response response(gateway.received(caller));
    if (id == std::string_view("org%2Fm")) {
      EXPECT_EQ(response.status, 200);
      EXPECT_TRUE(response.has(R"("id":"org/m")"));
    } else {
      EXPECT_EQ(response.status, 404);
      EXPECT_TRUE(response.has(R"("code":"model_not_found")"));
    }
  }
}

TEST(Gateway, AModelListThatCannotBeHadIsAnError) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, get("/v1/models"));
  gateway.core.on_models(gateway.model_questions[0],
                         Error(ErrorKind::unavailable, "no_proxy", "None."), gateway.now());
  gateway.send(caller, "");
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.header("Retry-After"), "(absent)");
}

TEST(Gateway, AsksItsOwnerForTheOtherPages) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  struct Case {
    const char* path;
    RouteKind page;
  };
  for (const Case c : {Case{"/healthz", RouteKind::health}, Case{"/metrics", RouteKind::metrics},
                       Case{"/v1/cocoon/evidence", RouteKind::evidence}}) {
    gateway.send(caller, get(c.path));
    ASSERT_FALSE(gateway.pages.empty()) << c.path;
    EXPECT_EQ(gateway.pages.back().page, c.page) << c.path;
    gateway.core.on_page(gateway.pages.back().request, 503, "text/x", "text", gateway.now());
    gateway.send(caller, "");
    const Response response(gateway.received(caller));
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.header("Content-Type"), "text/x");
    EXPECT_EQ(response.body, "text");
  }
}

TEST(Gateway, AHeadRequestGetsTheLengthAndNoBody) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  gateway.core.on_page(gateway.pages.at(0).request, 200, "text/plain", "four", gateway.now());
  gateway.send(caller, "");
  const std::string bytes = gateway.received(caller);
  EXPECT_NE(bytes.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n\r\n"));
}

TEST(Gateway, RequestIdsAreDistinct) {
  TestGateway gateway;
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    const ConnectionId caller = gateway.open();
    gateway.send(caller, get("/nothing"));
    ids.insert(Response(gateway.received(caller)).header("x-request-id"));
  }
  EXPECT_EQ(ids.size(), 50u);
}

}  // namespace
}  // namespace cocoon::gateway
