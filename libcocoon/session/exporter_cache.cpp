#include "session/exporter_cache.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace cocoon::session {
namespace {

constexpr std::string_view kWrapDomain("cocoon-wrap-v1\0", 15);
constexpr std::string_view kWrapLabel = "wrap";

}  // namespace

Bytes wrap_info(const NetworkId& network) {
  return ByteWriter().bytes(as_bytes(kWrapDomain)).bytes(network.view()).take();
}

crypto::Secret<32> wrap_key(const crypto::HpkeExporter& exporter, const RequestHash& hash) {
  ByteArray<kWrapLabel.size() + 32> context;
  std::copy(kWrapLabel.begin(), kWrapLabel.end(), context.begin());
  std::copy(hash.bytes.begin(), hash.bytes.end(), context.begin() + kWrapLabel.size());
  return exporter.key(context);
}

SealingKeyId sealing_key_id(const crypto::X25519PublicKey& key) {
  return SealingKeyId{crypto::sha256(key)};
}

ExporterCache::ExporterCache(const NetworkId& network, std::uint32_t max_uses)
    : info_(wrap_info(network)),
      max_uses_(std::clamp<std::uint32_t>(max_uses, 1, limits::kMaxExporterUses)) {}

void ExporterCache::forget(const SealingKeyId& key) {
  const auto at = index_.find(key);
  if (at == index_.end()) return;
  entries_.erase(at->second);
  index_.erase(at);
}

Result<ExporterCache::Entries::iterator> ExporterCache::fresh_entry(const SealingKeyId& id,
                                                                    const Recipient& recipient,
                                                                    Random& random, Now now) {
  // What was not used for so long would not be used again: it need not stay in memory.
  while (!entries_.empty() && now.mono - entries_.back().made >= limits::kMaxExporterAge) {
    const SealingKeyId unused = entries_.back().key;
    forget(unused);
  }
  const auto known = index_.find(id);
  if (known != index_.end()) {
    const Entries::iterator entry = known->second;
    if (entry->uses < max_uses_ && now.mono - entry->made < limits::kMaxExporterAge) {
      entries_.splice(entries_.begin(), entries_, entry);
      return entry;
    }
    forget(id);
  }
  COCOON_TRY(crypto::HpkeSender sender, crypto::hpke_sender(recipient.sealing_key, info_, random));
  ++setups_;
  if (entries_.size() >= limits::kMaxClientExporters) {
    const SealingKeyId oldest = entries_.back().key;
    forget(oldest);
  }
  entries_.push_front(
      Entry{.key = id, .enc = sender.enc, .exporter = sender.context.exporter(), .made = now.mono});
  index_[id] = entries_.begin();
  return entries_.begin();
}

Result<Bytes> ExporterCache::seal(const Recipient& recipient, const RequestHash& hash,
                                  const crypto::Secret<kWrapSecretBytes>& secrets, Random& random,
                                  Now now) {
  const SealingKeyId id = sealing_key_id(recipient.sealing_key);
  if (now.unix >= recipient.not_after) {
    forget(id);
    return Error(ErrorKind::invalid_argument, "sealing_key_expired",
                 "a candidate's worker record has expired; ask the proxy for fresh candidates.");
  }
  COCOON_TRY(const Entries::iterator entry, fresh_entry(id, recipient, random, now));
  ++entry->uses;
  const crypto::Secret<32> key = wrap_key(entry->exporter, hash);
  Bytes wrap(entry->enc.begin(), entry->enc.end());
  append(wrap, crypto::aead_seal(key, crypto::AeadNonce{}, hash.view(), secrets.view()));
  return wrap;
}

}  // namespace cocoon::session
