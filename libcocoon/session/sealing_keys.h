#pragma once
/// @file A worker's sealing keys: in memory only, replaced every few hours (docs/protocol.md
/// "Keys and wraps").

#include <list>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/hpke.h"
#include "crypto/x25519.h"
#include "session/exporter_cache.h"

namespace cocoon::session {

/// The current sealing key, and the ones before it that are still valid. A key that goes takes the
/// exporter secrets that were agreed under it along.
class SealingKeys {
 public:
  /// Starts with one key.
  /// @param network bound into every wrap.
  SealingKeys(const NetworkId& network, Random& random, Now now);

  /// What a worker record says of the current key.
  const crypto::X25519PublicKey& public_key() const { return keys_.back().key.public_key(); }
  SealingKeyId id() const { return keys_.back().id; }
  UnixTime not_before() const { return keys_.back().not_before; }
  UnixTime not_after() const { return keys_.back().not_after; }

  /// When maintain() has something to do next.
  MonoTime next_rotation() const;
  /// Makes a new key after limits::kSealingKeyRotation and wipes those whose
  /// limits::kSealingKeyLifetime is over. True where the current key changed: publish a new record.
  bool maintain(Random& random, Now now);

  /// Whether this worker holds the key `id`.
  bool holds(const SealingKeyId& id) const;

  /// The secrets of a wrap that was sealed to key `id` under `hash`. Public-key work happens only
  /// for an `enc` not seen before; its exporter secret is kept once a wrap has opened under it.
  /// Errors: unavailable/unknown_sealing_key (replaced: fresh candidates have the new one),
  /// protocol/bad_wrap.
  Result<crypto::Secret<kWrapSecretBytes>> open_wrap(const SealingKeyId& id, ByteView wrap,
                                                     const RequestHash& hash);

  /// HPKE set-ups so far: one key agreement each.
  std::uint64_t setups() const { return setups_; }

 private:
  struct Exporter {
    crypto::HpkeEnc enc{};
    crypto::HpkeExporter exporter;
  };
  /// Exporter secrets by enc, bounded by limits::kMaxWorkerExporters; the one used last first.
  class Exporters {
   public:
    const crypto::HpkeExporter* find(const crypto::HpkeEnc& enc);
    void add(const crypto::HpkeEnc& enc, crypto::HpkeExporter exporter);

   private:
    std::list<Exporter> recent_;
    std::map<crypto::HpkeEnc, std::list<Exporter>::iterator> index_;
  };
  struct Key {
    crypto::X25519Key key;
    SealingKeyId id;
    UnixTime not_before{};
    UnixTime not_after{};
    MonoTime replace_at{};
    MonoTime wipe_at{};
    Exporters exporters;
  };

  void add_key(Random& random, Now now);
  Key* find(const SealingKeyId& id);

  Bytes info_;
  std::vector<Key> keys_;  // oldest first; two at most
  std::uint64_t setups_ = 0;
};

}  // namespace cocoon::session
