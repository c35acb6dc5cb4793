#include "crypto/merkle.h"

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::crypto {
namespace {

constexpr ByteArray<1> kLeafPrefix = {0x00};
constexpr ByteArray<1> kNodePrefix = {0x01};

Hash node(const Hash& left, const Hash& right) {
  return sha256({kNodePrefix, left, right});
}

}  // namespace

Hash merkle_leaf(ByteView leaf) {
  return sha256({kLeafPrefix, leaf});
}

MerkleTree::MerkleTree(std::vector<Hash> leaf_hashes) {
  levels_.push_back(std::move(leaf_hashes));
  // RFC 6962 splits at the largest power of two below the count. Level by level that is: pair
  // neighbours, and carry an odd last one up unhashed.
  while (levels_.back().size() > 1) {
    const std::vector<Hash>& below = levels_.back();
    std::vector<Hash> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) {
      level.push_back(node(below[i], below[i + 1]));
    }
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
  root_ = levels_.back().empty() ? sha256(ByteView()) : levels_.back().front();
}

std::vector<Hash> MerkleTree::path(std::size_t index) const {
  std::vector<Hash> out;
  if (index >= count()) return out;
  for (const std::vector<Hash>& level : levels_) {
    const std::size_t sibling = index ^ 1;
    if (sibling < level.size()) out.push_back(level[sibling]);
    index /= 2;
  }
  return out;
}

bool verify_merkle_path(const Hash& leaf_hash, std::uint64_t index, std::uint64_t count,
                        const std::vector<Hash>& path, const Hash& root) {
  if (index >= count || count > limits::kMaxMerkleLeaves) return false;
  Hash at = leaf_hash;
  std::uint64_t last = count - 1;
  std::size_t used = 0;
  for (; last > 0; index /= 2, last /= 2) {
    // The last of an odd number of nodes has no sibling: it is its own parent.
    if (index % 2 == 0 && index == last) continue;
    if (used == path.size()) return false;
    const Hash& sibling = path[used++];
    at = index % 2 == 1 ? node(sibling, at) : node(at, sibling);
  }
  return used == path.size() && equal_public(at, root);
}

}  // namespace cocoon::crypto
