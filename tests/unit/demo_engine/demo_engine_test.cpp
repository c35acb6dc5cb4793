#include "demo_engine/demo_engine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"
#include "demo_engine/demo_reply.h"
#include "http/sse.h"
#include "io/http_client.h"
#include "unit/io/test_loop.h"

namespace cocoon::demo {
namespace {

using io::HttpAnswer;

/// An answer on its way, or what became of it.
struct Exchange {
  io::HttpTransfer transfer;
  std::optional<io::HttpAnswerHead> head;
  std::string body;
  std::optional<Status> done;
};

/// The data of the events of a stream.
std::vector<std::string> events_of(std::string_view stream) {
  std::vector<std::string> out;
  http::SseParser parser(std::size_t{32} * 1024 * 1024);
  parser.push(stream);
  for (;;) {
    auto event = parser.next();
    if (!event || !*event) return out;
    out.emplace_back((*event)->data);
  }
}

class DemoEngineTest : public io::test::LoopTest {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.models = {"demo/echo", "demo/other"};
    auto engine = DemoEngine::start(context(), std::move(options));
    ASSERT_TRUE(engine) << engine.error().detail();
    engine_ = std::move(engine).value();
    client_ = std::make_unique<io::HttpClient>(context());
  }
  void TearDown() override {
    client_.reset();
    engine_.reset();
  }

  std::unique_ptr<Exchange> begin(const std::string& path, const std::optional<std::string>& body) {
    auto out = std::make_unique<Exchange>();
    io::HttpRequest request;
    request.url = "http://" + engine_->address().text() + path;
    if (body) {
      request.method = io::HttpMethod::post;
      request.body = *body;
    }
    io::HttpEvents events;
    Exchange* e = out.get();
    events.on_head = [e](const io::HttpAnswerHead& h) { e->head = h; };
    events.on_body = [e](ByteView b) { e->body += as_text(b); };
    events.on_done = [e](Status s) { e->done = std::move(s); };
    out->transfer = std::move(client_->start(std::move(request), std::move(events))).value();
    return out;
  }
  std::unique_ptr<Exchange> finish(std::unique_ptr<Exchange> e) {
    run_until([&] { return e->done.has_value(); });
    return e;
  }
  std::unique_ptr<Exchange> get(const std::string& path) { return finish(begin(path, {})); }
  std::unique_ptr<Exchange> post(const std::string& path, const std::string& body) {
    return finish(begin(path, body));
  }

  /// A chat request with further members.
  static std::string chat(const std::string& more = "") {
    return R"({"model":"demo/echo","messages":[{"role":"user","content":"hello"}])" +
           (more.empty() ? "" : "," + more) + "}";
  }
  std::unique_ptr<Exchange> ask(const std::string& more = "") {
    return post("/v1/chat/completions", chat(more));
  }

  std::unique_ptr<DemoEngine> engine_;
  std::unique_ptr<io::HttpClient> client_;
};

/// A JSON text and its document.
struct Parsed {
  explicit Parsed(std::string t)
      : text(std::move(t)), document(std::move(json::Document::parse(text)).value()) {}
  json::Value operator[](std::string_view key) const { return document.root().find(key); }
  std::string text;
  json::Document document;
};

json::Value first(json::Value array) {
  return *array.elements().begin();
}

TEST_F(DemoEngineTest, ModelsAreLabelledAsNoModels) {
  const auto e = get("/v1/models");
  const Parsed list(e->body);
  EXPECT_EQ(list["data"].size(), 2u);
  EXPECT_EQ(first(list["data"]).find("id").as_string(), "demo/echo");
  EXPECT_EQ(first(list["data"]).find("owned_by").as_string(), kFingerprint);
}

TEST_F(DemoEngineTest, WholeAnswerHasTheLengthThatWasAskedForAndSaysWhatItIs) {
  const auto e = ask(R"("demo":{"chunks":5,"chunk_bytes":100})");
  EXPECT_EQ(e->head->status, 200);
  const Parsed answer(e->body);
  EXPECT_EQ(answer["system_fingerprint"].as_string(), kFingerprint);
  const auto message = first(answer["choices"]).find("message");
  const auto text = message.find("content").as_string();
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 500u);
  EXPECT_NE(text->find("not a model"), std::string_view::npos);
  EXPECT_EQ(answer["usage"].find("completion_tokens").as_u64(), 125u);
}

