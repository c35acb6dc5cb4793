#pragma once
/// @file One TLS connection without a socket: ciphertext goes in and comes out as bytes.

#include <openssl/types.h>

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "tls/byte_queue.h"
#include "tls/context.h"

namespace cocoon::tls {

/// One side of one connection. The caller moves bytes:
///
///     endpoint.receive(from_socket);  ...  write(endpoint.output()); endpoint.consume(written);
///
/// When the handshake is done, the endpoint is `unverified`: the peer has proved that it holds the
/// key of its certificate, and nothing else. Ciphertext that arrives then stays unopened until the
/// caller, having judged the certificate, calls admit(). To turn the peer away: shutdown().
///
/// Whatever the state, bytes in output() are worth sending: after a failure they hold the alert.
/// Not thread-safe. Movable.
class Endpoint {
 public:
  enum class State : std::uint8_t {
    handshaking,
    unverified,  ///< handshake done, peer not judged: no plaintext in either direction
    open,        ///< admitted
    closed,      ///< ended in order by either side
    failed       ///< see error()
  };

  /// What the handshake proved about the peer.
  struct Peer {
    ByteArray<32> public_key{};  ///< raw Ed25519 key of its certificate
    Hash fingerprint{};          ///< certificate_fingerprint() of its certificate
    /// Channel binding, the same on both sides of this connection and on no other
    /// (RFC 8446, 7.5 with kExporterLabel and no context).
    Hash exporter{};
  };

  /// A client's first message is in output() at once.
  /// Errors: internal/openssl_failed.
  static Result<Endpoint> create(const Context& context);

  Endpoint(Endpoint&&) noexcept;
  Endpoint& operator=(Endpoint&&) noexcept;
  ~Endpoint();

  State state() const { return state_; }
  /// Why the state is `failed`.
  const std::optional<Error>& error() const { return error_; }

  /// Takes ciphertext from the transport, in pieces of any size. During the handshake it goes
  /// through OpenSSL at once; later read() opens it. Ignored once closed.
  /// Errors: as in error(); protocol/tls_input_limit over limits::kMaxTlsInputBytes.
  Status receive(ByteView ciphertext);
  /// The transport delivers nothing more. Call it after the last receive() and read().
  /// Errors: io/tls_truncated where the peer did not end the connection in order, or why it did.
  Status receive_end();
  /// False while enough ciphertext waits in either direction: stop reading the transport.
  bool wants_read() const;

  /// Ciphertext to be sent. Valid until the next call of another member.
  ByteView output() const;
  /// Drops the first `n` bytes of output(), which were sent.
  void consume(std::size_t n);
  /// All of output(), which then is empty: for a transport that keeps what it cannot send at once.
  Bytes take_output();

  /// Facts about the peer, from the state `unverified` on; zeros before.
  const Peer& peer() const { return peer_; }
  /// Hands over the peer's certificate (DER), once: a connection that stays idle for hours must not
  /// keep 10 to 64 KiB of evidence. Empty before `unverified` and after the first call.
  Bytes take_peer_certificate() { return std::exchange(peer_certificate_, {}); }

  /// The caller has judged the peer and lets it in.
  /// Errors: internal/not_unverified in any other state than `unverified`; error() if failed.
  Status admit();

  /// Opens all ciphertext that has arrived and appends the plaintext to `out`.
  /// @return how many bytes were appended; 0 unless `open`. On failure `out` holds what came before
  /// the fault.
  /// Errors: as in error().
  Result<std::size_t> read(Bytes& out);

  /// Appends `plaintext` to output() in as few records as possible. Callers collect what is to go
  /// out in one turn: each call costs a record of 22 bytes and one AEAD set-up.
  /// Errors: internal/not_admitted before `open`; io/connection_closed after; error() if failed.
  Status write(ByteView plaintext);

  /// Ends the connection in order (close_notify). Nothing is read or written afterwards.
  void shutdown();

 private:
  struct Transport;  // what OpenSSL's BIO reads from and writes to: its address must not change
  struct SslDeleter {
    void operator()(SSL* ssl) const noexcept;
  };

  Endpoint() = default;

  Status handshake();
  Status finish_handshake();
  Error fail(Error error);
  void release_buffers();

  std::unique_ptr<Transport> transport_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  State state_ = State::handshaking;
  std::optional<Error> error_;
  Peer peer_;
  Bytes peer_certificate_;
};

}  // namespace cocoon::tls
