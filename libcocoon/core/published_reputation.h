#pragma once
/// @file What a proxy publishes with its epoch: the reputation that its last run has left.

#include <vector>

#include "base/ids.h"
#include "cocoon/result.h"
#include "ports/store.h"
#include "routing/reputation_digest.h"

namespace cocoon::core {

struct PublishedReputation {
  NetworkId network;
  std::vector<routing::RatedWorker> workers;  ///< in ascending order of accounts
  Hash digest{};                              ///< in the epoch record
};

/// @param entries of the proxy's store; those under other keys are passed over
/// Errors: those of routing::ReputationBook::restore().
Result<PublishedReputation> reputation_to_publish(const NetworkId& network,
                                                  const std::vector<ports::StoreEntry>& entries);

}  // namespace cocoon::core
