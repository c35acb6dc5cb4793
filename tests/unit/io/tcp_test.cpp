#include "io/tcp.h"

#include <sys/resource.h>

#include <cstdlib>

#include "unit/io/tcp_fixture.h"

namespace cocoon::io {
namespace {

using test::loopback;
using test::RawPeer;
using test::Recorded;
using test::TcpTest;

TEST(AddressTest, ReadsWhatItWrites) {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:65535", "proxy.example:7443", "unix:/run/x.sock"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:8o", "host:80 ", "a b:80",
        "::1:80", "[]:80", "[zz]:80", "[::1]", "unix:", "http://x:80"}) {
    auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), "bad_address");
  }
  EXPECT_FALSE(Address::parse("unix:" + std::string(200, 'x')));
  EXPECT_FALSE(Address::parse(std::string(300, 'h') + ":80"));
}

TEST_F(TcpTest, PortZeroReportsThePortThatTheSystemChose) {
  listen();
  EXPECT_NE(address().port, 0);
  EXPECT_EQ(address().host, "127.0.0.1");
}

TEST_F(TcpTest, AddressInUseIsSaidInWords) {
  listen();
  auto second = Listener::open(context(), address(), {}, [](Connection) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "address_in_use");
  EXPECT_NE(second.error().detail().find("address in use: " + address().text()), std::string::npos);
}

TEST_F(TcpTest, ForeignAddressIsSaidInWords) {
  // TEST-NET-1 belongs to nobody.
  auto listener =
      Listener::open(context(), {.host = "192.0.2.1", .port = 1}, {}, [](Connection) {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), "address_not_here");
}

TEST_F(TcpTest, ListenerTakesNoHostNames) {
  auto listener =
      Listener::open(context(), {.host = "example.org", .port = 1}, {}, [](Connection) {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().kind(), ErrorKind::invalid_argument);
}

TEST_F(TcpTest, RefusedConnectionSaysThatNothingListens) {
  listen();
  const Address gone = address();
  listener_.reset();
  auto result = connect(gone);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "connection_refused");
  EXPECT_EQ(result.error().kind(), ErrorKind::unavailable);
}

TEST_F(TcpTest, UnknownHostNameSaysSo) {
  // RFC 6761 reserves "invalid".
  auto result = connect({.host = "nowhere.invalid", .port = 1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "name_not_found");
}

TEST_F(TcpTest, ConnectGivesUpAtItsDeadline) {
  // A listener whose queue is full, and which nobody accepts from, answers no further SYN.
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(fd, 0), 0);
  socklen_t size = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  const Address to = loopback(ntohs(at.sin_port));
  const RawPeer fills_the_queue(to);
  auto result = connect(to, Millis(50));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "connect_timeout");
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
  ::close(fd);
}

TEST_F(TcpTest, DestroyedConnectorCallsNothing) {
  listen();
  for (const Address& to : {address(), Address{.host = "localhost", .port = address().port}}) {
    {
      const Connector gone(context(), to, Millis(1000), [](Result<Connection>) { FAIL(); });
    }
    for (int i = 0; i < 3; ++i) run_turn();
  }
}

TEST_F(TcpTest, ConnectsByHostName) {
  listen();
  auto result = connect({.host = "localhost", .port = address().port});
  ASSERT_TRUE(result) << result.error().detail();
  EXPECT_EQ(result->peer(), address().text());
  EXPECT_EQ(result->peer_host(), "127.0.0.1");
}

TEST_F(TcpTest, BytesArriveInBothDirections) {
  listen();
  auto outgoing = connect(address());
  ASSERT_TRUE(outgoing);
  Recorded client;
  client.connection = std::move(outgoing).value();
  client.start();
  run_until([&] { return accepted_.size() == 1; });
  Recorded& server = *accepted_.back();
  server.start();
  client.connection.write(as_bytes("question"));
  run_until([&] { return server.bytes == "question"; });
  server.connection.write(to_bytes(as_bytes("answer")));
  run_until([&] { return client.bytes == "answer"; });
}

TEST_F(TcpTest, NothingIsReadBeforeStart) {
  listen();
  RawPeer peer(address());
  Recorded& ours = wait_accepted();
  peer.send("early");
  for (int i = 0; i < 5; ++i) run_turn();
  EXPECT_EQ(ours.bytes, "");
  ours.start();
  run_until([&] { return ours.bytes == "early"; });
}

