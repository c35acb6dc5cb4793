#include "tls/endpoint.h"

#include <openssl/err.h>

#include <algorithm>
#include <new>

#include "base/limits.h"
#include "tls/certificate.h"
#include "tls/errors.h"
#include "tls/openssl_types.h"

namespace cocoon::tls {
namespace {

// RFC 8446, 5.1 and 5.2: header, and the most that may follow it.
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMaxPlaintextBytes = 16384;
constexpr std::size_t kMaxRecordBytes = kMaxPlaintextBytes + 256;
// Header, type and the tag of the AEADs in use (5.2).
constexpr std::size_t kRecordOverheadBytes = kRecordHeaderBytes + 1 + 16;

// The size of the first record of `in` with its header; 0 while it is incomplete. OpenSSL is given
// whole records only: it then never holds a part of one in a buffer of its own, and the room that
// the plaintext needs is known. A length over the limit counts as a record that consists of its
// header, at which OpenSSL fails.
std::size_t whole_record(ByteView in) {
  if (in.size() < kRecordHeaderBytes) return 0;
  const std::size_t body = static_cast<std::size_t>(in[3]) << 8 | in[4];
  if (body > kMaxRecordBytes) return kRecordHeaderBytes;
  return in.size() - kRecordHeaderBytes >= body ? kRecordHeaderBytes + body : 0;
}

// A certificate of next to nothing, for a key of a kind that nobody has: OpenSSL decodes a key of a
// known kind together with its certificate, which takes it 50 µs.
Bytes small_certificate() {
  // RFC 8410, section 4: a SubjectPublicKeyInfo of an Ed25519 key up to the key.
  constexpr ByteArray<12> kEd25519Key{0x30, 0x2A, 0x30, 0x05, 0x06, 0x03,
                                      0x2B, 0x65, 0x70, 0x03, 0x21, 0x00};
  constexpr std::size_t kLastOfKind = 8;
  constexpr std::uint8_t kNoKind = 0x7F;
  const auto key = crypto::SigningKey::from_seed(ByteArray<32>{});
  auto made = make_certificate(key, {.common_name = "-", .not_after = unix_seconds(1)});
  if (!made) return {};
  const auto at = std::search(made->begin(), made->end(), kEd25519Key.begin(), kEd25519Key.end());
  if (at == made->end()) return {};
  at[kLastOfKind] = kNoKind;
  return std::move(made).value();
}

// OpenSSL keeps the peer's certificate, encoded and parsed, for the life of the connection: 17 KiB
// with usual evidence, as much as everything else together. Its session cannot be taken away (a
// hostile server's ticket would then make OpenSSL dereference nothing), but decoding a small
// certificate into the same object frees what was in it (d2i_X509(3): "the structure is reused").
void forget_certificate(X509* leaf) {
  static const Bytes small = small_certificate();
  if (small.empty() || X509_up_ref(leaf) != 1) return;
  X509* reused = leaf;
  const unsigned char* at = small.data();
  // A failure, which only want of memory can cause, has dropped the reference taken above.
  if (d2i_X509(&reused, &at, static_cast<long>(small.size())) != nullptr) X509_free(leaf);
  ERR_clear_error();  // about the kind of key
}

}  // namespace

struct Endpoint::Transport {
  ByteQueue in;
  ByteQueue out;
  std::size_t readable = 0;  // how much of `in` OpenSSL may see

