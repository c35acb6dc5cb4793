#pragma once
/// @file A registry that keepers have signed. Pure.
///
/// What loosens the registry counts for a node only if k of n keys that its configuration names
/// have signed it: network, version, effective time and contents, which are the bytes of
/// Registry::encode(). (These begin with a magic of their own and are longer than any statement of
/// billing/, so a signature over one is never one over another.)

#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "billing/registry.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::ledger {

/// Whose signatures count, and how many of them it takes.
struct RegistryKeepers {
  std::vector<AccountId> keys;
  std::size_t needed = 0;
};
/// Errors: invalid_argument/bad_option: no keys, one twice, more than limits::kMaxRegistryKeepers,
/// or `needed` not between 1 and their number.
Status check_keepers(const RegistryKeepers& keepers);

struct KeeperSignature {
  AccountId keeper;
  crypto::Signature signature{};
};

/// Layout: "CCS1" ‖ length u32 ‖ Registry::encode() ‖ count u8 ‖ count × (keeper(32) ‖
/// signature(64)), keepers in ascending order.
struct RegistrySnapshot {
  billing::Registry registry;
  std::vector<KeeperSignature> signatures;

  Bytes encode() const;
  /// Accepts only what encode() makes. Signatures are not checked. Errors: protocol/bad_registry.
  static Result<RegistrySnapshot> decode(ByteView bytes);
};

/// Adds `key`'s signature, in place of an earlier one of it.
/// @pre the registry is valid
/// Errors: too_large/bad_registry where there are limits::kMaxRegistryKeepers others.
Status add_signature(RegistrySnapshot& snapshot, const crypto::SigningKey& key);

/// Whether enough of the keepers have signed. Signatures by others are ignored, and a keeper counts
/// once. Errors: unauthorized/registry_unsigned, which says how many there are of how many; a
/// wrong signature in a keeper's name counts as none.
Status check_signatures(const RegistrySnapshot& snapshot, const RegistryKeepers& keepers);

}  // namespace cocoon::ledger
