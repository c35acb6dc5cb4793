#pragma once
/// @file The inside of HPKE: key encapsulation and key schedule (RFC 9180, sections 4 and 5) for
/// the one suite we speak. Apart from hpke.h so that the RFC's vectors check each step.

#include "base/bytes.h"
#include "cocoon/result.h"
#include "crypto/aead.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"

namespace cocoon::crypto {

/// Identifiers of the suite (RFC 9180, 7.1 to 7.3).
inline constexpr std::uint16_t kHpkeKem = 0x0020;   ///< DHKEM(X25519, HKDF-SHA256)
inline constexpr std::uint16_t kHpkeKdf = 0x0001;   ///< HKDF-SHA256
inline constexpr std::uint16_t kHpkeAead = 0x0003;  ///< ChaCha20Poly1305

/// DeriveKeyPair (RFC 9180, 7.1.3) for X25519.
X25519Key hpke_derive_key(ByteView ikm);

/// Encap (4.1) with a given ephemeral key: the KEM's shared secret.
/// Errors: protocol/bad_public_key.
Result<Secret<32>> hpke_encap(const X25519Key& ephemeral, const X25519PublicKey& receiver);
/// Decap (4.1). Errors: protocol/bad_public_key.
Result<Secret<32>> hpke_decap(const X25519PublicKey& enc, const X25519Key& receiver);

/// What KeySchedule (5.1) derives in base mode.
struct HpkeSchedule {
  Bytes key_schedule_context;
  Secret<32> secret;
  Secret<32> key;
  AeadNonce base_nonce{};
  Secret<32> exporter_secret;
};
HpkeSchedule hpke_key_schedule(const Secret<32>& shared_secret, ByteView info);

/// Context.Export (5.3) into `out`.
/// @return false where `out` is longer than kMaxHkdfBytes.
[[nodiscard]] bool hpke_export(const Secret<32>& exporter_secret, ByteView exporter_context,
                               std::span<std::uint8_t> out);

}  // namespace cocoon::crypto
