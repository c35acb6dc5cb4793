#include "io/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/io/scripted_server.h"
#include "unit/io/test_loop.h"

namespace cocoon::io {
namespace {

using test::ScriptedServer;

/// What an exchange reported.
struct Record {
  int sent = 0;
  std::optional<HttpAnswerHead> head;
  std::string body;
  std::optional<Status> done;

  HttpEvents events() {
    HttpEvents e;
    e.on_sent = [this] { ++sent; };
    e.on_head = [this](const HttpAnswerHead& h) { head = h; };
    e.on_body = [this](ByteView b) { body += as_text(b); };
    e.on_done = [this](Status s) { done = std::move(s); };
    return e;
  }
  std::string_view code() const {
    return done && !*done ? done->error().code() : std::string_view("none");
  }
};

class HttpClientTest : public test::LoopTest {
 protected:
  void serve(ScriptedServer::Script script) {
    server_ = std::make_unique<ScriptedServer>(context(), Address{.host = "127.0.0.1"},
                                               std::move(script));
    ASSERT_TRUE(server_->listens());
  }
  /// Every request gets these bytes; then the connection ends, if `close`.
  void serve_bytes(std::string bytes, bool close = false) {
    serve([bytes = std::move(bytes), close](const std::string&, ScriptedServer::Peer& peer) {
      peer.send(bytes);
      if (close) peer.connection.finish(test::kGenerousDeadline);
    });
  }

  HttpClient& client() {
    if (!client_) client_ = std::make_unique<HttpClient>(context());
    return *client_;
  }
  HttpRequest get(const std::string& path = "/x") {
    HttpRequest request;
    request.url = server_->url(path);
    return request;
  }
  HttpRequest post(std::string body) {
    HttpRequest request = get("/x");
    request.method = HttpMethod::post;
    request.body = std::move(body);
    return request;
  }
  HttpTransfer start(HttpRequest request, Record& record) {
    auto started = client().start(std::move(request), record.events());
    EXPECT_TRUE(started) << started.error().detail();
    EXPECT_FALSE(record.done.has_value()) << "never inside the call";
    return std::move(started).value();
  }
  /// Runs one exchange to its end.
  Record run(HttpRequest request) {
    Record record;
    const HttpTransfer transfer = start(std::move(request), record);
    run_until([&] { return record.done.has_value(); });
    return record;
  }
  Record answer_of(std::string bytes, bool close = false) {
    serve_bytes(std::move(bytes), close);
    return run(get());
  }

