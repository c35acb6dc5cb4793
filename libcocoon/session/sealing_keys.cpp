#include "session/sealing_keys.h"

#include <algorithm>

#include "crypto/aead.h"

namespace cocoon::session {
namespace {

Error bad_wrap() {
  return Error(ErrorKind::protocol, "bad_wrap",
               "a wrap does not open: it was made for another key or another header, or altered.");
}

}  // namespace

const crypto::HpkeExporter* SealingKeys::Exporters::find(const crypto::HpkeEnc& enc) {
  const auto at = index_.find(enc);
  if (at == index_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at->second);
  return &at->second->exporter;
}

void SealingKeys::Exporters::add(const crypto::HpkeEnc& enc, crypto::HpkeExporter exporter) {
  if (recent_.size() >= limits::kMaxWorkerExporters) {
    index_.erase(recent_.back().enc);
    recent_.pop_back();
  }
  recent_.push_front(Exporter{enc, std::move(exporter)});
  index_[enc] = recent_.begin();
}

SealingKeys::SealingKeys(const NetworkId& network, Random& random, Now now)
    : info_(wrap_info(network)) {
  add_key(random, now);
}

void SealingKeys::add_key(Random& random, Now now) {
  crypto::X25519Key key = crypto::X25519Key::generate(random);
  const SealingKeyId id = sealing_key_id(key.public_key());
  keys_.push_back(Key{.key = std::move(key),
                      .id = id,
                      .not_before = now.unix - limits::kClockSkew,
                      .not_after = now.unix + limits::kSealingKeyLifetime,
                      .replace_at = now.mono + limits::kSealingKeyRotation,
                      // What was sealed at the last moment may still be on its way.
                      .wipe_at = now.mono + limits::kSealingKeyLifetime + limits::kClockSkew,
                      .exporters = {}});
}

MonoTime SealingKeys::next_rotation() const {
  return std::min(keys_.front().wipe_at, keys_.back().replace_at);
}

bool SealingKeys::maintain(Random& random, Now now) {
  const bool replace = now.mono >= keys_.back().replace_at;
  if (replace) add_key(random, now);
  std::erase_if(keys_, [now](const Key& key) { return now.mono >= key.wipe_at; });
  return replace;
}

SealingKeys::Key* SealingKeys::find(const SealingKeyId& id) {
  for (Key& key : keys_) {
    if (key.id == id) return &key;
  }
  return nullptr;
}

bool SealingKeys::holds(const SealingKeyId& id) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.id == id; });
}

Result<crypto::Secret<kWrapSecretBytes>> SealingKeys::open_wrap(const SealingKeyId& id,
                                                                ByteView wrap,
                                                                const RequestHash& hash) {
  Key* key = find(id);
  if (key == nullptr) {
    return Error(ErrorKind::unavailable, "unknown_sealing_key",
                 "a request is sealed to a key that this worker does not hold (any more); ask for "
                 "fresh candidates.");
  }
  if (wrap.size() != kWrapBytes) return bad_wrap();
  ByteReader in(wrap);
  const crypto::HpkeEnc enc = in.array<32>();
  const crypto::HpkeExporter* exporter = key->exporters.find(enc);
  std::optional<crypto::HpkeExporter> agreed;
  if (exporter == nullptr) {
    ++setups_;
    Result<crypto::HpkeContext> context = crypto::hpke_receiver(enc, key->key, info_);
    if (!context) return bad_wrap();
    agreed = context->exporter();
    exporter = &*agreed;
  }
  Result<crypto::SecretBytes> secrets =
      crypto::aead_open(wrap_key(*exporter, hash), crypto::AeadNonce{}, hash.view(), in.rest());
  if (!secrets) return bad_wrap();
  // Only now: junk must not push out what honest clients use.
  if (agreed) key->exporters.add(enc, std::move(*agreed));
  return crypto::Secret<kWrapSecretBytes>(secrets->view().first<kWrapSecretBytes>());
}

}  // namespace cocoon::session
