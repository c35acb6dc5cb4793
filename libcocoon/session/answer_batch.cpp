#include "session/answer_batch.h"

#include "attest/challenge.h"
#include "crypto/hash.h"

namespace cocoon::session {

std::optional<ByteArray<64>> AnswerBatch::begin() {
  if (running_ || waiting_.empty()) return std::nullopt;
  std::vector<Asker> askers;
  std::vector<Hash> leaves;
  for (const auto& [asker, leaf] : std::exchange(waiting_, {})) {
    askers.push_back(asker);
    leaves.push_back(leaf);
  }
  running_.emplace(Running{std::move(askers), crypto::MerkleTree(std::move(leaves))});
  return attest::challenge_report_data(running_->tree.root(),
                                       static_cast<std::uint32_t>(running_->tree.count()));
}

std::vector<std::pair<AnswerBatch::Asker, wire::Answer>> AnswerBatch::finish(ByteView quote) {
  std::vector<std::pair<Asker, wire::Answer>> out;
  if (!running_) return out;
  const EvidenceDigest digest{crypto::sha256(quote)};
  const auto leaves = static_cast<std::uint32_t>(running_->tree.count());
  for (std::uint32_t i = 0; i < leaves; ++i) {
    out.emplace_back(
        running_->askers[i],
        wire::Answer{running_->tree.root(), leaves, {i, running_->tree.path(i)}, digest});
  }
  running_.reset();
  return out;
}

std::vector<AnswerBatch::Asker> AnswerBatch::give_up() {
  std::vector<Asker> out;
  if (running_) out = std::move(running_->askers);
  running_.reset();
  return out;
}

}  // namespace cocoon::session
