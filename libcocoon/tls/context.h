#pragma once
/// @file TLS settings of one role, shared by all its connections.

#include <openssl/types.h>

#include <memory>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::tls {

/// Which side of a handshake a context serves.
enum class Side : std::uint8_t { client, server };

/// The one application protocol that we speak (RFC 7301), and the label of its exporter value
/// (RFC 8446, 7.5; protocol.md "Transport").
inline constexpr std::string_view kAlpn = "cocoon/1";
inline constexpr std::string_view kExporterLabel = "EXPORTER-cocoon-1";

/// Certificate, key and settings: TLS 1.3 only, both sides with an Ed25519 certificate, X25519,
/// AES-GCM first on machines that have it in hardware, no resumption, no early data. No openssl.cnf
/// and no environment variable has a say in it. A connection keeps the context it started with:
/// to renew the certificate, make a new Context for new connections. Copies share one object.
class Context {
 public:
  /// @param certificate DER, for the public key of `key`.
  /// Errors: invalid_argument/bad_certificate, where the two do not belong together or the
  /// certificate does not parse; internal/openssl_failed.
  static Result<Context> create(Side side, const crypto::SigningKey& key, ByteView certificate);

  Side side() const { return side_; }
  /// For Endpoint.
  SSL_CTX* native() const { return context_.get(); }

 private:
  Context(Side side, std::shared_ptr<SSL_CTX> context)
      : side_(side), context_(std::move(context)) {}

  Side side_;
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace cocoon::tls
