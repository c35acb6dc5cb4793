#include "attest/certificate_cache.h"

#include <cstring>

#include "crypto/hash.h"

namespace cocoon::attest {

std::size_t CertificateCache::HashOfHash::operator()(const Hash& hash) const noexcept {
  std::size_t out;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

template <class Value>
const Value* CertificateCache::Generations<Value>::find(const Hash& key) {
  if (const auto found = young_.find(key); found != young_.end()) return &found->second;
  const auto found = old_.find(key);
  if (found == old_.end()) return nullptr;
  Value value = std::move(found->second);
  old_.erase(found);
  insert(key, std::move(value));
  return &young_.find(key)->second;
}

template <class Value>
void CertificateCache::Generations<Value>::insert(const Hash& key, Value value) {
  if (young_.size() >= half_) {
    old_ = std::move(young_);
    young_ = Map();
  }
  young_.insert_or_assign(key, std::move(value));
}

Result<CertificatePtr> CertificateCache::certificate(ByteView der) {
  const Hash key = crypto::sha256(der);
  {
    const std::lock_guard lock(mutex_);
    if (const CertificatePtr* known = certificates_.find(key)) return *known;
  }
  COCOON_TRY(CertificatePtr parsed, Certificate::parse(der));
  const std::lock_guard lock(mutex_);
  certificates_.insert(key, parsed);
  return parsed;
}

bool CertificateCache::signed_by(const SignedDer& object, const P256PublicKey& key) {
  const Hash fact = crypto::sha256({object.digest(), key.point()});
  {
    const std::lock_guard lock(mutex_);
    if (signatures_.find(fact) != nullptr) return true;
  }
  if (!object.signed_by(key)) return false;
  const std::lock_guard lock(mutex_);
  signatures_.insert(fact, true);
  return true;
}

}  // namespace cocoon::attest
