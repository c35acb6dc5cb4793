#include "tls/endpoint.h"

#include <gtest/gtest.h>

#include <random>

#include "base/limits.h"
#include "unit/tls/support.h"

namespace cocoon::tls {
namespace {

using State = Endpoint::State;
using test::deliver;
using test::error_code;
using test::Pair;
using test::pump;
using test::read_all;

// --- Admission ---

TEST(TlsEndpoint, HandshakeEndsUnverifiedOnBothSides) {
  Pair pair;
  EXPECT_EQ(pair.client.state(), State::handshaking);
  pair.connect();
  EXPECT_EQ(pair.client.state(), State::unverified) << error_code(pair.client);
  EXPECT_EQ(pair.server.state(), State::unverified) << error_code(pair.server);
}

TEST(TlsEndpoint, PeerFactsAreThoseOfTheOtherSide) {
  Pair pair;
  pair.connect();
  EXPECT_EQ(pair.client.peer().public_key, pair.server_identity.key.public_key());
  EXPECT_EQ(pair.server.peer().public_key, pair.client_identity.key.public_key());
  EXPECT_EQ(pair.client.peer().fingerprint,
            certificate_fingerprint(pair.server_identity.certificate));
  EXPECT_EQ(pair.client.take_peer_certificate(), pair.server_identity.certificate);
  EXPECT_EQ(pair.server.take_peer_certificate(), pair.client_identity.certificate);
  EXPECT_TRUE(pair.server.take_peer_certificate().empty());
}

TEST(TlsEndpoint, ExporterIsSharedAndDiffersByConnection) {
  Pair one;
  Pair two;
  one.connect();
  two.connect();
  EXPECT_EQ(one.client.peer().exporter, one.server.peer().exporter);
  EXPECT_NE(one.client.peer().exporter, two.client.peer().exporter);
  EXPECT_NE(one.client.peer().exporter, Hash{});
}

TEST(TlsEndpoint, AnEagerPeersBytesStayUnopenedUntilAdmission) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.client.write(as_bytes("early")));
  deliver(pair.client, pair.server);
  EXPECT_EQ(pair.server.state(), State::unverified);
  EXPECT_EQ(read_all(pair.server), "");
  ASSERT_TRUE(pair.server.admit());
  EXPECT_EQ(read_all(pair.server), "early");
}

TEST(TlsEndpoint, EarlyBytesThatComeWithTheLastHandshakeFlightStayUnopened) {
  Pair pair;
  deliver(pair.client, pair.server);
  deliver(pair.server, pair.client);
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.client.write(as_bytes("early")));
  ASSERT_TRUE(pair.server.receive(to_bytes(pair.client.output())));  // Finished and data in one go
  EXPECT_EQ(pair.server.state(), State::unverified);
  EXPECT_EQ(read_all(pair.server), "");
  ASSERT_TRUE(pair.server.admit());
  EXPECT_EQ(read_all(pair.server), "early");
}

TEST(TlsEndpoint, EvenAForgedEarlyRecordIsNotLookedAtBeforeAdmission) {
  Pair pair;
  pair.connect();
  const Bytes forged = {0x17, 0x03, 0x03, 0x00, 0x20, 1, 2, 3};
  ASSERT_TRUE(pair.server.receive(forged));
  ASSERT_TRUE(pair.server.receive(Bytes(29, 0xaa)));
  EXPECT_EQ(pair.server.state(), State::unverified);
  ASSERT_TRUE(pair.server.admit());
  Bytes out;
  auto read = pair.server.read(out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "tls_bad_record");
}

TEST(TlsEndpoint, NothingIsWrittenBeforeAdmission) {
  Pair pair;
  auto early = pair.client.write(as_bytes("x"));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code(), "not_admitted");
  pair.connect();
  auto unverified = pair.client.write(as_bytes("x"));
  ASSERT_FALSE(unverified);
  EXPECT_EQ(unverified.error().code(), "not_admitted");
  EXPECT_TRUE(pair.client.output().empty());
}

TEST(TlsEndpoint, AdmissionIsRefusedInAnyOtherState) {
  Pair pair;
  auto early = pair.client.admit();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code(), "not_unverified");
  pair.open();
  EXPECT_FALSE(pair.client.admit());
  pair.client.shutdown();
  EXPECT_FALSE(pair.client.admit());
  EXPECT_EQ(pair.client.state(), State::closed);
}

