// What strangers may send: each case is a peer made of plain OpenSSL that breaks one rule.

#include <gtest/gtest.h>
#include <openssl/conf.h>

#include <cstdio>
#include <fstream>

#include "base/limits.h"
#include "crypto/openssl_context.h"
#include "unit/tls/support.h"

namespace cocoon::tls {
namespace {

using State = Endpoint::State;
using test::error_code;
using test::Identity;
using test::identity;
using test::RawPeer;

class TlsHandshake : public testing::Test {
 protected:
  // A client that a server of ours accepts; tests break one thing.
  void good_client(RawPeer& raw) {
    raw.use(stranger_);
    raw.offer_alpn();
  }
  void good_server(RawPeer& raw) {
    raw.use(stranger_);
    raw.choose_alpn();
    SSL_CTX_set_verify(raw.context(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  }
  // Runs `raw` against a fresh endpoint of the given side, and returns that.
  Endpoint meet(Side side, RawPeer& raw) {
    Endpoint endpoint = Endpoint::create(test::context(side, ours_)).value();
    raw.start();
    if (side == Side::server) {
      SSL_set_connect_state(raw.ssl());
    } else {
      SSL_set_accept_state(raw.ssl());
    }
    raw.handshake(endpoint);
    return endpoint;
  }

  // A server of ours refuses a client that shows it.
  void expect_bad_certificate(const Identity& shown) {
    RawPeer client(TLS_client_method());
    client.use(shown);
    client.offer_alpn();
    Endpoint server = meet(Side::server, client);
    EXPECT_EQ(error_code(server), "tls_bad_certificate");
  }

  Identity ours_ = identity(1);
  Identity stranger_ = identity(2);
};

TEST_F(TlsHandshake, AWellFormedStrangerIsUnverified) {
  RawPeer client(TLS_client_method());
  good_client(client);
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(server.state(), State::unverified) << error_code(server);
  EXPECT_EQ(server.peer().public_key, stranger_.key.public_key());

  RawPeer raw_server(TLS_server_method());
  good_server(raw_server);
  Endpoint endpoint = meet(Side::client, raw_server);
  EXPECT_EQ(endpoint.state(), State::unverified) << error_code(endpoint);
}

TEST_F(TlsHandshake, TheExporterIsThatOfTheStandard) {
  RawPeer client(TLS_client_method());
  good_client(client);
  Endpoint server = meet(Side::server, client);
  Hash expected;
  ASSERT_EQ(SSL_export_keying_material(client.ssl(), expected.data(), expected.size(),
                                       "EXPORTER-cocoon-1", 17, nullptr, 0, 0),
            1);
  EXPECT_EQ(server.peer().exporter, expected);
}

TEST_F(TlsHandshake, Tls12IsRefused) {
  RawPeer client(TLS_client_method());
  good_client(client);
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(error_code(server), "tls_version");

  RawPeer raw_server(TLS_server_method());
  good_server(raw_server);
  SSL_CTX_set_max_proto_version(raw_server.context(), TLS1_2_VERSION);
  Endpoint endpoint = meet(Side::client, raw_server);
  EXPECT_EQ(error_code(endpoint), "tls_version");
}

TEST_F(TlsHandshake, AClientWithoutCertificateIsRefused) {
  RawPeer client(TLS_client_method());
  client.offer_alpn();
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(server.state(), State::failed);
  EXPECT_EQ(error_code(server), "tls_no_certificate");
  EXPECT_FALSE(server.admit());
}

TEST_F(TlsHandshake, AnotherApplicationProtocolIsRefused) {
  RawPeer client(TLS_client_method());
  good_client(client);
  client.offer_alpn("h2");
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(error_code(server), "tls_alpn");
  EXPECT_EQ(SSL_get0_peer_certificate(client.ssl()), nullptr) << "refused too late";
}

TEST_F(TlsHandshake, AClientWithoutApplicationProtocolIsRefused) {
  RawPeer client(TLS_client_method());
  client.use(stranger_);
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(error_code(server), "tls_alpn");
  EXPECT_EQ(SSL_get0_peer_certificate(client.ssl()), nullptr) << "refused too late";
}

TEST_F(TlsHandshake, AServerThatIgnoresTheApplicationProtocolIsRefused) {
  RawPeer server(TLS_server_method());
  server.use(stranger_);
  Endpoint client = meet(Side::client, server);
  EXPECT_EQ(error_code(client), "tls_alpn");
  EXPECT_EQ(client.state(), State::failed);
}

TEST_F(TlsHandshake, AServersRefusalOfTheProtocolIsSaidInWords) {
  RawPeer server(TLS_server_method());
  good_server(server);
  SSL_CTX_set_alpn_select_cb(
      server.context(),
      [](SSL*, const unsigned char**, unsigned char*, const unsigned char*, unsigned, void*) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
      },
      nullptr);
  Endpoint client = meet(Side::client, server);
  EXPECT_EQ(error_code(client), "tls_alpn");
}

TEST_F(TlsHandshake, AClientLearnsWhyTheServerLeftBeforeAdmission) {
  // The client's handshake is over before the server sees its certificate.
  RawPeer server(TLS_server_method());
  good_server(server);
  SSL_CTX_set_verify(server.context(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 0; });
  Endpoint client = meet(Side::client, server);
  EXPECT_EQ(client.state(), State::unverified);
  auto end = client.receive_end();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), "tls_alert");
}

TEST_F(TlsHandshake, ACertificateMessageOverTheLimitIsRefused) {
  // Each certificate stays below the limit, their chain does not.
  const Identity large = identity(3, {{"1.2.3.4", false, Bytes(200 * 1024, 7)}});
  RawPeer client(TLS_client_method());
  client.use(large);
  client.offer_alpn();
  for (int i = 0; i < 2; ++i) {
    const unsigned char* at = large.certificate.data();
    SSL_CTX_add_extra_chain_cert(
        client.context(), d2i_X509(nullptr, &at, static_cast<long>(large.certificate.size())));
  }
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(error_code(server), "tls_certificate_too_large");
}

TEST_F(TlsHandshake, ACertificateBelowTheLimitPasses) {
  // Above OpenSSL's own limit of about 100 KiB.
  const std::size_t almost = limits::kMaxCertificateChainBytes - 1024;
  const Identity large = identity(3, {{"1.2.3.4", false, Bytes(almost, 7)}});
  RawPeer client(TLS_client_method());
  client.use(large);
  client.offer_alpn();
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(server.state(), State::unverified) << error_code(server);
  EXPECT_EQ(server.take_peer_certificate(), large.certificate);
}

TEST_F(TlsHandshake, AChainOfTwoCertificatesIsRefused) {
  RawPeer client(TLS_client_method());
  good_client(client);
  const unsigned char* at = stranger_.certificate.data();
  SSL_CTX_add_extra_chain_cert(
      client.context(), d2i_X509(nullptr, &at, static_cast<long>(stranger_.certificate.size())));
  Endpoint server = meet(Side::server, client);
  EXPECT_EQ(error_code(server), "tls_bad_certificate");
}

TEST_F(TlsHandshake, ACertificateNotSignedByItsOwnKeyIsRefused) {
  Identity altered = identity(2);
  altered.certificate.back() ^= 1;  // the last byte of the signature
  expect_bad_certificate(altered);
}

TEST_F(TlsHandshake, ACertificateChangedAfterItWasSignedIsRefused) {
  // Behind the signed part: 7 bytes that name Ed25519, then 3 and the signature's 64.
  Identity altered = identity(2, {{.oid = "1.3.6.1.4.1.9999.1", .value = Bytes(8)}});
  altered.certificate[altered.certificate.size() - 75] ^= 1;
  expect_bad_certificate(altered);
}

TEST_F(TlsHandshake, ACertificateThatNamesAnotherAlgorithmOutsideIsRefused) {
  Identity altered = identity(2);
  altered.certificate[altered.certificate.size() - 68] ^= 1;  // 1.3.101.112 becomes 1.3.101.113
  expect_bad_certificate(altered);
}

TEST_F(TlsHandshake, AKeyThatIsNotEd25519IsRefused) {
  // P-256, self-signed: what other kinds of server have.
  Owned<X509> certificate(X509_new());
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509_set_pubkey(certificate.get(), key);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  ASSERT_GT(X509_sign(certificate.get(), key, EVP_sha256()), 0);
  RawPeer server(TLS_server_method());
  SSL_CTX_use_certificate(server.context(), certificate.get());
  SSL_CTX_use_PrivateKey(server.context(), key);
  server.choose_alpn();
  Endpoint client = meet(Side::client, server);
  EXPECT_EQ(client.state(), State::failed);

  RawPeer raw_client(TLS_client_method());
  SSL_CTX_use_certificate(raw_client.context(), certificate.get());
  SSL_CTX_use_PrivateKey(raw_client.context(), key);
  raw_client.offer_alpn();
  Endpoint endpoint = meet(Side::server, raw_client);
  EXPECT_EQ(endpoint.state(), State::failed);
  EVP_PKEY_free(key);
}

TEST_F(TlsHandshake, AnHttpClientIsToldApartInWords) {
  Endpoint server = Endpoint::create(test::context(Side::server, ours_)).value();
  auto received = server.receive(as_bytes("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code(), "tls_not_tls");
  EXPECT_EQ(received.error().kind(), ErrorKind::protocol);
}

TEST_F(TlsHandshake, AServerThatSpeaksNoTlsIsToldApartInWords) {
  Endpoint client = Endpoint::create(test::context(Side::client, ours_)).value();
  auto received = client.receive(as_bytes("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code(), "tls_not_tls");
}

// --- Resumption ---

TEST_F(TlsHandshake, AServerGivesOutNoTicket) {
  RawPeer client(TLS_client_method());
  good_client(client);
  Endpoint server = meet(Side::server, client);
  ASSERT_TRUE(server.admit());
  ASSERT_TRUE(server.write(as_bytes("x")));
  client.exchange(server);
  char byte = 0;
  ASSERT_EQ(SSL_read(client.ssl(), &byte, 1), 1);
  EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(client.ssl())), 0);
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(client.ssl())), 0);
}

// Gets a resumable session from a server that gives out tickets, as a hostile client could.
SSL_SESSION* ticketed_session(RawPeer& client, const Identity& who) {
  SSL_CTX_set_session_cache_mode(client.context(), SSL_SESS_CACHE_CLIENT);
  RawPeer server(TLS_server_method());
  server.use(who);
  server.choose_alpn();
  client.start();
  server.start();
  SSL_set_connect_state(client.ssl());
  SSL_set_accept_state(server.ssl());
  auto move = [](SSL* from, SSL* to) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(from), &data);
    if (size > 0) BIO_write(SSL_get_rbio(to), data, static_cast<int>(size));
    (void)BIO_reset(SSL_get_wbio(from));
  };
  for (int turn = 0; turn < 6; ++turn) {
    char byte = 0;
    (void)SSL_read(client.ssl(), &byte, 1);
    move(client.ssl(), server.ssl());
    (void)SSL_read(server.ssl(), &byte, 1);
    move(server.ssl(), client.ssl());
  }
  ERR_clear_error();
  return SSL_get1_session(client.ssl());
}

