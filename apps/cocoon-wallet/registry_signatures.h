#pragma once
/// @file A signed registry's file, and who has signed it.

#include <optional>
#include <string>

#include "ledger/ton/registry_snapshot.h"

namespace cocoon::app {

/// Nothing where there is no such file. Errors: those of read_registry_file() and
/// RegistrySnapshot::decode(); protocol/wrong_network.
Result<std::optional<ledger::RegistrySnapshot>> read_signed(const std::string& file,
                                                            const NetworkId& network);

enum class KeeperState { signed_it, absent, wrong };
KeeperState state_of(const ledger::RegistrySnapshot& snapshot, const AccountId& keeper);

/// "signed", "not signed" or "WRONG SIGNATURE".
std::string_view to_string(KeeperState state);

/// One line for each keeper, and for each signature that does not count.
void print_signatures(const ledger::RegistrySnapshot& snapshot,
                      const ledger::RegistryKeepers& keepers);

}  // namespace cocoon::app
