#pragma once
/// @file A node answers challenges in batches: one quote for all that wait (docs/protocol.md
/// "Challenge"). A quote takes some 40 ms of a machine, whatever asks for it, so asking for one per
/// peer would make the last of many wait for all. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/merkle.h"
#include "wire/messages.h"

namespace cocoon::session {

/// At most one quote is being made; who comes meanwhile waits for the next.
class AnswerBatch {
 public:
  /// Who waits; chosen by the owner, who bounds how many there are.
  using Asker = std::uint64_t;

  /// @param leaf from Challenge::take_leaf()
  void add(Asker asker, const Hash& leaf) { waiting_[asker] = leaf; }
  /// Its connection is gone. (Its leaf in a quote that is being made hurts nobody.)
  void forget(Asker asker) { waiting_.erase(asker); }

  /// Begins a batch of all that wait: what its quote is to be over. Nothing where nobody waits, or
  /// a quote is being made.
  std::optional<ByteArray<64>> begin();
  /// The quote of the batch has been made: the answers.
  std::vector<std::pair<Asker, wire::Answer>> finish(ByteView quote);
  /// It could not be made: those who get no answer.
  std::vector<Asker> give_up();

 private:
  struct Running {
    std::vector<Asker> askers;  ///< by their leaves
    crypto::MerkleTree tree;
  };

  std::map<Asker, Hash> waiting_;
  std::optional<Running> running_;
};

}  // namespace cocoon::session
