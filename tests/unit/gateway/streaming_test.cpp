#include <gtest/gtest.h>

#include "gateway/sse_filter.h"
#include "unit/gateway/fixture.h"

namespace cocoon::gateway {
namespace {

constexpr std::string_view kWithUsage =
    R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]})";
constexpr std::string_view kUsageChunk =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
    "\"total_tokens\":5}}\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";

std::string delta(std::string_view text) {
  return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + std::string(text) +
         "\"}}],\"usage\":null}\n\n";
}

class Streaming : public testing::Test {
 protected:
  void ask(std::string_view body, std::string_view path = "/v1/chat/completions") {
    caller_ = gateway_.open();
    gateway_.send(caller_, post(path, body));
    request_ = gateway_.submitted().request;
    gateway_.head(request_, "text/event-stream; charset=utf-8");
  }
  /// All that the caller has received so far.
  Response response() {
    bytes_ += gateway_.received(caller_);
    return Response(bytes_);
  }

  TestGateway gateway_;
  ConnectionId caller_ = 0;
  RequestId request_ = 0;
  std::string bytes_;
};

TEST_F(Streaming, EachChunkIsSentBeforeTheNextOneComes) {
  ask(kStreamedChat);
  EXPECT_EQ(gateway_.received(caller_), "");
  for (std::size_t n = 1; n <= 5; ++n) {
    gateway_.bytes(request_, delta(std::to_string(n)));
    const Response soFar = response();
    ASSERT_EQ(soFar.chunks.size(), n);
    EXPECT_EQ(soFar.chunks.back(), delta(std::to_string(n)));
  }
  EXPECT_EQ(response().header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(response().header("Content-Length"), "(absent)");
}

TEST_F(Streaming, TheUsageChunkIsHiddenFromWhoDidNotAsk) {
  ask(kStreamedChat);
  gateway_.bytes(request_, delta("a"));
  gateway_.bytes(request_, kUsageChunk);
  gateway_.bytes(request_, kDone);
  gateway_.done(request_);
  const Response answer = response();
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body, delta("a") + std::string(kDone));
}

TEST_F(Streaming, TheUsageChunkIsPassedToWhoAsked) {
  ask(kWithUsage);
  gateway_.bytes(request_, delta("a") + std::string(kUsageChunk) + std::string(kDone));
  gateway_.done(request_);
  EXPECT_EQ(response().body, delta("a") + std::string(kUsageChunk) + std::string(kDone));
}

TEST_F(Streaming, TheUsageChunkIsHiddenHoweverTheStreamIsCut) {
  const std::string stream = delta("one") + ": comment\n\n" + delta("\\\"usage\\\"") +
                             std::string(kUsageChunk) + std::string(kDone);
  const std::string seen =
      delta("one") + ": comment\n\n" + delta("\\\"usage\\\"") + std::string(kDone);
  for (std::size_t size = 1; size < stream.size(); ++size) {
    ask(kStreamedChat);
    bytes_.clear();
    for (std::size_t at = 0; at < stream.size(); at += size) {
      gateway_.bytes(request_, std::string_view(stream).substr(at, size));
    }
    gateway_.done(request_);
    ASSERT_EQ(response().body, seen) << size;
  }
}

TEST_F(Streaming, TheUsageChunkIsHiddenHoweverItIsSpelled) {
  const std::string_view usage = R"({"prompt_tokens":3,"completion_tokens":2})";
  for (const std::string& chunk :
       {"data: {\"usage\" \t: " + std::string(usage) + ", \"choices\": [ ]}\n\n",
        "data: {\"timings\":{\"usage\":null},\"choices\":[],\"usage\":" + std::string(usage) +
            "}\n\n",
        "data: {\"kind\":\"usage\",\"choices\":[],\"usage\":" + std::string(usage) + "}\n\n"}) {
    ask(kStreamedChat);
    bytes_.clear();
    gateway_.bytes(request_, chunk + delta("a"));
    EXPECT_EQ(response().body, delta("a")) << chunk;
  }
}

TEST_F(Streaming, AChunkWithUsageAndChoicesIsNeverHidden) {
  ask(kStreamedChat);
  const std::string both =
      "data: {\"choices\":[{\"index\":0,\"delta\":{}}],\"usage\":{\"prompt_tokens\":3,"
      "\"completion_tokens\":2}}\n\n";
  gateway_.bytes(request_, both);
  EXPECT_EQ(response().body, both);
}

TEST_F(Streaming, AResponsesStreamPassesByteForByte) {
  ask(R"({"model":"m","stream":true,"input":"x"})", "/v1/responses");
  const std::string stream =
      "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":"
      "{\"input_tokens\":1,\"output_tokens\":1}},\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
      "\"completion_tokens\":1}}\r\n\r\n";
  gateway_.bytes(request_, stream);
  gateway_.done(request_);
  EXPECT_EQ(response().body, stream);
}

