#include "io/secure_connection.h"

#include <gtest/gtest.h>

#include "crypto/ed25519.h"
#include "crypto/system_random.h"
#include "tls/certificate.h"
#include "unit/io/test_loop.h"

namespace cocoon::io {
namespace {

/// One end of a TLS connection and what happened to it.
struct End {
  SecureConnection connection;
  std::optional<UnverifiedPeer> unverified;
  std::string bytes;
  std::vector<bool> pressure;
  std::optional<Error> closed;

  SecureEvents events() {
    SecureEvents e;
    e.on_unverified = [this](UnverifiedPeer p) { unverified = std::move(p); };
    e.on_bytes = [this](ByteView b) { bytes += as_text(b); };
    e.on_pressure = [this](bool on) { pressure.push_back(on); };
    e.on_closed = [this](Error error) { closed = std::move(error); };
    return e;
  }
};

class SecureConnectionTest : public test::LoopTest {
 protected:
  static tls::Context make_tls(tls::Side side) {
    auto key = crypto::SigningKey::generate(random());
    const auto certificate = tls::make_certificate(
        key,
        {.common_name = "test", .not_before = unix_seconds(0), .not_after = unix_seconds(4e9)});
    EXPECT_TRUE(certificate);
    auto context = tls::Context::create(side, key, *certificate);
    EXPECT_TRUE(context);
    return *context;
  }

  /// Two connected sockets, the second accepted.
  void connect_sockets() {
    auto listener = Listener::open(context(), {.host = "127.0.0.1"}, {},
                                   [this](Connection c) { accepted_ = std::move(c); });
    ASSERT_TRUE(listener);
    const Connector connector(context(), listener->address(), Millis(30000),
                              [this](Result<Connection> r) { outgoing_ = std::move(r).value(); });
    ASSERT_TRUE(run_until([&] { return accepted_.is_open() && outgoing_.is_open(); }));
  }

  void start(End& end, Connection socket, tls::Side side, SecureDeadlines deadlines = {}) {
    auto started = SecureConnection::start(context(), std::move(socket), make_tls(side),
                                           end.events(), deadlines);
    ASSERT_TRUE(started) << started.error().detail();
    end.connection = std::move(started).value();
  }

  void start_both() {
    connect_sockets();
    start(client_, std::move(outgoing_), tls::Side::client);
    start(server_, std::move(accepted_), tls::Side::server);
  }

  void handshake() {
    start_both();
    ASSERT_TRUE(run_until([&] { return client_.unverified && server_.unverified; }));
  }

  void open() {
    handshake();
    client_.connection.admit();
    server_.connection.admit();
  }

  void TearDown() override {
    client_.connection = {};
    server_.connection = {};
    accepted_ = {};
    outgoing_ = {};
  }

  static Random& random() {
    static crypto::SystemRandom source;
    return source;
  }

