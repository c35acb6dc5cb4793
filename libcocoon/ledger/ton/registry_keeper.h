#pragma once
/// @file The registry that a node works with: what keepers have signed, less what the ledger has
/// taken back since. Pure.
///
/// An API that lies can take entries away and raise floors and delays; it can add nothing, change
/// no price, and bring back nothing that a newer signed version has taken away.

#include <optional>

#include "base/time.h"
#include "ledger/ton/registry_snapshot.h"

namespace cocoon::ledger {

class RegistryKeeper {
 public:
  /// @param max_age how old the newest look at the ledger may be: the longest that a removal may
  ///        go unnoticed while the ledger is away
  /// @pre check_keepers() accepts `keepers`
  RegistryKeeper(NetworkId network, RegistryKeepers keepers, Seconds max_age);

  /// Takes up what save() wrote. Signatures are checked again, against the keepers of today.
  /// Errors: as offer(), and io/registry_cache_damaged.
  Status restore(ByteView saved);
  /// For the disk. Empty as long as nothing is signed.
  Bytes save() const;

  /// A signed snapshot. The same again changes nothing. @return whether it is new
  /// Errors: protocol/bad_registry, wrong_network; unauthorized/registry_unsigned;
  /// protocol/registry_rollback, registry_forked; unavailable/registry_not_in_force (too early).
  Result<bool> offer(ByteView snapshot, UnixTime now);

  /// What the ledger shows now. @param time of the reading, by the ledger's clock
  /// @return whether what this node works with has changed
  /// Errors (nothing is taken over, and the age grows): protocol/wrong_network;
  /// protocol/registry_rollback where the ledger is behind what was signed.
  Result<bool> on_ledger(const billing::Registry& seen, UnixTime time);

  /// Errors: unavailable/registry_missing; unavailable/registry_too_old. Both say what to do.
  Result<billing::Registry> current(UnixTime now) const;
  /// The newest that is signed, whatever the ledger has taken back of it since.
  const std::optional<RegistrySnapshot>& newest_signed() const { return signed_; }

 private:
  Status adopt(RegistrySnapshot snapshot);
  billing::Registry effective() const;

  NetworkId network_;
  RegistryKeepers keepers_;
  Seconds max_age_;
  std::optional<RegistrySnapshot> signed_;
  std::optional<billing::Registry> seen_;  ///< the ledger's, not older than what is signed
  std::optional<UnixTime> confirmed_;      ///< the newest look at the ledger
};

}  // namespace cocoon::ledger
