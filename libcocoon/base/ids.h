#pragma once
/// @file Strongly typed identifiers. Two kinds of 32-byte value never mix by accident.

#include <compare>
#include <cstring>
#include <functional>

#include "base/bytes.h"

namespace cocoon {

template <class Tag, std::size_t N>
struct FixedId {
  ByteArray<N> bytes{};
  ByteView view() const { return bytes; }
  friend auto operator<=>(const FixedId&, const FixedId&) = default;
};

/// A network: 16 random bytes drawn when its registry is created. Signed into everything.
using NetworkId = FixedId<struct NetworkTag, 16>;
/// A persistent Ed25519 public key: the identity of a client, proxy or worker on the ledger.
using AccountId = FixedId<struct AccountTag, 32>;
/// An Ed25519 public key that lives as long as its process: TLS, records, receipts.
using BootKeyId = FixedId<struct BootKeyTag, 32>;
/// SHA-256 of a worker's X25519 sealing public key.
using SealingKeyId = FixedId<struct SealingKeyTag, 32>;
/// The address of a payment channel contract.
using ChannelId = FixedId<struct ChannelTag, 32>;
/// H: SHA-256 of a sealed request's header bytes.
using RequestHash = FixedId<struct RequestHashTag, 32>;
/// Drawn by a worker for each run of a request.
using RunId = FixedId<struct RunTag, 16>;
/// SHA-256 of a node's leaf certificate (DER), which carries its evidence.
using EvidenceDigest = FixedId<struct EvidenceTag, 32>;

}  // namespace cocoon

template <class Tag, std::size_t N>
struct std::hash<cocoon::FixedId<Tag, N>> {
  /// Identifiers are hashes or keys: already uniform. (A peer that grinds keys can make buckets
  /// collide; every table of them is bounded.)
  std::size_t operator()(const cocoon::FixedId<Tag, N>& id) const noexcept {
    std::size_t h;
    static_assert(N >= sizeof h);
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