  Connection accepted_;
  Connection outgoing_;
  End client_;
  End server_;
};

TEST_F(SecureConnectionTest, BothSidesGetTheSameExporterAndEachOthersKey) {
  handshake();
  EXPECT_EQ(client_.unverified->exporter, server_.unverified->exporter);
  EXPECT_NE(client_.unverified->exporter, Hash{});
  EXPECT_NE(client_.unverified->public_key, server_.unverified->public_key);
  EXPECT_FALSE(client_.unverified->certificate.empty());
}

TEST_F(SecureConnectionTest, NothingIsDeliveredBeforeAdmission) {
  handshake();
  client_.connection.admit();
  client_.connection.write(to_bytes(as_bytes("eager")));
  for (int i = 0; i < 20; ++i) run_turn();
  EXPECT_EQ(server_.bytes, "");
  server_.connection.admit();
  EXPECT_EQ(server_.bytes, "") << "never inside the call";
  run_until([&] { return server_.bytes == "eager"; });
}

TEST_F(SecureConnectionTest, NothingIsSentBeforeAdmission) {
  handshake();
  server_.connection.admit();
  client_.connection.write(to_bytes(as_bytes("secret")));
  for (int i = 0; i < 20; ++i) run_turn();
  EXPECT_EQ(server_.bytes, "");
  client_.connection.admit();
  run_until([&] { return server_.bytes == "secret"; });
}

TEST_F(SecureConnectionTest, EagerPeerIsHeldBackByTheKernelNotInOurMemory) {
  handshake();
  client_.connection.admit();
  const Bytes flood(16 * 1024, 'f');
  run_until([&] {
    if (!client_.connection.under_pressure()) client_.connection.write(Bytes(flood));
    return !client_.pressure.empty() && client_.pressure.back();
  });
  for (int i = 0; i < 50; ++i) run_turn();
  EXPECT_EQ(server_.bytes, "");
  // Were the server to read on, the client's pressure would have gone.
  EXPECT_TRUE(client_.connection.under_pressure());
}

TEST_F(SecureConnectionTest, RefusedPeerSeesAnOrderlyEnd) {
  handshake();
  client_.connection.admit();
  server_.connection.refuse();
  EXPECT_FALSE(server_.connection.is_open());
  run_until([&] { return client_.closed.has_value(); });
  EXPECT_EQ(client_.closed->code(), "closed_by_peer");
  EXPECT_FALSE(server_.closed.has_value());
}

TEST_F(SecureConnectionTest, PeerThatLeavesWhileUnverifiedIsNoticed) {
  handshake();
  client_.connection.close();
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_EQ(server_.closed->code(), "tls_truncated");
}

TEST_F(SecureConnectionTest, BytesFlowBothWays) {
  open();
  const std::string large(1024 * 1024, 'L');
  client_.connection.write(to_bytes(as_bytes(large)));
  server_.connection.write(to_bytes(as_bytes("short")));
  run_until([&] { return server_.bytes.size() == large.size() && client_.bytes == "short"; });
  EXPECT_TRUE(server_.bytes == large);
  EXPECT_EQ(client_.connection.pending_bytes(), 0u);
}

TEST_F(SecureConnectionTest, EndWithoutGoodbyeIsTruncation) {
  open();
  client_.connection.write(to_bytes(as_bytes("half a mess")));
  run_until([&] { return !server_.bytes.empty(); });
  client_.connection.close();
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_EQ(server_.closed->code(), "tls_truncated");
}

TEST_F(SecureConnectionTest, FinishDeliversWhatWasWrittenThenEndsInOrder) {
  open();
  const std::string text(700 * 1024, 'w');
  client_.connection.write(to_bytes(as_bytes(text)));
  client_.connection.finish(test::kGenerousDeadline);
  EXPECT_FALSE(client_.connection.is_open());
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_EQ(server_.closed->code(), "closed_by_peer");
  EXPECT_TRUE(server_.bytes == text);
}

TEST_F(SecureConnectionTest, GarbageInsteadOfAHandshakeEndsTheConnection) {
  connect_sockets();
  start(server_, std::move(accepted_), tls::Side::server);
  outgoing_.start({.on_bytes = [](ByteView) {},
                   .on_end = {},
                   .on_pressure = {},
                   .on_closed = [](const Error&) {}});
  outgoing_.write(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_EQ(server_.closed->kind(), ErrorKind::protocol);
  EXPECT_FALSE(server_.unverified.has_value());
}

TEST_F(SecureConnectionTest, SilentPeerRunsIntoTheHandshakeDeadline) {
  connect_sockets();
  start(server_, std::move(accepted_), tls::Side::server, {.handshake = Millis(20)});
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_EQ(server_.closed->code(), "handshake_timeout");
}

TEST_F(SecureConnectionTest, StalledJudgementRunsIntoTheAdmissionDeadline) {
  connect_sockets();
  start(client_, std::move(outgoing_), tls::Side::client);
  start(server_, std::move(accepted_), tls::Side::server, {.admission = Millis(20)});
  run_until([&] { return server_.closed.has_value(); });
  EXPECT_TRUE(server_.unverified.has_value());
  EXPECT_EQ(server_.closed->code(), "admission_timeout");
  server_.connection.admit();
  EXPECT_FALSE(server_.connection.is_admitted());
}

TEST_F(SecureConnectionTest, EveryCallbackMayDestroyTheConnection) {
  for (const std::string_view when : {"unverified", "bytes", "closed"}) {
    connect_sockets();
    client_ = {};
    start(client_, std::move(outgoing_), tls::Side::client);
    auto server = std::make_unique<SecureConnection>();
    bool destroyed = false;
    const auto destroy = [&](std::string_view what) {
      if (what != when) return;
      server.reset();
      destroyed = true;
    };
    SecureEvents events;
    events.on_unverified = [&](UnverifiedPeer) { destroy("unverified"); };
    events.on_bytes = [&](ByteView) { destroy("bytes"); };
    events.on_pressure = [](bool) {};
    events.on_closed = [&](Error) { destroy("closed"); };
    auto started = SecureConnection::start(context(), std::move(accepted_),
                                           make_tls(tls::Side::server), std::move(events));
    ASSERT_TRUE(started);
    *server = std::move(started).value();
    run_until([&] { return client_.unverified.has_value(); });
    client_.connection.admit();
    if (server) server->admit();
    if (when == "bytes") client_.connection.write(to_bytes(as_bytes("x")));
    if (when == "closed") client_.connection.finish(Millis(1000));
    EXPECT_TRUE(run_until([&] { return destroyed; })) << when;
  }
}

TEST_F(SecureConnectionTest, WritesOfOneTurnAreSealedTogetherAtItsEnd) {
  open();
  for (int i = 0; i < 100; ++i) client_.connection.write(to_bytes(as_bytes("0123456789")));
  EXPECT_EQ(client_.connection.pending_bytes(), 1000u) << "no record has been made yet";
  run_until([&] { return server_.bytes.size() == 1000; });
}

}  // namespace
}  // namespace cocoon::io
