#include "ledger/ton/registry_snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace cocoon::ledger {
namespace {

constexpr std::string_view kMagic = "CCS1";

Error bad_option(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_option", std::move(detail));
}

Error malformed(std::string_view why) {
  return Error(ErrorKind::protocol, "bad_registry",
               fmt::format("the signed registry is damaged, or of another format: {}", why));
}

bool by_keeper(const KeeperSignature& a, const KeeperSignature& b) {
  return a.keeper < b.keeper;
}

}  // namespace

Status check_keepers(const RegistryKeepers& keepers) {
  if (keepers.keys.empty()) {
    return bad_option("no registry keepers are named: without them no registry counts");
  }
  if (keepers.keys.size() > limits::kMaxRegistryKeepers) {
    return bad_option("more than 32 registry keepers are named");
  }
  auto sorted = keepers.keys;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return bad_option("a registry keeper is named twice");
  }
  if (keepers.needed < 1 || keepers.needed > keepers.keys.size()) {
    return bad_option(fmt::format("the number of registry signatures must be between 1 and {}",
                                  keepers.keys.size()));
  }
  return ok();
}

Bytes RegistrySnapshot::encode() const {
  const Bytes body = registry.encode();
  ByteWriter out;
  out.bytes(as_bytes(kMagic)).u32be(static_cast<std::uint32_t>(body.size())).bytes(body);
  out.u8(static_cast<std::uint8_t>(signatures.size()));
  for (const auto& s : signatures) out.bytes(s.keeper.view()).bytes(s.signature);
  return out.take();
}

Result<RegistrySnapshot> RegistrySnapshot::decode(ByteView bytes) {
  if (bytes.size() > limits::kMaxRegistrySnapshotBytes) return malformed("it is too large");
  ByteReader in(bytes);
  if (as_text(in.take(kMagic.size())) != kMagic) return malformed("it does not begin with CCS1");
  const ByteView body = in.take(in.u32be());
  if (in.failed()) return malformed("it is cut off");
  RegistrySnapshot out;
  COCOON_TRY(out.registry, billing::Registry::decode(body));
  const std::size_t count = in.u8();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    KeeperSignature s;
    s.keeper.bytes = in.array<32>();
    s.signature = in.array<64>();
    out.signatures.push_back(s);
  }
  if (!in.finished()) return malformed("its length does not fit its signatures");
  const auto& list = out.signatures;
  const auto disordered = [](const auto& a, const auto& b) { return !by_keeper(a, b); };
  if (list.size() > limits::kMaxRegistryKeepers ||
      std::adjacent_find(list.begin(), list.end(), disordered) != list.end()) {
    return malformed("its signatures are too many or not in order");
  }
  return out;
}

Status add_signature(RegistrySnapshot& snapshot, const crypto::SigningKey& key) {
  auto& list = snapshot.signatures;
  const KeeperSignature made{key.account_id(), key.sign(snapshot.registry.encode())};
  const auto at = std::lower_bound(list.begin(), list.end(), made, by_keeper);
  if (at != list.end() && at->keeper == made.keeper) {
    *at = made;
    return ok();
  }
  if (list.size() >= limits::kMaxRegistryKeepers) {
    return Error(ErrorKind::too_large, "bad_registry", "the registry has 32 signatures already");
  }
  list.insert(at, made);
  return ok();
}

Status check_signatures(const RegistrySnapshot& snapshot, const RegistryKeepers& keepers) {
  const Bytes body = snapshot.registry.encode();
  std::size_t good = 0;
  for (const AccountId& key : keepers.keys) {
    const auto at = std::find_if(snapshot.signatures.begin(), snapshot.signatures.end(),
                                 [&](const auto& s) { return s.keeper == key; });
    if (at != snapshot.signatures.end() && crypto::verify(key.bytes, body, at->signature)) ++good;
  }
  if (good >= keepers.needed) return ok();
  return Error(ErrorKind::unauthorized, "registry_unsigned",
               fmt::format("registry version {} has {} good signatures of this node's keepers, and "
                           "needs {}: ask the keepers for one that they have signed",
                           snapshot.registry.version, good, keepers.needed));
}

}  // namespace cocoon::ledger