TEST_F(TcpTest, PeerThatClosesEndsTheConnection) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  peer->send("last words");
  peer->close();
  run_until([&] { return ours.closed.has_value(); });
  EXPECT_EQ(ours.closed->code(), "closed_by_peer");
  EXPECT_EQ(ours.bytes, "last words");
  EXPECT_FALSE(ours.connection.is_open());
}

TEST_F(TcpTest, HalfClosedPeerStillReadsTheAnswer) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer, true);
  peer->send("question");
  peer->end();
  run_until([&] { return ours.ended; });
  EXPECT_FALSE(ours.closed.has_value());
  ours.connection.write(as_bytes("answer"));
  std::string got;
  run_until([&] {
    got += peer->read_some();
    return got == "answer";
  });
}

TEST_F(TcpTest, ResetIsReported) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  peer->reset();
  run_until([&] { return ours.closed.has_value(); });
  EXPECT_EQ(ours.closed->code(), "connection_reset");
}

TEST_F(TcpTest, WritingToAPeerThatIsGoneRaisesNoSignalAndIsReportedOnce) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  ours.connection.pause();
  peer->reset();
  int reports = 0;
  // SIGPIPE would end the test program.
  run_until([&] {
    ours.connection.write(as_bytes("anybody there?"));
    ours.connection.flush();
    if (ours.closed) ++reports;
    return reports > 3;
  });
  EXPECT_EQ(ours.closed->code(), "connection_reset");
  EXPECT_EQ(ours.connection.pending_bytes(), 0u);
}

TEST_F(TcpTest, SlowReaderBoundsOurMemoryByPressure) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  const Bytes piece(32 * 1024, 'x');
  std::size_t written = 0;
  std::size_t most = 0;
  run_until([&] {
    for (int i = 0; i < 8 && !ours.connection.under_pressure(); ++i) {
      ours.connection.write(ByteView(piece));
      written += piece.size();
    }
    most = std::max(most, ours.connection.pending_bytes());
    return !ours.pressure.empty();
  });
  EXPECT_EQ(ours.pressure, std::vector<bool>{true});
  EXPECT_LE(most, limits::kWriteHighBytes + piece.size());
  std::size_t read = 0;
  run_until([&] {
    read += peer->read_some().size();
    return ours.pressure.size() == 2;
  });
  EXPECT_EQ(ours.pressure, (std::vector<bool>{true, false}));
  EXPECT_LE(ours.connection.pending_bytes(), limits::kWriteLowBytes);
  run_until([&] {
    read += peer->read_some().size();
    return read == written;
  });
  EXPECT_EQ(ours.connection.pending_bytes(), 0u);
}

TEST_F(TcpTest, PausedConnectionLeavesBytesInTheKernel) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  ours.connection.pause();
  peer->send("later");
  for (int i = 0; i < 5; ++i) run_turn();
  EXPECT_EQ(ours.bytes, "");
  ours.connection.resume();
  run_until([&] { return ours.bytes == "later"; });
}

TEST_F(TcpTest, PauseInsideTheCallbackHoldsFurtherBytes) {
  listen();
  RawPeer peer(address());
  Recorded& ours = wait_accepted();
  std::size_t calls = 0;
  ours.connection.start({.on_bytes =
                             [&](ByteView) {
                               ++calls;
                               ours.connection.pause();
                             },
                         .on_end = {},
                         .on_pressure = {},
                         .on_closed = [](Error) {}});
  peer.send(std::string(200 * 1024, 'x'));
  run_until([&] { return calls == 1; });
  for (int i = 0; i < 5; ++i) run_turn();
  EXPECT_EQ(calls, 1u);
}

TEST_F(TcpTest, WritesOfOneTurnArriveTogether) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  for (char c = 'a'; c <= 'z'; ++c) {
    ours.connection.write(ByteView(reinterpret_cast<const std::uint8_t*>(&c), 1));
  }
  EXPECT_EQ(peer->read_some(), "") << "nothing leaves before the end of the turn";
  run_turn();
  EXPECT_EQ(peer->read_some(), "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(TcpTest, ShutdownSendsWhatIsQueuedThenTheEnd) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  const std::string text(3 * 1024 * 1024, 'y');
  ours.connection.write(as_bytes(text));
  ours.connection.shutdown();
  ours.connection.write(as_bytes("too late"));
  std::string got;
  run_until([&] {
    got += peer->read_some();
    return peer->at_end();
  });
  EXPECT_TRUE(got == text);
  peer->send("still heard");
  run_until([&] { return ours.bytes == "still heard"; });
}

