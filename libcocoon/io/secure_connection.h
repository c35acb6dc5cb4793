#pragma once
/// @file A TLS connection whose peer has to be judged before a byte of it is believed.

#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "io/tcp.h"
#include "tls/context.h"

namespace cocoon::io {

/// What the handshake proved: the peer holds the key of this certificate. Whether the certificate
/// is worth anything is for the owner to find out.
struct UnverifiedPeer {
  Bytes certificate;           ///< DER; handed over once, not kept here
  ByteArray<32> public_key{};  ///< Ed25519, of the certificate
  Hash fingerprint{};          ///< SHA-256 of the certificate
  Hash exporter{};             ///< binds to this connection; equal on both sides
};

/// What happens on a SecureConnection. Loop thread only, never inside a call of the owner's; each
/// may destroy the connection.
struct SecureEvents {
  /// The handshake is done. The owner answers, now or later, with admit() or refuse().
  Callback<void(UnverifiedPeer)> on_unverified;
  /// Plaintext, after admission only; valid during the call.
  Callback<void(ByteView)> on_bytes;
  /// As ConnectionEvents::on_pressure.
  Callback<void(bool)> on_pressure;
  /// The connection ended, and not by a call of the owner's: last, once. Codes: those of
  /// ConnectionEvents, those of tls::Endpoint, "handshake_timeout", "admission_timeout".
  Callback<void(Error)> on_closed;
};

struct SecureDeadlines {
  Millis handshake = limits::kHandshakeDeadline;  ///< from the start to on_unverified
  Millis admission = limits::kAdmissionDeadline;  ///< from there to admit()
};

/// TLS (tls::Endpoint) over a Connection. Until admit(), what the peer sends after the handshake
/// stays unopened, at most limits::kTlsInputHighWater of it, and nothing of ours is sent. All that
/// is written in a loop turn leaves in as few TLS records as possible and one system call.
class SecureConnection {
 public:
  /// Takes over a connected socket on which nothing was started. The context says which side.
  /// Errors: `internal` where TLS cannot start.
  static Result<SecureConnection> start(const Context& context, Connection connection,
                                        const tls::Context& tls, SecureEvents events,
                                        SecureDeadlines deadlines = {});
  SecureConnection();  ///< Of no connection: closed.
  SecureConnection(SecureConnection&&) noexcept;
  SecureConnection& operator=(SecureConnection&&) noexcept;
  /// Closes at once; no event follows.
  ~SecureConnection();

  /// The owner has judged the peer: application bytes flow from the end of this turn on. Ignored
  /// unless on_unverified has been called and the connection still stands.
  void admit();
  /// Turns the peer away: TLS says goodbye, the socket is closed soon after; no event follows.
  void refuse();

  /// Queues plaintext for the end of the turn; before admission it waits for that. Heed
  /// on_pressure. `plaintext` is empty afterwards and may have memory to be used again.
  void write(Bytes&& plaintext);
  std::size_t pending_bytes() const;
  bool under_pressure() const;

  /// Stops and goes on reading the socket; pauses do not nest.
  void pause();
  void resume();

  /// Sends what is queued, says goodbye, and lets go as Connection::finish() does.
  void finish(Millis patience);
  /// Closes at once. Idempotent.
  void close();

  bool is_open() const;
  bool is_admitted() const;
  const std::string& peer() const;  ///< as Connection::peer()
  std::string peer_host() const;

 private:
  class Impl;
  explicit SecureConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::io
