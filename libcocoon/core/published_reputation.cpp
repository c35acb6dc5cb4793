#include "core/published_reputation.h"

#include "core/store_keys.h"
#include "routing/reputation.h"

namespace cocoon::core {

Result<PublishedReputation> reputation_to_publish(const NetworkId& network,
                                                  const std::vector<ports::StoreEntry>& entries) {
  routing::ReputationBook book;
  for (const ports::StoreEntry& entry : entries) {
    if (entry.key == kReputationKey) COCOON_CHECK(book.restore(entry.value));
  }
  PublishedReputation out;
  out.network = network;
  out.workers.reserve(book.size());
  for (const auto& [account, averages] : book.all()) {
    out.workers.push_back({account, averages->figures()});
  }
  out.digest = routing::reputation_digest(network, out.workers);
  return out;
}

}  // namespace cocoon::core
