#pragma once
/// @file What a proxy publishes of the workers that it has measured, and the digest of it that
/// stands in its epoch record on the ledger (economics.md "Reputation").

#include <vector>

#include "base/ids.h"
#include "wire/messages.h"

namespace cocoon::routing {

struct RatedWorker {
  AccountId account;
  wire::ServiceFigures figures;
};

/// SHA-256("CCM1" ‖ network(16) ‖ count u32 ‖ root), where root is that of the Merkle tree whose
/// leaves are, in ascending order of accounts, account(32) ‖ requests u32 ‖ success u32 ‖ first
/// token u32 ‖ tokens per second u32. Zeros where nobody was rated.
/// @param workers in any order, each once
Hash reputation_digest(const NetworkId& network, std::vector<RatedWorker> workers);

}  // namespace cocoon::routing