  void TearDown() override {
    client_.reset();
    server_.reset();
  }

  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<HttpClient> client_;
};

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(HttpClientTest, AnswerArrivesWithItsFieldsInLowerCase) {
  const Record r =
      answer_of("HTTP/1.1 404 Nope\r\nX-Thing:  a b \r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(r.done && *r.done) << r.code();
  EXPECT_EQ(r.head->status, 404);
  EXPECT_EQ(r.head->field("x-thing"), "a b");
  EXPECT_EQ(r.head->field("absent"), "");
  EXPECT_EQ(r.body, "hello");
  EXPECT_EQ(r.sent, 1);
}

TEST_F(HttpClientTest, RequestCarriesMethodFieldsAndBodyAndNothingUnasked) {
  std::string seen;
  serve([&](const std::string& request, ScriptedServer::Peer& peer) {
    seen = request;
    peer.send(kOk);
  });
  HttpRequest request = post(std::string(5000, 'b'));
  request.fields = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  const Record r = run(std::move(request));
  ASSERT_TRUE(*r.done);
  EXPECT_EQ(seen.substr(0, 18), "POST /x HTTP/1.1\r\n");
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(seen.find("X-Empty:"), std::string::npos);
  EXPECT_NE(seen.find("\r\n\r\n" + std::string(5000, 'b')), std::string::npos);
  for (const char* unasked : {"Expect:", "User-Agent:", "Cookie:", "Accept-Encoding:"}) {
    EXPECT_EQ(seen.find(unasked), std::string::npos) << unasked;
  }
}

TEST_F(HttpClientTest, NothingOfARequestIsLeftToTheNext) {
  std::string seen;
  serve([&](const std::string& request, ScriptedServer::Peer& peer) {
    seen = request;
    peer.send(kOk);
  });
  HttpRequest first = post("secret of the first");
  first.fields = {{"X-Key", "key of the first"}};
  ASSERT_TRUE(*run(std::move(first)).done);
  ASSERT_TRUE(*run(get("/second")).done);
  EXPECT_EQ(seen.substr(0, 22), "GET /second HTTP/1.1\r\n");
  EXPECT_EQ(seen.find("first"), std::string::npos) << seen;
  EXPECT_EQ(seen.substr(seen.size() - 4), "\r\n\r\n");
}

TEST_F(HttpClientTest, BodyComesAsItArrives) {
  serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  Record r;
  const HttpTransfer transfer = start(get(), r);
  run_until([&] { return r.body == "first"; });
  EXPECT_FALSE(r.done.has_value());
  server_->peer(0).send("6\r\nsecond\r\n0\r\n\r\n");
  run_until([&] { return r.done.has_value(); });
  EXPECT_TRUE(*r.done);
  EXPECT_EQ(r.body, "firstsecond");
}

TEST_F(HttpClientTest, ConnectionIsUsedAgain) {
  serve_bytes(kOk);
  EXPECT_TRUE(*run(get()).done);
  EXPECT_TRUE(*run(post("{}")).done);
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(server_->requests(), 2u);
}

TEST_F(HttpClientTest, RefusedConnectionSaysSo) {
  serve_bytes("");
  HttpRequest request = get();
  server_.reset();
  const Record r = run(std::move(request));
  EXPECT_EQ(r.code(), "connection_refused");
  EXPECT_EQ(r.done->error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(r.sent, 0);
}

TEST_F(HttpClientTest, UnknownHostNameSaysSo) {
  HttpRequest request;
  request.url = "http://nowhere.invalid/";
  EXPECT_EQ(run(std::move(request)).code(), "name_not_found");
}

TEST_F(HttpClientTest, UrlsThatCannotBeFetchedAreRefusedAtOnce) {
  for (const char* url : {"", "nonsense", "ftp://x/", "file:///etc/passwd", "http://",
                          "http://u:p@h/", "gopher://x/", "http://h:99999/"}) {
    HttpRequest request;
    request.url = url;
    auto started = client().start(std::move(request), {});
    ASSERT_FALSE(started) << url;
    EXPECT_EQ(started.error().code(), "bad_url");
  }
}

TEST_F(HttpClientTest, FieldsThatWouldSplitTheRequestAreRefused) {
  for (const HttpField& field :
       {HttpField{"X", "a\r\nEvil: 1"}, HttpField{"X\r\nEvil", "1"}, HttpField{"", "1"},
        HttpField{"X", std::string("a\0b", 3)}, HttpField{"X Y", "1"}}) {
    HttpRequest request;
    request.url = "http://127.0.0.1:1/";
    request.fields = {field};
    auto started = client().start(std::move(request), {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), "bad_field");
  }
}

TEST_F(HttpClientTest, EndBeforeTheDeclaredLengthIsBrokenOff) {
  const Record r = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", true);
  EXPECT_EQ(r.code(), "broken_off");
  EXPECT_EQ(r.body, "short");
}

TEST_F(HttpClientTest, EndInTheMiddleOfAChunkedBodyIsBrokenOff) {
  EXPECT_EQ(answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfir", true).code(),
            "broken_off");
}

TEST_F(HttpClientTest, ChunkedBodyWithoutItsLastChunkIsBrokenOff) {
  EXPECT_EQ(
      answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", true).code(),
      "broken_off");
}

TEST_F(HttpClientTest, EndWithoutAnAnswerSaysSo) {
  EXPECT_EQ(answer_of("", true).code(), "closed_before_answer");
}

TEST_F(HttpClientTest, EndInTheMiddleOfTheHeadIsNoAnswer) {
  const Record r = answer_of("HTTP/1.1 200 OK\r\nContent-Len", true);
  ASSERT_TRUE(r.done.has_value());
  EXPECT_FALSE(*r.done);
  EXPECT_FALSE(r.head.has_value());
}

TEST_F(HttpClientTest, WhatIsNotHttpIsABadAnswer) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 700 High\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nfirst\r\n"}) {
    EXPECT_EQ(answer_of(bytes, true).code(), "bad_answer") << bytes;
  }
}

TEST_F(HttpClientTest, TwoDifferentLengthsAreABadAnswer) {
  EXPECT_EQ(
      answer_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello").code(),
      "bad_answer");
}

TEST_F(HttpClientTest, NegativeLengthIsABadAnswer) {
  EXPECT_EQ(answer_of("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello").code(), "bad_answer");
}

TEST_F(HttpClientTest, BytesBeyondTheDeclaredLengthAreNotTakenForTheNextAnswer) {
  serve([&](const std::string&, ScriptedServer::Peer& peer) {
    peer.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  });
  for (int i = 0; i < 2; ++i) {
    const Record r = run(get());
    EXPECT_TRUE(*r.done);
    EXPECT_EQ(r.body, "ok");
  }
  EXPECT_EQ(server_->connections(), 2u);
}

TEST_F(HttpClientTest, OversizedHeadIsRefused) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1000; ++i)
    head += "X-Field-" + std::to_string(i) + ": " + std::string(64, 'v') + "\r\n";
  const Record r = answer_of(head + "\r\n");
  EXPECT_EQ(r.code(), "head_too_large");
  EXPECT_FALSE(r.head.has_value());
}