TEST_F(DemoEngineTest, StreamHasExactlyTheChunksThatWereAskedFor) {
  const auto e = ask(R"("stream":true,"demo":{"chunks":50,"chunk_bytes":128})");
  ASSERT_TRUE(*e->done);
  EXPECT_EQ(e->head->field("content-type"), "text/event-stream");
  const auto events = events_of(e->body);
  ASSERT_EQ(events.size(), 50u + 1 + 1);
  for (std::size_t i = 0; i < 50; ++i) {
    const Parsed chunk(events[i]);
    EXPECT_EQ(first(chunk["choices"]).find("delta").find("content").as_string()->size(), 128u);
    EXPECT_FALSE(chunk["usage"]);
  }
  EXPECT_EQ(first(Parsed(events[50])["choices"]).find("finish_reason").as_string(), "stop");
  EXPECT_EQ(events[51], "[DONE]");
}

TEST_F(DemoEngineTest, UsageChunkComesOnlyWhereItWasAskedFor) {
  const auto e = ask(
      R"("stream":true,"stream_options":{"include_usage":true},"demo":{"chunks":2,"cached_tokens":1,"reasoning_tokens":3})");
  const auto events = events_of(e->body);
  ASSERT_EQ(events.size(), 2u + 1 + 1 + 1);
  const Parsed chunk(events[3]);
  EXPECT_EQ(chunk["choices"].size(), 0u);
  const auto usage = chunk["usage"];
  EXPECT_EQ(usage.find("prompt_tokens").as_u64(), 2u);
  EXPECT_EQ(usage.find("completion_tokens").as_u64(), 16u);
  EXPECT_EQ(usage.find("prompt_tokens_details").find("cached_tokens").as_u64(), 1u);
  EXPECT_EQ(usage.find("completion_tokens_details").find("reasoning_tokens").as_u64(), 3u);
  EXPECT_TRUE(Parsed(events[0])["usage"].is(json::Kind::null));
}

TEST_F(DemoEngineTest, TokenLimitCutsTheAnswer) {
  const auto e = ask(R"("max_tokens":10)");
  const Parsed answer(e->body);
  EXPECT_EQ(first(answer["choices"]).find("finish_reason").as_string(), "length");
  EXPECT_EQ(answer["usage"].find("completion_tokens").as_u64(), 10u);
}

TEST_F(DemoEngineTest, ALimitUnderAnotherEnginesNameIsNone) {
  const auto e = ask(R"("max_new_tokens":10,"n_predict":10,"max_output_tokens":10)");
  EXPECT_EQ(first(Parsed(e->body)["choices"]).find("finish_reason").as_string(), "stop");
}

TEST_F(DemoEngineTest, SeedIsEchoed) {
  EXPECT_EQ(Parsed(ask(R"("seed":1234567890123456789)")->body)["seed"].raw(),
            "1234567890123456789");
}

constexpr char kTools[] =
    R"("tools":[{"type":"function","function":{"name":"look_up","parameters":{}}}])";

TEST_F(DemoEngineTest, ToolsAreCalledWithTheLastUserMessage) {
  const Parsed answer(ask(kTools)->body);
  const auto choice = first(answer["choices"]);
  EXPECT_EQ(choice.find("finish_reason").as_string(), "tool_calls");
  const auto function = first(choice.find("message").find("tool_calls")).find("function");
  EXPECT_EQ(function.find("name").as_string(), "look_up");
  EXPECT_EQ(function.find("arguments").as_string(), R"({"echo":"hello"})");
}