  // A BIO of our own: BIO_s_mem keeps two buffers of its own per direction and moves their content.
  static int bio_read(BIO* bio, char* to, std::size_t size, std::size_t* done) {
    Transport& transport = *static_cast<Transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (transport.readable == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    *done = std::min(size, transport.readable);
    std::memcpy(to, transport.in.view().data(), *done);
    transport.in.consume(*done);
    transport.readable -= *done;
    return 1;
  }
  static int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* done) {
    ByteQueue& out = static_cast<Transport*>(BIO_get_data(bio))->out;
    BIO_clear_retry_flags(bio);
    try {
      out.push(as_bytes({from, size}));
    } catch (const std::bad_alloc&) {
      return 0;  // an exception must not pass through OpenSSL's frames
    }
    *done = size;
    return 1;
  }
  static long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static const BIO_METHOD* method() {
    static const Owned<BIO_METHOD> made = [] {
      Owned<BIO_METHOD> m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cocoon"));
      if (m) {
        BIO_meth_set_read_ex(m.get(), bio_read);
        BIO_meth_set_write_ex(m.get(), bio_write);
        BIO_meth_set_ctrl(m.get(), bio_ctrl);
      }
      return m;
    }();
    return made.get();
  }
};

void Endpoint::SslDeleter::operator()(SSL* ssl) const noexcept {
  SSL_free(ssl);
}

Endpoint::Endpoint(Endpoint&&) noexcept = default;
Endpoint& Endpoint::operator=(Endpoint&& other) noexcept {
  ssl_.reset();  // before the transport that its BIO points to
  transport_ = std::move(other.transport_);
  ssl_ = std::move(other.ssl_);
  state_ = other.state_;
  error_ = std::move(other.error_);
  peer_ = other.peer_;
  peer_certificate_ = std::move(other.peer_certificate_);
  return *this;
}
Endpoint::~Endpoint() = default;

Result<Endpoint> Endpoint::create(const Context& context) {
  ERR_clear_error();
  Endpoint endpoint;
  endpoint.transport_ = std::make_unique<Transport>();
  endpoint.ssl_.reset(SSL_new(context.native()));
  const BIO_METHOD* method = Transport::method();
  BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
  if (!endpoint.ssl_ || bio == nullptr) {
    BIO_free(bio);
    return openssl_failed("start a TLS connection");
  }
  BIO_set_data(bio, endpoint.transport_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(endpoint.ssl_.get(), bio, bio);  // takes the one reference for both directions
  if (context.side() == Side::server) {
    SSL_set_accept_state(endpoint.ssl_.get());
    return endpoint;
  }
  SSL_set_connect_state(endpoint.ssl_.get());
  COCOON_CHECK(endpoint.handshake());
  return endpoint;
}

Error Endpoint::fail(Error error) {
  ERR_clear_error();
  state_ = State::failed;
  transport_->in.clear();
  error_ = error;
  return error;
}

Status Endpoint::receive(ByteView ciphertext) {
  if (state_ == State::failed) return *error_;
  if (state_ == State::closed) return ok();
  if (ciphertext.size() > limits::kMaxTlsInputBytes - transport_->in.size()) {
    return fail({ErrorKind::protocol, "tls_input_limit",
                 "more than " + std::to_string(limits::kMaxTlsInputBytes) +
                     " bytes of ciphertext wait to be opened; the transport must be paused while "
                     "the endpoint does not want to read."});
  }
  transport_->in.push(ciphertext);
  return state_ == State::handshaking ? handshake() : ok();
}

Status Endpoint::receive_end() {
  if (state_ == State::failed) return *error_;
  if (state_ == State::closed) return ok();
  if (state_ == State::unverified) {
    // The peer may have said why it left (a client ends its handshake before the server judges its
    // certificate). Whatever else it sent is thrown away unseen.
    Bytes unseen;
    state_ = State::open;
    COCOON_CHECK(read(unseen));
    if (state_ == State::closed) return ok();
  }
  return fail({ErrorKind::io, "tls_truncated",
               state_ == State::handshaking
                   ? "the connection ended during the TLS handshake."
                   : "the connection ended without TLS close_notify: data may be missing."});
}

bool Endpoint::wants_read() const {
  return state_ != State::failed && state_ != State::closed &&
         transport_->in.size() < limits::kTlsInputHighWater &&
         transport_->out.size() < limits::kTlsOutputHighWater;
}

ByteView Endpoint::output() const {
  return transport_->out.view();
}

void Endpoint::consume(std::size_t n) {
  transport_->out.consume(std::min(n, transport_->out.size()));
}

Bytes Endpoint::take_output() {
  return transport_->out.take();
}

Status Endpoint::handshake() {
  ERR_clear_error();
  transport_->readable = transport_->in.size();
  const int done = SSL_do_handshake(ssl_.get());
  transport_->readable = 0;
  const int why = SSL_get_error(ssl_.get(), done);
  release_buffers();
  if (done == 1) return finish_handshake();
  if (why == SSL_ERROR_WANT_READ) return ok();
  if (why == SSL_ERROR_ZERO_RETURN) {
    return fail({ErrorKind::io, "connection_closed",
                 "the peer ended the connection during the TLS handshake."});
  }
  return fail(tls_failure(SSL_get_verify_result(ssl_.get())));
}

Status Endpoint::finish_handshake() {
  SSL* ssl = ssl_.get();
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (as_text({alpn, alpn_size}) != kAlpn) {
    SSL_shutdown(ssl);
    return fail(
        {ErrorKind::protocol, "tls_alpn",
         "the peer did not choose the application protocol \"" + std::string(kAlpn) + "\"."});
  }
  // Neither can be; if one were, what was verified would not be this peer.
  X509* leaf = SSL_get0_peer_certificate(ssl);
  if (SSL_session_reused(ssl) != 0 || leaf == nullptr) {
    return fail({ErrorKind::internal, "tls_unverifiable",
                 "a TLS handshake was resumed or brought no certificate."});
  }

  EVP_PKEY* key = X509_get0_pubkey(leaf);
  std::size_t key_size = peer_.public_key.size();
  const int der_size = i2d_X509(leaf, nullptr);
  if (key == nullptr || der_size <= 0 ||
      EVP_PKEY_get_raw_public_key(key, peer_.public_key.data(), &key_size) != 1 ||
      SSL_export_keying_material(ssl, peer_.exporter.data(), peer_.exporter.size(),
                                 kExporterLabel.data(), kExporterLabel.size(), nullptr, 0,
                                 0) != 1) {
    return fail(openssl_failed("read a peer's certificate"));
  }
  peer_certificate_.resize(static_cast<std::size_t>(der_size));
  unsigned char* to = peer_certificate_.data();
  i2d_X509(leaf, &to);
  peer_.fingerprint = certificate_fingerprint(peer_certificate_);
  forget_certificate(leaf);
  state_ = State::unverified;
  return ok();
}

Status Endpoint::admit() {
  if (state_ == State::failed) return *error_;
  if (state_ != State::unverified) {
    return Error(ErrorKind::internal, "not_unverified",
                 "a TLS peer was admitted that does not wait for admission.");
  }
  state_ = State::open;
  return ok();
}

Result<std::size_t> Endpoint::read(Bytes& out) {
  if (state_ == State::failed) return *error_;
  const std::size_t before = out.size();
  if (state_ != State::open) return std::size_t{0};

  ERR_clear_error();
  out.reserve(before + transport_->in.size());
  while (const std::size_t record = whole_record(transport_->in.view())) {
    transport_->readable = record;
    // Plaintext is shorter than its record, so one call takes all of it.
    const std::size_t at = out.size();
    std::size_t got = 0;
    out.resize(at + record);
    const int done = SSL_read_ex(ssl_.get(), out.data() + at, record, &got);
    out.resize(at + got);
    if (done == 1) continue;
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ) continue;  // a key update, not data
    if (why != SSL_ERROR_ZERO_RETURN) return fail(tls_failure(X509_V_OK));
    shutdown();
    break;
  }
  release_buffers();
  return out.size() - before;
}

Status Endpoint::write(ByteView plaintext) {
  if (state_ == State::failed) return *error_;
  if (state_ == State::closed) {
    return Error(ErrorKind::io, "connection_closed", "the TLS connection has ended.");
  }
  if (state_ != State::open) {
    return Error(ErrorKind::internal, "not_admitted",
                 "data was to be sent to a TLS peer that is not admitted.");
  }
  if (plaintext.empty()) return ok();
  ERR_clear_error();
  const std::size_t records = plaintext.size() / kMaxPlaintextBytes + 1;
  transport_->out.reserve(plaintext.size() + records * kRecordOverheadBytes);
  std::size_t done = 0;
  if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &done) != 1) {
    return fail(tls_failure(X509_V_OK));
  }
  release_buffers();
  return ok();
}

// OpenSSL's buffers are 33 KiB a connection. Its own SSL_MODE_RELEASE_BUFFERS would give them back
// after each record, only to have the next of the same batch ask for them again.
void Endpoint::release_buffers() {
  // Of a record that a peer filled with several messages, something may be left to be read.
  // SSL_free_buffers() sees that itself only since CVE-2024-4741.
  if (SSL_has_pending(ssl_.get()) == 0) (void)SSL_free_buffers(ssl_.get());
}

void Endpoint::shutdown() {
  if (state_ == State::failed || state_ == State::closed) return;
  if (state_ != State::handshaking) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  transport_->in.clear();
  state_ = State::closed;
}

}  // namespace cocoon::tls