TEST(TlsEndpoint, APeerThatIsTurnedAwayGetsNothingAndIsTold) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.client.admit());
  pair.server.shutdown();
  deliver(pair.server, pair.client);
  EXPECT_EQ(read_all(pair.client), "");
  EXPECT_EQ(pair.client.state(), State::closed);
  EXPECT_FALSE(pair.server.admit());
}

// --- Bounds ---

TEST(TlsEndpoint, AsksForAPauseAndFailsWhereAnEagerPeerIsNotPaused) {
  Pair pair;
  pair.connect();
  EXPECT_TRUE(pair.server.wants_read());
  ASSERT_TRUE(pair.server.receive(Bytes(limits::kTlsInputHighWater, 0)));
  EXPECT_FALSE(pair.server.wants_read());
  ASSERT_TRUE(
      pair.server.receive(Bytes(limits::kMaxTlsInputBytes - limits::kTlsInputHighWater, 0)));
  auto over = pair.server.receive(Bytes(1, 0));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), "tls_input_limit");
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_FALSE(pair.server.wants_read());
}

TEST(TlsEndpoint, APauseEndsWithReading) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(Bytes(limits::kTlsInputHighWater, 'a')));
  deliver(pair.client, pair.server);
  EXPECT_FALSE(pair.server.wants_read());
  EXPECT_EQ(read_all(pair.server).size(), limits::kTlsInputHighWater);
  EXPECT_TRUE(pair.server.wants_read());
}

TEST(TlsEndpoint, OutputThatNobodyTakesPausesReading) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(Bytes(limits::kTlsOutputHighWater, 'a')));
  EXPECT_FALSE(pair.client.wants_read());
  pair.client.consume(pair.client.output().size());
  EXPECT_TRUE(pair.client.wants_read());
}

// --- Data ---

TEST(TlsEndpoint, DataFlowsBothWays) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(as_bytes("question")));
  ASSERT_TRUE(pair.server.write(as_bytes("answer")));
  pump(pair.client, pair.server);
  EXPECT_EQ(read_all(pair.server), "question");
  EXPECT_EQ(read_all(pair.client), "answer");
}

TEST(TlsEndpoint, AnEmptyWriteSendsNothing) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write({}));
  EXPECT_TRUE(pair.client.output().empty());
}

TEST(TlsEndpoint, OneWriteOf16KiBIsOneRecord) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(Bytes(16384, 'a')));
  EXPECT_EQ(pair.client.output().size(), 16384u + 5 + 1 + 16);
}

TEST(TlsEndpoint, HandshakeAndDataSurviveOneByteFragments) {
  Pair pair;
  pair.connect(1);
  ASSERT_EQ(pair.client.state(), State::unverified) << error_code(pair.client);
  ASSERT_EQ(pair.server.state(), State::unverified) << error_code(pair.server);
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.server.admit());
  ASSERT_TRUE(pair.client.write(as_bytes("in pieces")));
  std::string got;
  while (!pair.client.output().empty()) {
    ASSERT_TRUE(pair.server.receive(to_bytes(pair.client.output().first(1))));
    pair.client.consume(1);
    got += read_all(pair.server);
  }
  EXPECT_EQ(got, "in pieces");
}