TEST_F(TlsHandshake, AClientThatOffersASessionGetsAFullHandshake) {
  RawPeer client(TLS_client_method());
  good_client(client);
  SSL_SESSION* session = ticketed_session(client, ours_);
  ASSERT_EQ(SSL_SESSION_is_resumable(session), 1) << "the test offers no session";

  Endpoint server = Endpoint::create(test::context(Side::server, ours_)).value();
  client.start();
  SSL_set_connect_state(client.ssl());
  ASSERT_EQ(SSL_set_session(client.ssl(), session), 1);
  SSL_SESSION_free(session);
  client.handshake(server);
  EXPECT_EQ(server.state(), State::unverified) << error_code(server);
  EXPECT_EQ(SSL_session_reused(client.ssl()), 0);
  EXPECT_EQ(server.take_peer_certificate(), stranger_.certificate);
}

TEST_F(TlsHandshake, TicketsOfAServerAreIgnored) {
  // Two connections of ours to a server that gives out tickets: the second is as full as the first.
  RawPeer server(TLS_server_method());
  good_server(server);
  for (int i = 0; i < 2; ++i) {
    Endpoint client = meet(Side::client, server);
    ASSERT_EQ(client.state(), State::unverified) << error_code(client);
    EXPECT_EQ(SSL_session_reused(server.ssl()), 0);
    ASSERT_TRUE(client.admit());
    Bytes out;
    ASSERT_TRUE(client.read(out)) << "the ticket broke the connection";
    EXPECT_EQ(client.state(), State::open);
  }
}