TEST_F(HttpClientTest, OversizedBodyIsRefusedBeforeItIsDelivered) {
  serve_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + std::string(2000000, 'x'));
  HttpRequest request = get();
  request.max_body_bytes = 100 * 1024;
  const Record r = run(std::move(request));
  EXPECT_EQ(r.code(), "answer_too_large");
  EXPECT_LE(r.body.size(), 100u * 1024);
}

TEST_F(HttpClientTest, InterimAnswersAreSkipped) {
  const Record r = answer_of(std::string("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") + kOk);
  ASSERT_TRUE(*r.done);
  EXPECT_EQ(r.head->status, 200);
  EXPECT_EQ(r.head->field("link"), "");
}

TEST_F(HttpClientTest, RedirectsAreNotFollowed) {
  const Record r =
      answer_of("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(*r.done);
  EXPECT_EQ(r.head->status, 302);
  EXPECT_EQ(server_->requests(), 1u);
}

TEST_F(HttpClientTest, ProxyVariablesOfTheEnvironmentAreIgnored) {
  ::setenv("http_proxy", "http://127.0.0.1:1/", 1);
  ::setenv("all_proxy", "http://127.0.0.1:1/", 1);
  const Record r = answer_of(kOk);
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  EXPECT_TRUE(*r.done) << r.code();
}

TEST_F(HttpClientTest, FirstByteDeadlineCoversAHeadWithoutABody) {
  serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  HttpRequest request = get();
  request.deadlines.first_byte = Millis(50);
  const Record r = run(std::move(request));
  EXPECT_EQ(r.code(), "first_byte_timeout");
  run_until([&] { return server_->peer(0).gone; });
}

TEST_F(HttpClientTest, ProgressDeadlineCountsFromTheLastByte) {
  serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  HttpRequest request = get();
  request.deadlines.first_byte = test::kGenerousDeadline;
  request.deadlines.progress = Millis(50);
  const Record r = run(std::move(request));
  EXPECT_EQ(r.code(), "progress_timeout");
  EXPECT_EQ(r.body, "first");
}

TEST_F(HttpClientTest, ProgressDeadlineDoesNotCountTimeThatTheOwnerPaused) {
  serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  HttpRequest request = get();
  request.deadlines.progress = Millis(20);
  Record r;
  HttpTransfer transfer = start(std::move(request), r);
  run_until([&] {
    if (!r.body.empty()) transfer.pause();
    return !r.body.empty();
  });
  bool later = false;
  Timer wait(context(), [&] { later = true; });
  wait.set_in(Millis(100));
  run_until([&] { return later; });
  EXPECT_FALSE(r.done.has_value());
  transfer.resume();
  run_until([&] { return r.done.has_value(); });
  EXPECT_EQ(r.code(), "progress_timeout");
}

TEST_F(HttpClientTest, TotalDeadlineEndsAnAnswerThatKeepsComing) {
  serve([](const std::string&, ScriptedServer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  });
  HttpRequest request = get();
  request.deadlines.total = Millis(50);
  Record r;
  const HttpTransfer transfer = start(std::move(request), r);
  run_until([&] {
    if (server_->connections() > 0 && server_->requests() > 0) server_->peer(0).send("1\r\nx\r\n");
    return r.done.has_value();
  });
  EXPECT_EQ(r.code(), "total_timeout");
}

TEST_F(HttpClientTest, CancelIsSeenByTheServerAtOnce) {
  serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  Record r;
  HttpTransfer transfer = start(get(), r);
  run_until([&] { return r.body == "first"; });
  transfer.cancel();
  run_until([&] { return server_->peer(0).gone; });
  EXPECT_FALSE(r.done.has_value());
}

TEST_F(HttpClientTest, CancelBeforeTheConnectionStandsCallsNothing) {
  serve_bytes(kOk);
  Record r;
  { const HttpTransfer transfer = start(get(), r); }
  for (int i = 0; i < 10; ++i) run_turn();
  EXPECT_FALSE(r.done.has_value());
  EXPECT_EQ(r.sent, 0);
}

TEST_F(HttpClientTest, PausedTransferHoldsTheServerBack) {
  serve([](const std::string&, ScriptedServer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n");
    peer.connection.write(Bytes(16 * 1024 * 1024, 'x'));
  });
  Record r;
  HttpTransfer transfer = start(get(), r);
  run_until([&] { return r.head.has_value(); });
  transfer.pause();
  const std::size_t before = r.body.size();
  for (int i = 0; i < 100; ++i) run_turn();
  EXPECT_EQ(r.body.size(), before);
  const std::size_t unsent = server_->peer(0).connection.pending_bytes();
  EXPECT_GT(unsent, 0u) << "the kernel's buffers are full, and ours are not";
  transfer.resume();
  run_until([&] { return r.done.has_value(); });
  EXPECT_TRUE(*r.done);
  EXPECT_EQ(r.body.size(), 16u * 1024 * 1024);
}

TEST_F(HttpClientTest, PauseInsideABodyCallbackHoldsTheNextPiece) {
  serve_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(1000000, 'x'));
  HttpTransfer transfer;
  std::size_t pieces = 0;
  std::size_t bytes = 0;
  bool done = false;
  HttpEvents events;
  events.on_body = [&](ByteView b) {
    ++pieces;
    bytes += b.size();
    transfer.pause();
  };
  events.on_done = [&](const Status&) { done = true; };
  transfer = std::move(client().start(get(), std::move(events))).value();
  std::size_t expected = 0;
  run_until([&] {
    EXPECT_LE(pieces, expected + 1);
    expected = pieces;
    transfer.resume();
    return done;
  });
  EXPECT_EQ(bytes, 1000000u);
  EXPECT_GT(pieces, 10u);
}

