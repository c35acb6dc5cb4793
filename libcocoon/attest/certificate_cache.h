#pragma once
/// @file Parsed certificates and checked signatures, kept by their bytes. Parsing a chain costs six
/// times what verifying a quote under it does, and most quotes come with the same issuers.

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "attest/certificate.h"
#include "base/limits.h"

namespace cocoon::attest {

/// Any thread. Holds only facts that no clock and no policy can change: "these bytes are this
/// certificate", "this key signed these bytes".
class CertificateCache {
 public:
  /// Keeps at most about `capacity` certificates and as many signatures.
  explicit CertificateCache(std::size_t capacity = limits::kMaxCachedCertificates)
      : certificates_(capacity), signatures_(capacity) {}

  /// As Certificate::parse. Failures are not kept.
  Result<CertificatePtr> certificate(ByteView der);

  /// As SignedDer::signed_by. Refusals are not kept.
  bool signed_by(const SignedDer& object, const P256PublicKey& key);

 private:
  struct HashOfHash {
    std::size_t operator()(const Hash& hash) const noexcept;
  };

  /// A map of bounded size: what was not asked for during a whole generation is dropped.
  template <class Value>
  class Generations {
   public:
    explicit Generations(std::size_t capacity) : half_(capacity / 2 + 1) {}
    const Value* find(const Hash& key);
    void insert(const Hash& key, Value value);

   private:
    using Map = std::unordered_map<Hash, Value, HashOfHash>;
    std::size_t half_;
    Map young_;
    Map old_;
  };

  std::mutex mutex_;
  Generations<CertificatePtr> certificates_;
  Generations<bool> signatures_;
};

}  // namespace cocoon::attest