TEST(TlsEndpoint, DataSurvivesAnyFragmentation) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto up_to = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(1, n)(random);
  };
  Pair pair;
  pair.connect(up_to(3000));
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.server.admit());
  std::string sent;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(up_to(i % 10 == 0 ? 40'000 : 300), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(pair.client.write(as_bytes(piece)));
    sent += piece;
    while (pair.client.output().size() > (i == 199 ? 0 : up_to(2000))) {
      const Bytes part = to_bytes(
          pair.client.output().first(std::min(up_to(20'000), pair.client.output().size())));
      pair.client.consume(part.size());
      ASSERT_TRUE(pair.server.receive(part));
      if (up_to(2) == 1 || !pair.server.wants_read()) got += read_all(pair.server);
    }
  }
  got += read_all(pair.server);
  EXPECT_EQ(got, sent);
}

TEST(TlsEndpoint, AMovedEndpointGoesOn) {
  Pair pair;
  pair.connect();
  Endpoint moved = std::move(pair.server);
  ASSERT_TRUE(moved.admit());
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.client.write(as_bytes("hello")));
  deliver(pair.client, moved);
  EXPECT_EQ(read_all(moved), "hello");
}

TEST(TlsEndpoint, AnEndpointCanReplaceAnother) {
  Pair old;
  old.open();
  Pair pair;
  pair.connect();
  old.server = std::move(pair.server);
  EXPECT_EQ(old.server.state(), State::unverified);
  EXPECT_EQ(old.server.peer().exporter, pair.client.peer().exporter);
  ASSERT_TRUE(old.server.admit());
  ASSERT_TRUE(old.server.write(as_bytes("hello")));
  ASSERT_TRUE(pair.client.admit());
  deliver(old.server, pair.client);
  EXPECT_EQ(read_all(pair.client), "hello");
}

// --- The end of a connection ---

TEST(TlsEndpoint, AnOrderlyEndIsSeenAfterTheLastData) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(as_bytes("last words")));
  pair.client.shutdown();
  pump(pair.client, pair.server);
  EXPECT_EQ(read_all(pair.server), "last words");
  EXPECT_EQ(pair.server.state(), State::closed);
  EXPECT_TRUE(pair.server.receive_end());
  auto late = pair.server.write(as_bytes("x"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), "connection_closed");
}

TEST(TlsEndpoint, ATruncatedConnectionIsAFailure) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(as_bytes("cut")));
  deliver(pair.client, pair.server);
  EXPECT_EQ(read_all(pair.server), "cut");
  auto end = pair.server.receive_end();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), "tls_truncated");
  EXPECT_EQ(end.error().kind(), ErrorKind::io);
  EXPECT_EQ(pair.server.state(), State::failed);
}

TEST(TlsEndpoint, ATransportThatEndsInTheHandshakeIsAFailure) {
  Pair pair;
  auto end = pair.server.receive_end();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), "tls_truncated");
}

TEST(TlsEndpoint, AGoodbyeInTheHandshakeIsAFailure) {
  Pair pair;
  const Bytes close_notify = {0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x00};
  auto received = pair.client.receive(close_notify);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code(), "connection_closed");
  EXPECT_EQ(pair.client.state(), State::failed);
}

TEST(TlsEndpoint, ATransportThatEndsBeforeAdmissionNeverShowsWhatWasSent) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.client.admit());
  ASSERT_TRUE(pair.client.write(as_bytes("early")));
  deliver(pair.client, pair.server);
  EXPECT_FALSE(pair.server.receive_end());
  EXPECT_FALSE(pair.server.admit());
  EXPECT_EQ(read_all(pair.server), "");
}

TEST(TlsEndpoint, AnAlteredRecordFailsAndKeepsWhatCameBefore) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(as_bytes("good")));
  const std::size_t first = pair.client.output().size();
  ASSERT_TRUE(pair.client.write(as_bytes("bad")));
  Bytes ciphertext = to_bytes(pair.client.output());
  ciphertext[first + 7] ^= 1;
  ASSERT_TRUE(pair.server.receive(ciphertext));
  Bytes out;
  auto read = pair.server.read(out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "tls_bad_record");
  EXPECT_EQ(as_text(out), "good");
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_FALSE(pair.server.output().empty()) << "no alert was made";
}

TEST(TlsEndpoint, AReplayedRecordFails) {
  Pair pair;
  pair.open();
  ASSERT_TRUE(pair.client.write(as_bytes("once")));
  const Bytes record = to_bytes(pair.client.output());
  ASSERT_TRUE(pair.server.receive(record));
  EXPECT_EQ(read_all(pair.server), "once");
  ASSERT_TRUE(pair.server.receive(record));
  EXPECT_EQ(read_all(pair.server), "");
  EXPECT_EQ(error_code(pair.server), "tls_bad_record");
}

TEST(TlsEndpoint, AnOverlongRecordFailsAtItsHeader) {
  Pair pair;
  pair.open();
  const Bytes header = {0x17, 0x03, 0x03, 0x41, 0x01};  // 16,641 bytes are announced
  ASSERT_TRUE(pair.server.receive(header));
  Bytes out;
  EXPECT_FALSE(pair.server.read(out));
  EXPECT_EQ(pair.server.state(), State::failed);
}

TEST(TlsEndpoint, AFailureStaysTheSame) {
  Pair pair;
  ASSERT_FALSE(pair.server.receive(as_bytes("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_EQ(error_code(pair.server), "tls_not_tls");
  auto again = pair.server.receive(as_bytes("more"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), "tls_not_tls");
  EXPECT_FALSE(pair.server.admit());
  EXPECT_FALSE(pair.server.write(as_bytes("x")));
}

}  // namespace
}  // namespace cocoon::tls