TEST_F(TcpTest, FinishOutlivesItsOwnerUntilEverythingIsSent) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  const std::string text(3 * 1024 * 1024, 'z');
  ours.connection.write(as_bytes(text));
  ours.connection.finish(test::kGenerousDeadline);
  EXPECT_FALSE(ours.connection.is_open());
  accepted_.clear();
  std::string got;
  run_until([&] {
    got += peer->read_some();
    return peer->at_end();
  });
  EXPECT_TRUE(got == text);
  peer->close();
}

TEST_F(TcpTest, FinishGivesUpWhenPatienceIsOver) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  ours.connection.write(Bytes(8 * 1024 * 1024, 'z'));
  ours.connection.finish(Millis(5));
  // The peer never reads; the fixture checks that the handles go away all the same.
}

TEST_F(TcpTest, CloseIsIdempotentAndSilent) {
  listen();
  std::unique_ptr<RawPeer> peer;
  Recorded& ours = accept_from(peer);
  ours.connection.close();
  ours.connection.close();
  ours.connection.write(as_bytes("nothing"));
  ours.connection.flush();
  ours.connection.shutdown();
  ours.connection.pause();
  ours.connection.resume();
  run_until([&] { return peer->at_end(); });
  EXPECT_FALSE(ours.closed.has_value());
  EXPECT_EQ(ours.connection.pending_bytes(), 0u);
}

TEST_F(TcpTest, EveryCallbackMayDestroyTheConnection) {
  listen();
  for (const std::string_view when : {"bytes", "end", "closed", "pressure"}) {
    RawPeer peer(address());
    auto connection = std::make_unique<Connection>(std::move(wait_accepted().connection));
    connection->start({.on_bytes =
                           [&](ByteView) {
                             if (when == "bytes") connection.reset();
                           },
                       .on_end =
                           [&] {
                             if (when == "end") connection.reset();
                           },
                       .on_pressure =
                           [&](bool) {
                             if (when == "pressure") connection.reset();
                           },
                       .on_closed =
                           [&](Error) {
                             if (when == "closed") connection.reset();
                           }});
    if (when == "bytes") peer.send("x");
    if (when == "end") peer.end();
    if (when == "closed") peer.reset();
    if (when == "pressure") connection->write(Bytes(64 * 1024 * 1024, 'p'));
    EXPECT_TRUE(run_until([&] { return connection == nullptr; })) << when;
  }
}

TEST_F(TcpTest, ListenerThatIsPausedLeavesConnectionsWaiting) {
  listen();
  listener_->pause();
  const RawPeer peer(address());
  for (int i = 0; i < 5; ++i) run_turn();
  EXPECT_TRUE(accepted_.empty());
  listener_->resume();
  run_until([&] { return accepted_.size() == 1; });
}

TEST_F(TcpTest, ListenerMayBeDestroyedByItsCallback) {
  std::unique_ptr<Listener> listener;
  auto opened = Listener::open(context(), loopback(), {}, [&](Connection) { listener.reset(); });
  ASSERT_TRUE(opened);
  listener = std::make_unique<Listener>(std::move(opened).value());
  const Address to = listener->address();
  const RawPeer one(to);
  run_until([&] { return listener == nullptr; });
}

/// Lowers the limit of open files to what is open now, for as long as it lives.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(TcpTest, RunningOutOfDescriptorsIsLoggedOnceAndRecoversWithoutSpinning) {
  int warnings = 0;
  ListenOptions options;
  options.log =
      Logger([&](const LogRecord& r) { warnings += r.level == LogLevel::warning; }, "test");
  int accepted = 0;
  auto listener = Listener::open(context(), loopback(), options, [&](Connection) { ++accepted; });
  ASSERT_TRUE(listener);
  const RawPeer peer(listener->address());
  {
    const NoDescriptorsLeft tight;
    run_until([&] { return warnings > 0; });
    // Further turns do not try again before the pause is over.
    for (int i = 0; i < 20; ++i) run_turn();
    EXPECT_EQ(warnings, 1);
    EXPECT_EQ(accepted, 0);
  }
  run_until([&] { return accepted == 1; });
}

}  // namespace
}  // namespace cocoon::io
