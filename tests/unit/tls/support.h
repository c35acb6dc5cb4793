#pragma once
/// @file Test support: keys, certificates, and ways to connect two endpoints in memory.

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <utility>

#include "crypto/ed25519.h"
#include "crypto/system_random.h"
#include "tls/certificate.h"
#include "tls/endpoint.h"
#include "tls/openssl_types.h"

namespace cocoon::tls::test {

inline crypto::SigningKey make_key(std::uint8_t seed) {
  ByteArray<32> bytes;
  bytes.fill(seed);
  return crypto::SigningKey::from_seed(bytes);
}

inline CertificateFields fields(std::vector<Extension> extensions = {}) {
  return {.common_name = "cocoon test",
          .not_before = unix_seconds(1'750'000'000),
          .not_after = unix_seconds(1'750'086'400),
          .extensions = std::move(extensions)};
}

/// A key with its certificate.
struct Identity {
  crypto::SigningKey key;
  Bytes certificate;
};

inline Identity identity(std::uint8_t seed, std::vector<Extension> extensions = {}) {
  crypto::SigningKey key = make_key(seed);
  Bytes certificate = make_certificate(key, fields(std::move(extensions))).value();
  return {std::move(key), std::move(certificate)};
}

inline Context context(Side side, const Identity& who) {
  return Context::create(side, who.key, who.certificate).value();
}

/// Moves everything that waits in `from` to `to`, in pieces of `piece` bytes.
inline void deliver(Endpoint& from, Endpoint& to, std::size_t piece = SIZE_MAX) {
  while (!from.output().empty()) {
    const ByteView out = from.output();
    const Bytes part = to_bytes(out.first(std::min(piece, out.size())));
    from.consume(part.size());
    (void)to.receive(part);
  }
}

/// Moves bytes to and fro until both are silent.
inline void pump(Endpoint& a, Endpoint& b, std::size_t piece = SIZE_MAX) {
  while (!a.output().empty() || !b.output().empty()) {
    deliver(a, b, piece);
    deliver(b, a, piece);
  }
}

/// A client and a server of ours, not yet connected.
struct Pair {
  Identity client_identity = identity(1);
  Identity server_identity = identity(2);
  Endpoint client = Endpoint::create(context(Side::client, client_identity)).value();
  Endpoint server = Endpoint::create(context(Side::server, server_identity)).value();

  void connect(std::size_t piece = SIZE_MAX) { pump(client, server, piece); }
  void open() {
    connect();
    EXPECT_TRUE(client.admit());
    EXPECT_TRUE(server.admit());
  }
};

/// All plaintext that has arrived; what came before a failure where there is one.
inline std::string read_all(Endpoint& endpoint) {
  Bytes out;
  (void)endpoint.read(out);
  return std::string(as_text(out));
}

inline std::string error_code(const Endpoint& endpoint) {
  return endpoint.error() ? std::string(endpoint.error()->code()) : "none";
}

/// A peer that is plain OpenSSL, with settings of the test's choice, on memory BIOs.
class RawPeer {
 public:
  RawPeer(const SSL_METHOD* method) : context_(SSL_CTX_new(method)) {
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  }
  ~RawPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  SSL_CTX* context() { return context_; }
  SSL* ssl() { return ssl_; }

  void use(const Identity& who) {
    ASSERT_EQ(SSL_CTX_use_certificate_ASN1(context_, static_cast<int>(who.certificate.size()),
                                           who.certificate.data()),
              1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(context_, who.key.to_evp().value().get()), 1);
  }
  void offer_alpn(std::string_view name = kAlpn) {
    alpn_ = static_cast<char>(name.size()) + std::string(name);
    SSL_CTX_set_alpn_protos(context_, reinterpret_cast<const unsigned char*>(alpn_.data()),
                            static_cast<unsigned>(alpn_.size()));
  }
  /// As a server: picks our protocol whatever is offered.
  void choose_alpn() {
    SSL_CTX_set_alpn_select_cb(
        context_,
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned,
           void*) {
          *out = reinterpret_cast<const unsigned char*>(kAlpn.data());
          *size = static_cast<unsigned char>(kAlpn.size());
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }

  void start() {
    SSL_free(ssl_);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }
  /// Runs the handshake against `peer` as far as it goes.
  void handshake(Endpoint& peer) {
    for (int turn = 0; turn < 10; ++turn) {
      SSL_do_handshake(ssl_);
      exchange(peer);
    }
    ERR_clear_error();
  }
  /// Moves what waits in both directions.
  void exchange(Endpoint& peer) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
    ByteView sent = as_bytes({data, size > 0 ? static_cast<std::size_t>(size) : 0});
    while (!sent.empty()) {
      const std::size_t piece = std::min<std::size_t>(sent.size(), 16 * 1024);
      (void)peer.receive(sent.first(piece));
      sent = sent.subspan(piece);
    }
    (void)BIO_reset(SSL_get_wbio(ssl_));
    const ByteView out = peer.output();
    if (!out.empty()) BIO_write(SSL_get_rbio(ssl_), out.data(), static_cast<int>(out.size()));
    peer.consume(out.size());
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  std::string alpn_;
};

}  // namespace cocoon::tls::test