TEST_F(Streaming, ALastEventWithoutItsBlankLineIsPassedOnAtTheEnd) {
  ask(kStreamedChat);
  gateway_.bytes(request_, delta("a") + "data: [DONE]\n");
  gateway_.done(request_);
  EXPECT_EQ(response().body, delta("a") + "data: [DONE]\n");
}

TEST_F(Streaming, AFailureBeforeTheFirstByteHasAStatus) {
  ask(kStreamedChat);
  gateway_.fail(request_, ErrorKind::busy, "no_capacity");
  const Response answer = response();
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.has("no_capacity"));
}

TEST_F(Streaming, AFailureAfterTheFirstByteIsAnEventAndThereIsNoDone) {
  ask(kStreamedChat);
  gateway_.bytes(request_, delta("a") + "data: {\"half");
  gateway_.fail(request_, ErrorKind::upstream, "engine_broke_off");
  const Response answer = response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body.find("half"), std::string::npos) << "half an event must not be sent";
  EXPECT_EQ(answer.body.find("[DONE]"), std::string::npos);
  ASSERT_EQ(answer.chunks.size(), 2u);
  EXPECT_TRUE(answer.chunks[1].starts_with("data: {\"error\":{\"message\":\"What went wrong.\""));
  EXPECT_TRUE(answer.chunks[1].ends_with("}\n\n"));
  EXPECT_FALSE(gateway_.closed(caller_));
}

TEST_F(Streaming, AnEventWithoutEndIsCutOffAndTheRequestCancelled) {
  ask(kStreamedChat);
  gateway_.bytes(request_, delta("a"));
  const std::string piece(256 * 1024, 'x');
  gateway_.bytes(request_, "data: ");
  for (int i = 0; i < 17; ++i) gateway_.bytes(request_, piece);
  EXPECT_EQ(gateway_.cancels, std::vector<RequestId>{request_});
  const Response answer = response();
  EXPECT_TRUE(answer.complete);
  EXPECT_TRUE(answer.has("sse_event_too_large"));
  // What still comes is ignored.
  gateway_.bytes(request_, delta("b"));
  gateway_.done(request_);
  EXPECT_EQ(gateway_.received(caller_), "");
}

TEST_F(Streaming, AnEmptyStreamIsAWholeAnswer) {
  ask(kStreamedChat);
  gateway_.done(request_);
  const Response answer = response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
}

TEST_F(Streaming, ACallerOfHttp10GetsTheStreamUnchunkedUpToTheEnd) {
  caller_ = gateway_.open();
  std::string request = post("/v1/chat/completions", kStreamedChat);
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  gateway_.send(caller_, request);
  request_ = gateway_.submitted().request;
  gateway_.head(request_, "text/event-stream");
  gateway_.bytes(request_, delta("a"));
  gateway_.done(request_);
  const std::string bytes = gateway_.received(caller_);
  EXPECT_EQ(bytes.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n\r\n" + delta("a")));
  EXPECT_TRUE(gateway_.closed(caller_));
  EXPECT_FALSE(gateway_.closed_[caller_]);
}

TEST_F(Streaming, ASlowCallerPausesItsOwnRequestOnly) {
  ask(kStreamedChat);
  const RequestId slow = request_;
  const ConnectionId slow_caller = caller_;
  ask(kStreamedChat);
  gateway_.press(slow_caller, true);
  ASSERT_EQ(gateway_.pauses.size(), 1u);
  EXPECT_EQ(gateway_.pauses[0].request, slow);
  EXPECT_TRUE(gateway_.pauses[0].paused);
  gateway_.bytes(request_, delta("a"));
  EXPECT_TRUE(response().has("a"));
  gateway_.press(slow_caller, false);
  ASSERT_EQ(gateway_.pauses.size(), 2u);
  EXPECT_EQ(gateway_.pauses[1].request, slow);
  EXPECT_FALSE(gateway_.pauses[1].paused);
}

TEST_F(Streaming, ARequestThatEndedUnderPressureLetsTheNextOneWaitForRelief) {
  ask(kStreamedChat);
  gateway_.press(caller_, true);
  gateway_.bytes(request_, delta("a"));
  gateway_.done(request_);
  gateway_.send(caller_, get("/healthz"));
  EXPECT_TRUE(gateway_.pages.empty());
  gateway_.press(caller_, false);
  EXPECT_EQ(gateway_.pages.size(), 1u);
}

TEST(SseFilter, HidesNothingOfOtherEndpoints) {
  SseFilter filter(Endpoint::embeddings, true);
  std::string out;
  ASSERT_TRUE(filter.push(kUsageChunk, out));
  EXPECT_EQ(out, kUsageChunk);
}

}  // namespace
}  // namespace cocoon::gateway
