#include "registry_signatures.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/hex.h"
#include "ledger/ton/registry_files.h"

namespace cocoon::app {

Result<std::optional<ledger::RegistrySnapshot>> read_signed(const std::string& file,
                                                            const NetworkId& network) {
  COCOON_TRY(const auto bytes, ledger::read_registry_file(file));
  if (!bytes) return std::optional<ledger::RegistrySnapshot>();
  auto snapshot = ledger::RegistrySnapshot::decode(*bytes);
  if (!snapshot) return std::move(snapshot).error().within(file);
  if (snapshot->registry.network != network) {
    return Error(ErrorKind::protocol, "wrong_network",
                 fmt::format("{} is of network {}, and the configuration names {}", file,
                             to_hex(snapshot->registry.network.view()), to_hex(network.view())));
  }
  return std::optional(std::move(*snapshot));
}

KeeperState state_of(const ledger::RegistrySnapshot& snapshot, const AccountId& keeper) {
  const auto& list = snapshot.signatures;
  const auto at =
      std::find_if(list.begin(), list.end(), [&](const auto& s) { return s.keeper == keeper; });
  if (at == list.end()) return KeeperState::absent;
  return crypto::verify(keeper.bytes, snapshot.registry.encode(), at->signature)
             ? KeeperState::signed_it
             : KeeperState::wrong;
}

std::string_view to_string(KeeperState state) {
  switch (state) {
    case KeeperState::signed_it: return "signed";
    case KeeperState::absent: return "not signed";
    case KeeperState::wrong: break;
  }
  return "WRONG SIGNATURE";
}

void print_signatures(const ledger::RegistrySnapshot& snapshot,
                      const ledger::RegistryKeepers& keepers) {
  for (const AccountId& keeper : keepers.keys) {
    fmt::print("{:<17}{} {}\n", "keeper", to_hex(keeper.view()),
               to_string(state_of(snapshot, keeper)));
  }
  for (const auto& s : snapshot.signatures) {
    const auto& keys = keepers.keys;
    if (std::find(keys.begin(), keys.end(), s.keeper) != keys.end()) continue;
    fmt::print("{:<17}{} does not count: it is none of the configuration's keepers\n", "signature",
               to_hex(s.keeper.view()));
  }
}

}  // namespace cocoon::app