TEST_F(DemoEngineTest, ToolsAreNotCalledWhereTheChoiceIsNoneOrAToolHasSpoken) {
  const Parsed none(ask(std::string(kTools) + R"(,"tool_choice":"none")")->body);
  EXPECT_EQ(first(none["choices"]).find("finish_reason").as_string(), "stop");
  const Parsed spoken(post("/v1/chat/completions",
                           R"({"model":"demo/echo","messages":[{"role":"user","content":"x"},
      {"role":"tool","tool_call_id":"c","content":"result"}],)" +
                               std::string(kTools) + "}")
                          ->body);
  EXPECT_EQ(first(spoken["choices"]).find("finish_reason").as_string(), "stop");
}

TEST_F(DemoEngineTest, StreamedToolArgumentsAddUp) {
  const auto e = ask(std::string(kTools) + R"(,"stream":true,"demo":{"chunk_bytes":4})");
  std::string arguments;
  for (const std::string& event : events_of(e->body)) {
    if (event == "[DONE]") continue;
    const Parsed chunk(event);
    const auto call = first(chunk["choices"]).find("delta").find("tool_calls");
    if (call) arguments += *first(call).find("function").find("arguments").as_string();
  }
  EXPECT_EQ(arguments, R"({"echo":"hello"})");
}

TEST_F(DemoEngineTest, ChoicesMultiply) {
  const Parsed answer(ask(R"("n":3)")->body);
  EXPECT_EQ(answer["choices"].size(), 3u);
  const Parsed completion(
      post("/v1/completions", R"({"model":"demo/echo","prompt":["a","b"],"n":2})")->body);
  EXPECT_EQ(completion["choices"].size(), 4u);
  EXPECT_EQ(completion["object"].as_string(), "text_completion");
}

TEST_F(DemoEngineTest, CompletionsStream) {
  const auto e = post("/v1/completions", R"({"model":"demo/echo","prompt":"a","stream":true})");
  const auto events = events_of(e->body);
  ASSERT_EQ(events.size(), 8u + 2);
  EXPECT_EQ(first(Parsed(events[0])["choices"]).find("text").as_string()->size(), 32u);
}

TEST_F(DemoEngineTest, ResponsesStreamEndsWithTheWholeResponse) {
  const auto e = post("/v1/responses", R"({"model":"demo/echo","input":"hi","stream":true})");
  const auto events = events_of(e->body);
  std::string deltas;
  std::uint64_t sequence = 0;
  for (const std::string& event : events) {
    const Parsed parsed(event);
    EXPECT_EQ(parsed["sequence_number"].as_u64(), sequence++);
    if (parsed["type"].as_string() == "response.output_text.delta") {
      deltas += *parsed["delta"].as_string();
    }
  }
  const Parsed last(events.back());
  EXPECT_EQ(last["type"].as_string(), "response.completed");
  const auto part = first(first(last["response"].find("output")).find("content"));
  EXPECT_EQ(part.find("text").as_string(), deltas);
  EXPECT_TRUE(last["response"].find("usage"));
}

TEST_F(DemoEngineTest, EmbeddingsDependOnTheInputOnly) {
  const auto ask_for = [&](const std::string& input, const std::string& more = "") {
    return post("/v1/embeddings", R"({"model":"demo/echo","input":)" + input + more + "}")->body;
  };
  const Parsed two(ask_for(R"(["a","b"])"));
  ASSERT_EQ(two["data"].size(), 2u);
  EXPECT_EQ(first(two["data"]).find("embedding").size(), 8u);
  const Parsed one(ask_for(R"(["a"])", R"(,"dimensions":8)"));
  EXPECT_EQ(first(one["data"]).find("embedding").raw(), first(two["data"]).find("embedding").raw());
  const Parsed packed(ask_for(R"("a")", R"(,"encoding_format":"base64")"));
  const auto bytes = from_base64(*first(packed["data"]).find("embedding").as_string());
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), 8 * sizeof(float));
}