TEST_F(HttpClientTest, ResetInTheMiddleOfTheAnswerSaysSo) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/";
  Record r;
  const HttpTransfer transfer = start(std::move(request), r);
  run_until([&] { return r.sent == 1; });
  const int peer = ::accept(listener, nullptr, nullptr);
  constexpr std::string_view kPart = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
  ASSERT_EQ(::send(peer, kPart.data(), kPart.size(), 0), static_cast<ssize_t>(kPart.size()));
  run_until([&] { return r.body == "short"; });
  const linger now{1, 0};
  ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(peer);
  ::close(listener);
  run_until([&] { return r.done.has_value(); });
  EXPECT_EQ(r.code(), "connection_reset");
}

TEST_F(HttpClientTest, PostIsNotSentAgainWhenAKeptConnectionDies) {
  int answered = 0;
  serve([&](const std::string&, ScriptedServer::Peer& peer) {
    if (++answered == 1) return peer.send(kOk);
    peer.connection.close();
  });
  EXPECT_TRUE(*run(post("{}")).done);
  const Record r = run(post("{}"));
  EXPECT_EQ(r.code(), "closed_before_answer");
  EXPECT_EQ(r.sent, 1);
  EXPECT_EQ(server_->requests(), 2u) << "a third one would be a second run of the second";
}