// --- After the handshake ---

TEST_F(TlsHandshake, AKeyUpdateIsAnsweredAndDataGoesOn) {
  RawPeer client(TLS_client_method());
  good_client(client);
  Endpoint server = meet(Side::server, client);
  ASSERT_TRUE(server.admit());
  ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_write(client.ssl(), "new key", 7), 7);
  client.exchange(server);
  EXPECT_EQ(test::read_all(server), "new key");
  ASSERT_TRUE(server.write(as_bytes("also")));
  client.exchange(server);
  char answer[8] = {};
  EXPECT_EQ(SSL_read(client.ssl(), answer, sizeof answer), 4);
}

TEST_F(TlsHandshake, AKeyUpdateBeforeAdmissionWaits) {
  RawPeer client(TLS_client_method());
  good_client(client);
  Endpoint server = meet(Side::server, client);
  ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
  client.exchange(server);
  EXPECT_TRUE(server.output().empty());
  EXPECT_EQ(server.state(), State::unverified);
}

// --- Isolation ---

// In a process of its own, because OpenSSL's configuration is global.
[[noreturn]] void connect_under_hostile_configuration(const char* file) {
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  if (CONF_modules_load_file(file, nullptr, 0) != 1) std::_Exit(2);
  const auto kUnsafe = SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION;
  // The configuration does reach a context that does not defend itself.
  SSL_CTX* plain = SSL_CTX_new(TLS_method());
  if (SSL_CTX_get_max_proto_version(plain) != TLS1_2_VERSION) std::_Exit(3);
  const bool reached = (SSL_CTX_get_options(plain) & kUnsafe) != 0;
  SSL_CTX_free(plain);
  const Context ours = test::context(Side::server, identity(1));
  if (!reached || (SSL_CTX_get_options(ours.native()) & kUnsafe) != 0) std::_Exit(5);
  test::Pair pair;
  pair.connect();
  std::_Exit(pair.server.state() == State::unverified ? 0 : 4);
}

TEST_F(TlsHandshake, AnOpensslConfigurationChangesNothing) {
  const std::string file = testing::TempDir() + "cocoon_hostile_openssl.cnf";
  std::ofstream(file) << "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n"
                         "system_default = tls\n[tls]\nMaxProtocol = TLSv1.2\n"
                         "Groups = P-521\nSignatureAlgorithms = RSA+SHA256\nVerifyMode = None\n"
                         "Options = UnsafeLegacyRenegotiation\n";
  EXPECT_EXIT(connect_under_hostile_configuration(file.c_str()), testing::ExitedWithCode(0), "");
  std::remove(file.c_str());
}

TEST_F(TlsHandshake, ACertificateForAnotherKeyMakesNoContext) {
  auto made = Context::create(Side::server, ours_.key, stranger_.certificate);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), "bad_certificate");
}

}  // namespace
}  // namespace cocoon::tls
