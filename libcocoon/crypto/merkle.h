#pragma once
/// @file Merkle trees over SHA-256, shaped and hashed as in RFC 6962, 2.1: a leaf is hashed with a
/// 0x00 before it, an inner node with a 0x01, so that neither can pass for the other.
///
/// A root commits to its leaves only together with their number: whoever signs a root signs the
/// count with it.

#include <vector>

#include "base/bytes.h"

namespace cocoon::crypto {

/// SHA-256(0x00 || leaf).
Hash merkle_leaf(ByteView leaf);

/// A whole tree, in memory of about two hashes per leaf: building it costs one hash per inner node,
/// every path after that is a copy.
class MerkleTree {
 public:
  /// @param leaf_hashes each from merkle_leaf(). At most limits::kMaxMerkleLeaves can be verified.
  explicit MerkleTree(std::vector<Hash> leaf_hashes);

  std::size_t count() const { return levels_.front().size(); }
  /// SHA-256 of nothing where there is no leaf; the leaf's own hash where there is one.
  const Hash& root() const { return root_; }
  /// The siblings from leaf `index` up to the root. Empty for an index out of range.
  std::vector<Hash> path(std::size_t index) const;

 private:
  std::vector<std::vector<Hash>> levels_;  // leaves first
  Hash root_{};
};

/// Whether `path` proves that `leaf_hash` is number `index` of the `count` leaves under `root`
/// (RFC 9162, 2.1.3.2). Refuses counts over limits::kMaxMerkleLeaves; its work is bounded by the
/// depth of the tree, however long `path` is.
bool verify_merkle_path(const Hash& leaf_hash, std::uint64_t index, std::uint64_t count,
                        const std::vector<Hash>& path, const Hash& root);

}  // namespace cocoon::crypto
