#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

// The eight leaves and the roots over the first 1 to 8 of them that implementations of Certificate
// Transparency (RFC 6962) share as test data.
const char* const kLeaves[] = {"",
                               "00",
                               "10",
                               "2021",
                               "3031",
                               "40414243",
                               "5051525354555657",
                               "606162636465666768696a6b6c6d6e6f"};
const char* const kRoots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                              "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                              "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                              "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                              "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                              "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                              "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                              "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<Hash> numbered(std::size_t n) {
  std::vector<Hash> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(merkle_leaf(as_bytes(std::to_string(i))));
  return out;
}

TEST(Merkle, RootsMatchThoseOfCertificateTransparency) {
  std::vector<Hash> leaves;
  for (std::size_t n = 0; n < 8; ++n) {
    leaves.push_back(merkle_leaf(hex(kLeaves[n])));
    EXPECT_EQ(MerkleTree(leaves).root(), hex_array<32>(kRoots[n])) << n + 1 << " leaves";
  }
}

TEST(Merkle, EveryPathOfEverySizeVerifies) {
  for (std::size_t n = 1; n <= 70; ++n) {
    const std::vector<Hash> leaves = numbered(n);
    const MerkleTree tree(leaves);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_TRUE(verify_merkle_path(leaves[i], i, n, tree.path(i), tree.root()))
          << "leaf " << i << " of " << n;
    }
  }
}

TEST(Merkle, ASingleLeafIsItsOwnRoot) {
  const Hash leaf = merkle_leaf(as_bytes("one"));
  const MerkleTree tree({leaf});
  EXPECT_EQ(tree.root(), leaf);
  EXPECT_TRUE(tree.path(0).empty());
  EXPECT_TRUE(verify_merkle_path(leaf, 0, 1, {}, leaf));
}

TEST(Merkle, AnEmptyTreeHasARootAndProvesNothing) {
  const MerkleTree tree({});
  EXPECT_EQ(tree.root(), sha256(ByteView()));
  EXPECT_TRUE(tree.path(0).empty());
  EXPECT_FALSE(verify_merkle_path(tree.root(), 0, 0, {}, tree.root()));
}

TEST(Merkle, APathProvesNoOtherIndexUnderTheSameCount) {
  const std::vector<Hash> leaves = numbered(13);
  const MerkleTree tree(leaves);
  for (std::size_t i = 0; i < 13; ++i) {
    for (std::size_t j = 0; j < 20; ++j) {
      EXPECT_EQ(verify_merkle_path(leaves[i], j, 13, tree.path(i), tree.root()), i == j)
          << i << " as " << j;
    }
  }
}

TEST(Merkle, AnAlteredLeafPathOrRootIsRefused) {
  const std::vector<Hash> leaves = numbered(11);
  const MerkleTree tree(leaves);
  const std::vector<Hash> path = tree.path(6);
  EXPECT_FALSE(verify_merkle_path(leaves[5], 6, 11, path, tree.root()));
  for (std::size_t i = 0; i < path.size(); ++i) {
    std::vector<Hash> altered = path;
    altered[i][31] ^= 1;
    EXPECT_FALSE(verify_merkle_path(leaves[6], 6, 11, altered, tree.root())) << "step " << i;
  }
  EXPECT_FALSE(verify_merkle_path(leaves[6], 6, 11, path, Hash{}));
}

TEST(Merkle, ALongerOrShorterPathIsRefused) {
  const std::vector<Hash> leaves = numbered(8);
  const MerkleTree tree(leaves);
  std::vector<Hash> path = tree.path(3);
  path.push_back(Hash{});
  EXPECT_FALSE(verify_merkle_path(leaves[3], 3, 8, path, tree.root()));
  path.resize(2);
  EXPECT_FALSE(verify_merkle_path(leaves[3], 3, 8, path, tree.root()));
}

TEST(Merkle, AnInnerNodeIsNoLeaf) {
  // The two hashes below the root, as one leaf: without domain separation this would verify.
  const std::vector<Hash> leaves = numbered(4);
  const MerkleTree tree(leaves);
  const Hash left = MerkleTree({leaves[0], leaves[1]}).root();
  const Hash right = MerkleTree({leaves[2], leaves[3]}).root();
  Bytes pair = to_bytes(left);
  append(pair, right);
  EXPECT_NE(merkle_leaf(pair), tree.root());
  EXPECT_NE(sha256(pair), tree.root());
}

TEST(Merkle, CountsOverTheLimitAreRefused) {
  const Hash leaf = merkle_leaf(as_bytes("x"));
  EXPECT_FALSE(verify_merkle_path(leaf, 0, limits::kMaxMerkleLeaves + 1, {}, leaf));
  EXPECT_FALSE(verify_merkle_path(leaf, 0, UINT64_MAX, std::vector<Hash>(1000), leaf));
  EXPECT_FALSE(verify_merkle_path(leaf, UINT64_MAX, UINT64_MAX, {}, leaf));
}

TEST(Merkle, APathOfAnIndexOutOfRangeIsEmpty) {
  EXPECT_TRUE(MerkleTree(numbered(5)).path(5).empty());
}

TEST(Merkle, PathsOfADirectoryOfTenThousandAreShort) {
  const std::vector<Hash> leaves = numbered(10'000);
  const MerkleTree tree(leaves);
  EXPECT_EQ(tree.path(1234).size(), 14u);
  EXPECT_TRUE(verify_merkle_path(leaves[9999], 9999, 10'000, tree.path(9999), tree.root()));
}

}  // namespace
}  // namespace cocoon::crypto
