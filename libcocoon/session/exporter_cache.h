#pragma once
/// @file The client's HPKE exporter secrets, which keep public-key work off most requests
/// (docs/protocol.md "Keys and wraps").

#include <list>
#include <unordered_map>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/hpke.h"

namespace cocoon::session {

/// What a wrap carries: content key, then the recipient's answer key.
inline constexpr std::size_t kWrapSecretBytes = 64;
/// Length of a wrap: enc, the sealed keys, the tag.
inline constexpr std::size_t kWrapBytes = 32 + kWrapSecretBytes + crypto::kAeadTagBytes;

/// The HPKE `info` of every wrap: "cocoon-wrap-v1" ‖ 0x00 ‖ network.
Bytes wrap_info(const NetworkId& network);
/// The key of one wrap: Export("wrap" ‖ H). Used for one message, under a nonce of zeros.
crypto::Secret<32> wrap_key(const crypto::HpkeExporter& exporter, const RequestHash& hash);

/// A worker to seal to, from a worker record that the client has verified.
struct Recipient {
  crypto::X25519PublicKey sealing_key{};
  UnixTime not_after{};  ///< of its record: nothing is sealed to the key from then on
};
/// SHA-256 of the public key.
SealingKeyId sealing_key_id(const crypto::X25519PublicKey& key);

/// One per proxy connection, so that secrets are never shared between proxies. An exporter secret
/// is dropped at its key's expiry, after `max_uses` requests or limits::kMaxExporterAge, and the
/// one unused longest goes first where limits::kMaxClientExporters are held.
class ExporterCache {
 public:
  /// @param max_uses 1 to limits::kMaxExporterUses (clamped); 1 turns reuse off.
  explicit ExporterCache(const NetworkId& network,
                         std::uint32_t max_uses = limits::kMaxExporterUses);

  /// The wrap of `secrets` for `recipient` under `hash`, which must never come twice with
  /// different secrets for one recipient.
  /// Errors: invalid_argument/sealing_key_expired, protocol/bad_public_key.
  Result<Bytes> seal(const Recipient& recipient, const RequestHash& hash,
                     const crypto::Secret<kWrapSecretBytes>& secrets, Random& random, Now now);

  /// Drops what is kept for a worker, for example when its image left the registry.
  void forget(const SealingKeyId& key);

  /// Exporter secrets held.
  std::size_t size() const { return entries_.size(); }
  /// HPKE set-ups so far; each is one key generation and one key agreement, the only public-key
  /// work of sealing.
  std::uint64_t setups() const { return setups_; }

 private:
  struct Entry {
    SealingKeyId key;
    crypto::HpkeEnc enc{};
    crypto::HpkeExporter exporter;
    std::uint32_t uses = 0;
    MonoTime made{};
  };
  using Entries = std::list<Entry>;

  Result<Entries::iterator> fresh_entry(const SealingKeyId& id, const Recipient& recipient,
                                        Random& random, Now now);

  Bytes info_;
  std::uint32_t max_uses_;
  std::uint64_t setups_ = 0;
  Entries entries_;  // the one used last first
  std::unordered_map<SealingKeyId, Entries::iterator> index_;
};

}  // namespace cocoon::session