TEST_F(DemoEngineTest, BadRequestsGetOpenAiErrors) {
  const std::pair<std::string, int> cases[] = {{"not json", 400},
                                               {R"({"messages":[]})", 400},
                                               {R"({"model":"unknown","messages":[]})", 404},
                                               {chat(R"("demo":{"chunks":-1})"), 400},
                                               {chat(R"("demo":{"fault":"nonsense"})"), 400},
                                               {chat(R"("demo":{"delay_ms":99999999999})"), 400}};
  for (const auto& [body, status] : cases) {
    const auto e = post("/v1/chat/completions", body);
    ASSERT_TRUE(e->head.has_value()) << body;
    EXPECT_EQ(e->head->status, status) << body;
    EXPECT_TRUE(Parsed(e->body)["error"].find("message").as_string()) << body;
  }
  EXPECT_EQ(get("/nothing/here")->head->status, 404);
  EXPECT_EQ(get("/v1/chat/completions")->head->status, 404);
}

TEST_F(DemoEngineTest, ExecutionsAreCountedById) {
  (void)ask(R"("user":"alice")");
  (void)ask(R"("user":"alice","stream":true)");
  (void)ask(R"("metadata":{"request_id":"bob"})");
  (void)ask();
  const Parsed counts(get("/demo/executions")->body);
  EXPECT_EQ(counts["total"].as_u64(), 4u);
  EXPECT_EQ(counts["executions"].find("alice").as_u64(), 2u);
  EXPECT_EQ(counts["executions"].find("bob").as_u64(), 1u);
  EXPECT_EQ(counts["executions"].find("anonymous").as_u64(), 1u);
}

TEST_F(DemoEngineTest, LastBodyIsKeptAsItArrived) {
  const std::string body = chat(R"("user":"carol","future_field":[1, 2 ,3])");
  (void)post("/v1/chat/completions", body);
  EXPECT_EQ(get("/demo/last?id=carol")->body, body);
  EXPECT_EQ(get("/demo/last?id=nobody")->head->status, 404);
}

TEST_F(DemoEngineTest, ConfirmedStreamSendsOneChunkPerConfirmation) {
  auto e =
      begin("/v1/chat/completions", chat(R"("stream":true,"demo":{"chunks":3,"confirm":"t1"})"));
  for (std::size_t expected = 1; expected <= 3; ++expected) {
    run_until([&] { return events_of(e->body).size() >= expected; });
    if (expected < 3) {
      for (int i = 0; i < 20; ++i) run_turn();
      EXPECT_EQ(events_of(e->body).size(), expected) << "the next chunk was not confirmed";
      (void)post("/demo/confirm?token=other", "");
      EXPECT_EQ(events_of(e->body).size(), expected);
      (void)post("/demo/confirm?token=t1", "");
    }
  }
  e = finish(std::move(e));
  EXPECT_TRUE(*e->done);
}

TEST_F(DemoEngineTest, ConfirmationsMayComeBeforeTheStreamWaits) {
  for (int i = 0; i < 2; ++i) (void)post("/demo/confirm?token=early", "");
  const auto e = ask(R"("stream":true,"demo":{"chunks":3,"confirm":"early"})");
  EXPECT_TRUE(*e->done);
}

TEST_F(DemoEngineTest, CallerThatGoesAwayCountsAsAborted) {
  auto e =
      begin("/v1/chat/completions", chat(R"("stream":true,"demo":{"chunks":4,"fault":"stall"})"));
  run_until([&] { return events_of(e->body).size() == 2; });
  e->transfer.cancel();
  run_until([&] { return Parsed(engine_->control().events())["aborted"].as_u64() == 1u; });
  EXPECT_EQ(Parsed(engine_->control().events())["active"].as_u64(), 0u);
}

TEST_F(DemoEngineTest, EveryFaultOfAStreamIsTheOneThatWasAskedFor) {
  const auto ask_for = [&](const std::string& fault) {
    return ask(R"("stream":true,"demo":{"chunks":4,"fault":")" + fault + R"("})");
  };
  auto e = ask_for("truncate");
  EXPECT_EQ(e->done->error().code(), "broken_off");
  EXPECT_EQ(events_of(e->body).size(), 2u);
  EXPECT_EQ(ask_for("error500")->head->status, 500);
  EXPECT_EQ(ask_for("error400")->head->status, 400);
  EXPECT_EQ(ask_for("close_before_head")->done->error().code(), "closed_before_answer");
  EXPECT_EQ(ask_for("wrong_length")->done->error().code(), "broken_off");
  EXPECT_EQ(ask_for("not_a_stream")->head->field("content-type"), "application/json");
  EXPECT_GT(ask_for("huge_line")->body.find('\n'), kHugeLineBytes);
}

