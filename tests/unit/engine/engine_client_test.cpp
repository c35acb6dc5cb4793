#include "engine/engine_client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "engine/engine_url.h"
#include "engine/model_list.h"
#include "unit/io/scripted_server.h"
#include "unit/io/test_loop.h"

namespace cocoon::engine {
namespace {

using io::test::ScriptedServer;

std::string answer(const std::string& body, const std::string& status = "200 OK",
                   const std::string& type = "application/json") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
constexpr char kModels[] = R"({"object":"list","data":[{"id":"m1"},{"id":"m2"}]})";
constexpr char kStreamHead[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

/// What became of one run.
struct RunRecord {
  int started = 0;
  std::optional<ports::EngineHead> head;
  std::string bytes;
  std::optional<Status> end;
  std::string_view code() const { return end && !*end ? end->error().code() : "none"; }
};

class EngineClientTest : public io::test::LoopTest {
 protected:
  void serve(const io::Address& at = {.host = "127.0.0.1"}) {
    server_ = std::make_unique<ScriptedServer>(
        context(), at,
        [this](const std::string& r, ScriptedServer::Peer& peer) { respond(r, peer); });
    ASSERT_TRUE(server_->listens());
  }

  void respond(const std::string& request, ScriptedServer::Peer& peer) {
    if (request.rfind("GET /v1/models ", 0) == 0) return peer.send(models_);
    if (request.rfind("GET /health ", 0) == 0) return peer.send(health_);
    if (request.rfind("GET ", 0) == 0) return peer.send(answer("{}", "404 Not Found"));
    ++posts_;
    last_post_ = request;
    on_post_(peer);
  }

  void connect(EngineOptions options) {
    auto engine = EngineClient::create(context(), std::move(options),
                                       [this](const ports::EngineEvent& e) { note(e); });
    ASSERT_TRUE(engine) << engine.error().detail();
    engine_ = std::move(engine).value();
  }
  /// Serves, and connects.
  void start(std::function<void(ScriptedServer::Peer&)> on_post) {
    on_post_ = std::move(on_post);
    serve();
    EngineOptions options;
    options.url = server_->url();
    options.first_byte = first_byte_;
    options.progress = progress_;
    options.probe_interval = Millis(20);
    options.log = Logger(
        [this](const LogRecord& r) {
          if (r.level == LogLevel::warning) warnings_ += std::string(r.message) + "\n";
        },
        "engine");
    connect(std::move(options));
  }

  void note(const ports::EngineEvent& event) {
    std::visit([this](const auto& e) { note_one(e); }, event);
    if (on_event_) on_event_(event);
  }
  void note_one(const ports::EngineStarted& e) { ++runs_[e.run].started; }
  void note_one(const ports::EngineHead& e) {
    EXPECT_EQ(runs_[e.run].started, 1);
    runs_[e.run].head = e;
  }
  void note_one(const ports::EngineBytes& e) { runs_[e.run].bytes += as_text(e.bytes); }
  void note_one(const ports::EngineEnd& e) {
    EXPECT_FALSE(runs_[e.run].end.has_value()) << "a run ends once";
    runs_[e.run].end = e.status;
  }
  void note_one(const ports::EngineReadiness& e) { readiness_.push_back(e); }

  void begin(ports::EngineRun run, bool streams = true, Millis time_left = Millis(60000)) {
    engine_->start({.run = run,
                    .path = "/v1/chat/completions",
                    .body = R"({"model":"m1"})",
                    .streams = streams,
                    .time_left = time_left});
    EXPECT_FALSE(runs_[run].end.has_value()) << "no event inside the call";
  }
  RunRecord& finish(ports::EngineRun run) {
    run_until([&] { return runs_[run].end.has_value(); });
    return runs_[run];
  }
  /// Runs one request against an engine that answers with these bytes and then closes.
  RunRecord& outcome_of(const std::string& bytes, bool streams = true) {
    start([bytes](ScriptedServer::Peer& peer) {
      peer.send(bytes);
      peer.connection.finish(io::test::kGenerousDeadline);
    });
    begin(1, streams);
    return finish(1);
  }
  const ports::EngineReadiness& wait_readiness() {
    run_until([&] { return !readiness_.empty(); });
    return readiness_.back();
  }

  void TearDown() override {
    engine_.reset();
    server_.reset();
  }

  // Short only where a test waits for one to pass: a busy machine must not run into the others.
  Millis first_byte_ = io::test::kGenerousDeadline;
  Millis progress_ = io::test::kGenerousDeadline;
  std::string models_ = answer(kModels);
  std::string health_ = answer("", "200 OK", "text/plain");
  std::function<void(ScriptedServer::Peer&)> on_post_ = [](ScriptedServer::Peer&) {};
  std::function<void(const ports::EngineEvent&)> on_event_;
  int posts_ = 0;
  std::string warnings_;
  std::string last_post_;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<EngineClient> engine_;
  std::map<ports::EngineRun, RunRecord> runs_;
  std::vector<ports::EngineReadiness> readiness_;
};

// --- Runs ---

TEST(EnginePlace, OutsideDevelopmentNetworksItIsWhatDoesNotLeaveTheGuest) {
  for (const auto* url : {"http://127.0.0.1:8000", "http://127.9.9.9", "http://localhost:1/path",
                          "http://[::1]:8000", "unix:/run/engine.sock", "https://127.0.0.1"}) {
    EXPECT_TRUE(check_engine_place(url, false)) << url;
  }
  for (const auto* url :
       {"http://10.0.0.1:8000", "http://engine:8000", "http://127.0.0.1.example.org:80",
        "http://localhost.example.org", "http://[::2]:1", "http://[::1%eth0]:1", "http://0.0.0.0:1",
        "http://engine/127.0.0.1", "http://2130706433:80"}) {
    const Status place = check_engine_place(url, false);
    ASSERT_FALSE(place) << url;
    EXPECT_TRUE(place.error().code() == "engine_not_local" ||
                place.error().code() == "bad_engine_url")
        << place.error().code();
    if (place.error().code() == "engine_not_local") {
      EXPECT_TRUE(check_engine_place(url, true)) << url;
    }
  }
}

TEST_F(EngineClientTest, StreamComesPieceByPiece) {
  start([](ScriptedServer::Peer& peer) {
    peer.send(std::string(kStreamHead) + "9\r\ndata: 1\n\n\r\n");
  });
  begin(7);
  run_until([&] { return runs_[7].bytes == "data: 1\n\n"; });
  EXPECT_EQ(runs_[7].started, 1);
  EXPECT_EQ(runs_[7].head->status, 200);
  EXPECT_EQ(runs_[7].head->content_type, "text/event-stream");
  EXPECT_FALSE(runs_[7].end.has_value());
  for (std::size_t i = 0; i < server_->connections(); ++i) {
    server_->peer(i).send("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  }
  EXPECT_TRUE(*finish(7).end);
  EXPECT_EQ(runs_[7].bytes, "data: 1\n\ndata: 2\n\n");
}

TEST_F(EngineClientTest, RequestIsAPostOfTheBody) {
  EXPECT_TRUE(*outcome_of(answer("{}"), false).end);
  EXPECT_EQ(last_post_.rfind("POST /v1/chat/completions HTTP/1.1\r\n", 0), 0u);
  EXPECT_NE(last_post_.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(last_post_.find("\r\n\r\n{\"model\":\"m1\"}"), std::string::npos);
}

TEST_F(EngineClientTest, EnginesOwnErrorPassesThrough) {
  const RunRecord& r = outcome_of(answer(R"({"error":{}})", "400 Bad Request"));
  EXPECT_TRUE(*r.end);
  EXPECT_EQ(r.head->status, 400);
  EXPECT_EQ(r.bytes, R"({"error":{}})");
}

TEST_F(EngineClientTest, EngineThatIsDownNeverStartsTheRun) {
  serve();
  EngineOptions options;
  options.url = server_->url();
  server_.reset();
  connect(std::move(options));
  begin(1);
  const RunRecord& r = finish(1);
  EXPECT_EQ(r.code(), "engine_down");
  EXPECT_EQ(r.end->error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(r.started, 0);
}

TEST_F(EngineClientTest, ErrorsForTheClientNameNoAddress) {
  const RunRecord& r = outcome_of("");
  EXPECT_EQ(r.end->error().detail().find("127.0.0.1"), std::string::npos);
}

TEST_F(EngineClientTest, EngineThatClosesWithoutAnAnswerSaysSo) {
  const RunRecord& r = outcome_of("");
  EXPECT_EQ(r.code(), "engine_closed");
  EXPECT_EQ(r.started, 1);
  EXPECT_EQ(posts_, 1) << "the engine may have run it: it is not sent again";
}

TEST_F(EngineClientTest, StreamThatBreaksOffSaysSo) {
  const RunRecord& r = outcome_of(std::string(kStreamHead) + "9\r\ndata: 1\n\n\r\n");
  EXPECT_EQ(r.code(), "engine_broke_off");
  EXPECT_EQ(r.end->error().kind(), ErrorKind::upstream);
  EXPECT_EQ(r.bytes, "data: 1\n\n");
}

TEST_F(EngineClientTest, AnswerShorterThanItsLengthBrokeOff) {
  const RunRecord& r = outcome_of(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}", false);
  EXPECT_EQ(r.code(), "engine_broke_off");
}

TEST_F(EngineClientTest, ContradictingLengthsAreABadAnswer) {
  EXPECT_EQ(
      outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", false)
          .code(),
      "engine_bad_answer");
}

TEST_F(EngineClientTest, OversizedHeadIsABadAnswer) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 600; ++i) {
    head += "X-" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
  }
  EXPECT_EQ(outcome_of(head + "\r\n").code(), "engine_bad_answer");
}

TEST_F(EngineClientTest, JsonInAnswerToARequestForAStreamIsRefused) {
  const RunRecord& r = outcome_of(answer("{}"), true);
  EXPECT_EQ(r.code(), "engine_not_streaming");
  EXPECT_FALSE(r.head.has_value());
  EXPECT_EQ(r.bytes, "");
  EXPECT_NE(warnings_.find("did not answer a request for a stream with one"), std::string::npos);
}

TEST_F(EngineClientTest, AStreamThatWasNotAskedForIsRefusedBeforeAnyOfItIsPassedOn) {
  const RunRecord& r = outcome_of(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: x\n\n",
      false);
  EXPECT_EQ(r.code(), "engine_bad_answer");
  EXPECT_FALSE(r.head.has_value());
  EXPECT_EQ(r.bytes, "");
}

TEST_F(EngineClientTest, RedirectIsRefused) {
  EXPECT_EQ(outcome_of("HTTP/1.1 302 Found\r\nLocation: http://evil/\r\nContent-Length: 0\r\n\r\n")
                .code(),
            "engine_redirected");
  EXPECT_NE(warnings_.find("a redirect (302)"), std::string::npos);
}

TEST_F(EngineClientTest, SilentEngineRunsIntoTheFirstByteDeadline) {
  first_byte_ = Millis(100);
  start([](ScriptedServer::Peer&) {});
  begin(1);
  const RunRecord& r = finish(1);
  EXPECT_EQ(r.code(), "engine_slow");
  EXPECT_EQ(r.end->error().kind(), ErrorKind::timeout);
}

TEST_F(EngineClientTest, AnAnswerThatIsNoStreamMayTakeLongerThanTheFirstByteOfOne) {
  first_byte_ = Millis(100);
  ScriptedServer::Peer* plain = nullptr;
  start([this, &plain](ScriptedServer::Peer& peer) {
    if (last_post_.find("Accept: application/json") != std::string::npos) plain = &peer;
  });
  begin(1, false);
  begin(2, true);
  EXPECT_EQ(finish(2).code(), "engine_slow");
  ASSERT_NE(plain, nullptr);
  EXPECT_FALSE(runs_[1].end.has_value());
  plain->send(answer("{}"));
  EXPECT_TRUE(*finish(1).end);
}

TEST_F(EngineClientTest, StalledStreamRunsIntoTheProgressDeadline) {
  progress_ = Millis(100);
  start([](ScriptedServer::Peer& peer) {
    peer.send(std::string(kStreamHead) + "9\r\ndata: 1\n\n\r\n");
  });
  begin(1);
  EXPECT_EQ(finish(1).code(), "engine_stalled");
}

TEST_F(EngineClientTest, TimeLeftBoundsTheWholeRun) {
  start([](ScriptedServer::Peer&) {});
  begin(1, true, Millis(20));
  EXPECT_EQ(finish(1).code(), "engine_deadline");
  begin(2, true, Millis(-5));
  EXPECT_EQ(finish(2).code(), "engine_deadline");
}

TEST_F(EngineClientTest, CancelIsSeenByTheEngineAndEndsTheEvents) {
  ScriptedServer::Peer* answering = nullptr;
  start([&](ScriptedServer::Peer& peer) {
    answering = &peer;
    peer.send(std::string(kStreamHead) + "9\r\ndata: 1\n\n\r\n");
  });
  begin(1);
  run_until([&] { return !runs_[1].bytes.empty(); });
  engine_->cancel(1);
  run_until([&] { return answering->gone; });
  EXPECT_FALSE(runs_[1].end.has_value());
  engine_->cancel(1);
  engine_->pause(1, true);
}

TEST_F(EngineClientTest, PausedRunHoldsTheEngineBack) {
  constexpr std::size_t kBytes = std::size_t{16} * 1024 * 1024;
  ScriptedServer::Peer* answering = nullptr;
  start([&](ScriptedServer::Peer& peer) {
    answering = &peer;
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
              std::to_string(kBytes) + "\r\n\r\n");
    peer.connection.write(Bytes(kBytes, 'x'));
  });
  begin(1);
  run_until([&] { return runs_[1].head.has_value(); });
  engine_->pause(1, true);
  const std::size_t before = runs_[1].bytes.size();
  for (int i = 0; i < 100; ++i) run_turn();
  EXPECT_EQ(runs_[1].bytes.size(), before);
  EXPECT_GT(answering->connection.pending_bytes(), 0u);
  engine_->pause(1, false);
  EXPECT_TRUE(*finish(1).end);
  EXPECT_EQ(runs_[1].bytes.size(), kBytes);
}

TEST_F(EngineClientTest, EngineMayBeDestroyedByAnyEvent) {
  for (const std::size_t kind : {0u, 1u, 2u, 3u, 4u}) {
    runs_.clear();
    start([](ScriptedServer::Peer& peer) {
      peer.send(answer("data: 1\n\n", "200 OK", "text/event-stream"));
    });
    bool destroyed = false;
    on_event_ = [&](const ports::EngineEvent& e) {
      if (e.index() != kind) return;
      engine_.reset();
      destroyed = true;
    };
    if (kind != 4) begin(1);
    EXPECT_TRUE(run_until([&] { return destroyed; })) << kind;
    on_event_ = {};
  }
}

TEST_F(EngineClientTest, ManyRunsKeepTheirAnswersApart) {
  start([this](ScriptedServer::Peer& peer) {
    peer.send(answer("n" + std::to_string(posts_), "200 OK", "text/event-stream"));
  });
  for (ports::EngineRun run = 1; run <= 50; ++run) begin(run);
  run_until([&] {
    for (ports::EngineRun run = 1; run <= 50; ++run) {
      if (!runs_[run].end) return false;
    }
    return true;
  });
  std::map<std::string, int> answers;
  for (const auto& [run, r] : runs_) ++answers[r.bytes];
  EXPECT_EQ(answers.size(), 50u);
}

// --- Readiness ---

TEST_F(EngineClientTest, ReadyEngineIsReportedOnceWithItsModels) {
  start({});
  EXPECT_TRUE(wait_readiness().ready) << readiness_.back().reason;
  EXPECT_EQ(readiness_.back().models, (std::vector<std::string>{"m1", "m2"}));
  const std::size_t asked = server_->requests();
  run_until([&] { return server_->requests() >= asked + 6; });
  EXPECT_EQ(readiness_.size(), 1u) << "only changes are reported";
}

TEST_F(EngineClientTest, EngineWithoutHealthPathIsReady) {
  health_ = answer("", "404 Not Found");
  start({});
  EXPECT_TRUE(wait_readiness().ready);
}

TEST_F(EngineClientTest, RefusedConnectionAsksWhetherTheEngineIsStarted) {
  serve();
  EngineOptions options;
  options.url = server_->url();
  const io::Address address = server_->address();
  server_.reset();
  connect(std::move(options));
  EXPECT_FALSE(wait_readiness().ready);
  EXPECT_NE(readiness_.back().reason.find(address.text()), std::string::npos);
  EXPECT_NE(readiness_.back().reason.find("is it started"), std::string::npos);
  // And when it is started, that is found out.
  serve(address);
  run_until([&] { return readiness_.back().ready; });
}

TEST_F(EngineClientTest, WhatTheEngineSaysDecidesTheReason) {
  const std::pair<std::string, std::string> cases[] = {
      {answer("{}", "401 Unauthorized"), "API key"},
      {answer("{}", "404 Not Found"), "without /v1"},
      {answer("{}", "503 Service Unavailable"), "still loading"},
      {answer("{}", "500 Oops"), "its own log"},
      {answer("<html>"), "no list of models"},
      {answer(R"({"data":[{"id":5}]})"), "no list of models"},
      {answer(R"({"data":[]})"), "serves no model"},
      {"SSH-2.0\r\n\r\n", "does not work"}};
  for (const auto& [bytes, words] : cases) {
    readiness_.clear();
    models_ = bytes;
    start({});
    EXPECT_FALSE(wait_readiness().ready) << bytes;
    EXPECT_NE(readiness_.back().reason.find(words), std::string::npos) << readiness_.back().reason;
  }
}

TEST_F(EngineClientTest, UnhealthyEngineIsNotReadyUntilItRecovers) {
  health_ = answer("", "503 Service Unavailable");
  start({});
  EXPECT_FALSE(wait_readiness().ready);
  health_ = answer("");
  run_until([&] { return readiness_.back().ready; });
  EXPECT_EQ(readiness_.size(), 2u);
}

TEST_F(EngineClientTest, MissingModelNamesWhatIsServedInstead) {
  serve();
  EngineOptions options;
  options.url = server_->url();
  options.required_models = {"m2", "m3"};
  connect(std::move(options));
  EXPECT_FALSE(wait_readiness().ready);
  EXPECT_NE(readiness_.back().reason.find("\"m3\""), std::string::npos);
  EXPECT_NE(readiness_.back().reason.find("m1, m2"), std::string::npos);
}

TEST_F(EngineClientTest, FailedRunMakesTheProbeHurry) {
  on_post_ = [this](ScriptedServer::Peer& peer) {
    models_ = answer("{}", "503 Service Unavailable");
    peer.connection.close();
  };
  serve();
  EngineOptions options;
  options.url = server_->url();
  // The next probe by itself would come after the test has given up.
  options.probe_interval = std::chrono::hours(1);
  connect(std::move(options));
  ASSERT_TRUE(wait_readiness().ready);
  begin(1);
  run_until([&] { return !readiness_.back().ready; });
}

TEST_F(EngineClientTest, UnixSocketIsAnEngineToo) {
  char folder[] = "/tmp/cocoon-engine-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/e.sock";
  serve({.unix_path = path});
  EngineOptions options;
  options.url = "unix:" + path;
  connect(std::move(options));
  EXPECT_TRUE(wait_readiness().ready) << readiness_.back().reason;
  engine_.reset();
  server_.reset();
  ::rmdir(folder);
}

// --- Configuration ---

TEST(EngineUrlTest, BadUrlsSayWhatIsExpected) {
  for (const char* url :
       {"", "127.0.0.1:8000", "ftp://x", "http://", "http://h/v1", "http://h/v1/", "http://u:p@h",
        "http://h?x=1", "http://h:99999", "unix:", "http://a b"}) {
    const auto parsed = EngineUrl::parse(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code(), "bad_engine_url");
    EXPECT_NE(parsed.error().detail().find("http://127.0.0.1:8000"), std::string::npos);
  }
}

TEST(EngineUrlTest, SlashAtTheEndIsNoMatter) {
  const auto parsed = EngineUrl::parse("http://h:8000/prefix/");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request(io::HttpMethod::get, "/v1/models").url,
            "http://h:8000/prefix/v1/models");
}

TEST(ModelListTest, ListIsBoundedAndTyped) {
  EXPECT_FALSE(parse_model_list(""));
  EXPECT_FALSE(parse_model_list("[]"));
  EXPECT_FALSE(parse_model_list(R"({"data":{}})"));
  EXPECT_FALSE(parse_model_list(R"({"data":[{"id":""}]})"));
  EXPECT_FALSE(parse_model_list(R"({"data":[{"id":")" + std::string(10000, 'x') + R"("}]})"));
  std::string many = R"({"data":[{"id":"a"})";
  for (int i = 0; i < 1000; ++i) many += R"(,{"id":"b"})";
  const auto list = parse_model_list(many + "]}");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), limits::kMaxClaimedModels);
}

TEST(ModelListTest, AnIdThatCouldForgeALogLineIsRefused) {
  EXPECT_FALSE(parse_model_list(R"({"data":[{"id":"m\n2026 error: forged"}]})"));
  EXPECT_FALSE(parse_model_list("{\"data\":[{\"id\":\"m\x7f\"}]}"));
  EXPECT_TRUE(parse_model_list(R"({"data":[{"id":"caf\u00e9 m"}]})"));
}

}  // namespace
}  // namespace cocoon::engine
