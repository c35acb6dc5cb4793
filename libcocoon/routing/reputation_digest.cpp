#include "routing/reputation_digest.h"

#include <algorithm>

#include "base/bytes.h"
#include "billing/statement_codec.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cocoon::routing {
namespace {

constexpr std::string_view kMagic = "CCM1";

Hash leaf_of(const RatedWorker& worker) {
  ByteWriter out;
  out.bytes(worker.account.view())
      .u32be(worker.figures.requests)
      .u32be(worker.figures.success_e4)
      .u32be(worker.figures.first_token_ms)
      .u32be(worker.figures.tokens_per_second);
  return crypto::merkle_leaf(out.take());
}

}  // namespace

Hash reputation_digest(const NetworkId& network, std::vector<RatedWorker> workers) {
  if (workers.empty()) return {};
  std::sort(workers.begin(), workers.end(),
            [](const auto& a, const auto& b) { return a.account < b.account; });
  std::vector<Hash> leaves;
  leaves.reserve(workers.size());
  for (const RatedWorker& worker : workers) leaves.push_back(leaf_of(worker));
  const crypto::MerkleTree tree(std::move(leaves));
  return crypto::sha256(billing::begin_statement(kMagic, network)
                            .u32be(static_cast<std::uint32_t>(tree.count()))
                            .bytes(tree.root())
                            .take());
}

}  // namespace cocoon::routing