TEST_F(DemoEngineTest, EveryFaultOfAWholeAnswerIsTheOneThatWasAskedFor) {
  const auto ask_for = [&](const std::string& fault) {
    return ask(R"("demo":{"fault":")" + fault + R"("})");
  };
  EXPECT_EQ(ask_for("truncate")->done->error().code(), "broken_off");
  EXPECT_EQ(ask_for("wrong_length")->done->error().code(), "broken_off");
  EXPECT_EQ(ask_for("close_before_head")->done->error().code(), "closed_before_answer");
  EXPECT_FALSE(Parsed(ask_for("no_usage")->body)["usage"]);
  EXPECT_EQ(ask_for("error500")->head->status, 500);
}

TEST_F(DemoEngineTest, HealthCanBeTurnedOff) {
  EXPECT_EQ(get("/health")->head->status, 200);
  (void)post("/demo/health?ready=0", "");
  EXPECT_EQ(get("/health")->head->status, 503);
  (void)post("/demo/health?ready=1", "");
  EXPECT_EQ(get("/health")->head->status, 200);
}

TEST_F(DemoEngineTest, SlowReaderBoundsTheEnginesMemory) {
  auto e = begin("/v1/chat/completions",
                 chat(R"("stream":true,"demo":{"chunks":20000,"chunk_bytes":1000})"));
  run_until([&] { return e->head.has_value(); });
  e->transfer.pause();
  for (int i = 0; i < 200; ++i) run_turn();
  EXPECT_EQ(Parsed(engine_->control().events())["completed"].as_u64(), 0u);
  e->transfer.resume();
  e = finish(std::move(e));
  EXPECT_TRUE(*e->done);
  EXPECT_EQ(std::count(e->body.begin(), e->body.end(), '\n'), 2 * 20002);
}

TEST_F(DemoEngineTest, PipelinedRequestsAreAnsweredInOrder) {
  std::optional<io::Connection> connection;
  io::Connector connector(context(), engine_->address(), io::test::kGenerousDeadline,
                          [&](Result<io::Connection> c) { connection = std::move(c).value(); });
  run_until([&] { return connection.has_value(); });
  std::string got;
  connection->start({.on_bytes = [&](ByteView b) { got += as_text(b); },
                     .on_end = {},
                     .on_pressure = {},
                     .on_closed = [](const Error&) {}});
  std::string all;
  for (const char* seed : {"1", "2", "3"}) {
    const std::string body = chat(std::string(R"("seed":)") + seed);
    all += "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  connection->write(as_bytes(all + "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  run_until([&] { return got.find(R"({"status":"ok"})") != std::string::npos; });
  EXPECT_LT(got.find(R"("seed":1)"), got.find(R"("seed":2)"));
  EXPECT_LT(got.find(R"("seed":2)"), got.find(R"("seed":3)"));
  EXPECT_NE(got.find(R"("seed":3)"), std::string::npos);
}

TEST_F(DemoEngineTest, WhatIsNotHttpIsRefused) {
  std::optional<io::Connection> connection;
  io::Connector connector(context(), engine_->address(), io::test::kGenerousDeadline,
                          [&](Result<io::Connection> c) { connection = std::move(c).value(); });
  run_until([&] { return connection.has_value(); });
  std::string got;
  bool closed = false;
  connection->start({.on_bytes = [&](ByteView b) { got += as_text(b); },
                     .on_end = {},
                     .on_pressure = {},
                     .on_closed = [&](const Error&) { closed = true; }});
  connection->write(as_bytes("SSH-2.0-nonsense\r\n\r\n"));
  run_until([&] { return closed; });
  EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 400");
}

}  // namespace
}  // namespace cocoon::demo
