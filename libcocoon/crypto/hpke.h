#pragma once
/// @file HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.

#include "base/bytes.h"
#include "base/random.h"
#include "cocoon/result.h"
#include "crypto/aead.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"

namespace cocoon::crypto {

struct HpkeSchedule;

/// The encapsulated key that the sender transmits.
using HpkeEnc = X25519PublicKey;

/// The exporter of a context (RFC 9180, 5.3), usable without the context: protocol.md "Sealed
/// requests" keeps only this per connection and sealing key.
class HpkeExporter {
 public:
  explicit HpkeExporter(Secret<32> exporter_secret) : secret_(std::move(exporter_secret)) {}

  /// The 32-byte key that both sides derive for `exporter_context`.
  Secret<32> key(ByteView exporter_context) const;
  /// Any other length, at most kMaxHkdfBytes.
  /// Errors: invalid_argument/export_too_long.
  Result<SecretBytes> secret(ByteView exporter_context, std::size_t length) const;

 private:
  Secret<32> secret_;
};

/// One side of an HPKE context. Sealing and opening count their own sequence numbers, so messages
/// are opened in the order in which they were sealed.
class HpkeContext {
 public:
  explicit HpkeContext(HpkeSchedule&& schedule);

  /// Errors: internal/message_limit after 2^64 - 1 messages.
  Result<Bytes> seal(ByteView aad, ByteView plaintext);
  /// A message that fails leaves the sequence number as it was.
  /// Errors: protocol/decrypt_failed, internal/message_limit.
  Result<SecretBytes> open(ByteView aad, ByteView ciphertext);

  /// The exporter, to be kept after the context is gone.
  HpkeExporter exporter() const { return HpkeExporter(exporter_secret_.duplicate()); }

 private:
  Result<AeadNonce> nonce() const;

  Secret<32> key_;
  AeadNonce base_nonce_;
  Secret<32> exporter_secret_;
  std::uint64_t sequence_ = 0;
};

struct HpkeSender {
  HpkeEnc enc{};
  HpkeContext context;
};

/// SetupBaseS (5.1.1) with a fresh ephemeral key.
/// Errors: protocol/bad_public_key.
Result<HpkeSender> hpke_sender(const X25519PublicKey& receiver, ByteView info, Random& random);
/// The same with a given ephemeral key, which must serve once only.
Result<HpkeSender> hpke_sender(const X25519PublicKey& receiver, ByteView info,
                               const X25519Key& ephemeral);

/// SetupBaseR (5.1.1).
/// Errors: protocol/bad_public_key.
Result<HpkeContext> hpke_receiver(const HpkeEnc& enc, const X25519Key& receiver, ByteView info);

}  // namespace cocoon::crypto