TEST_F(HttpClientTest, GetIsSentAgainWhenAKeptConnectionDies) {
  int answered = 0;
  serve([&](const std::string&, ScriptedServer::Peer& peer) {
    if (++answered == 2) return peer.connection.close();
    peer.send(kOk);
  });
  EXPECT_TRUE(*run(get()).done);
  EXPECT_TRUE(*run(get()).done);
  EXPECT_EQ(server_->requests(), 3u);
}

TEST_F(HttpClientTest, FurtherRequestsWaitForAConnection) {
  std::vector<ScriptedServer::Peer*> waiting;
  serve([&](const std::string&, ScriptedServer::Peer& peer) { waiting.push_back(&peer); });
  client_ = std::make_unique<HttpClient>(context(), HttpClientOptions{.max_connections = 2});
  std::vector<Record> records(5);
  std::vector<HttpTransfer> transfers;
  for (Record& r : records) transfers.push_back(start(get(), r));
  run_until([&] { return waiting.size() == 2; });
  for (int i = 0; i < 20; ++i) run_turn();
  EXPECT_EQ(server_->connections(), 2u);
  std::size_t answered = 0;
  run_until([&] {
    while (answered < waiting.size()) waiting[answered++]->send(kOk);
    for (const Record& r : records) {
      if (!r.done) return false;
    }
    return true;
  });
  EXPECT_LE(server_->connections(), 2u);
}

TEST_F(HttpClientTest, CallbacksMayStartOthersAndEndTheClient) {
  serve_bytes(kOk);
  HttpTransfer second;
  bool ended = false;
  HttpEvents events;
  events.on_done = [&](const Status&) {
    HttpEvents inner;
    inner.on_head = [&](const HttpAnswerHead&) {
      client_.reset();
      ended = true;
    };
    second = std::move(client().start(get(), std::move(inner))).value();
  };
  const HttpTransfer first = std::move(client().start(get(), std::move(events))).value();
  run_until([&] { return ended; });
}

TEST_F(HttpClientTest, FetchGathersTheWholeAnswer) {
  serve_bytes(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
  std::optional<Result<HttpAnswer>> answer;
  auto transfer =
      fetch(client(), get(), [&](Result<HttpAnswer> a) { answer.emplace(std::move(a)); });
  ASSERT_TRUE(transfer);
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->body, "firstsecond");
}

TEST_F(HttpClientTest, UnixSocketsWork) {
  char folder[] = "/tmp/cocoon-http-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/s";
  {
    const ScriptedServer server(context(), Address{.unix_path = path},
                                [](const std::string&, ScriptedServer::Peer& p) { p.send(kOk); });
    HttpRequest request;
    request.url = "http://localhost/";
    request.unix_socket = path;
    EXPECT_EQ(run(std::move(request)).body, "ok");
    // The next request is not sent to that socket.
    serve_bytes("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntcp");
    EXPECT_EQ(run(get()).body, "tcp");
    client_.reset();
  }
  ::rmdir(folder);
}

TEST_F(HttpClientTest, ManyAtOnceKeepTheirAnswersApart) {
  serve([](const std::string& request, ScriptedServer::Peer& peer) {
    const std::string path = request.substr(4, request.find(' ', 4) - 4);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" +
              path);
  });
  std::vector<Record> records(100);
  std::vector<HttpTransfer> transfers;
  for (std::size_t i = 0; i < records.size(); ++i) {
    transfers.push_back(start(get("/" + std::to_string(i)), records[i]));
  }
  run_until([&] {
    for (const Record& r : records) {
      if (!r.done) return false;
    }
    return true;
  });
  for (std::size_t i = 0; i < records.size(); ++i)
    EXPECT_EQ(records[i].body, "/" + std::to_string(i));
}

}  // namespace
}  // namespace cocoon::io
