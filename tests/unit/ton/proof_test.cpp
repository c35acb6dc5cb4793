#include <gtest/gtest.h>

#include "ton/account_proof.h"
#include "ton/merkle.h"
#include "ton/signature_set.h"
#include "ton/tl.h"
#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::VectorFile;

Hash changed(Hash hash) {
  hash[0] ^= 1;
  return hash;
}

TEST(MerkleProof, RefusesCellsThatAreNone) {
  EXPECT_FALSE(verify_merkle_proof(Cell::empty(), Cell::empty()->hash()));
  EXPECT_FALSE(updated_hash(Cell::empty()));
}

TEST(MerkleProofVectors, HoldForTheirHashOnly) {
  std::size_t nested = 0;
  const VectorFile file("merkle_proofs.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    if (v.find("hashes")) {
      CellRef cell = test::cell(v, "boc");
      for (const json::Value digits : v.find("hashes").elements()) {
        const Hash trusted = array_from_hex<32>(*digits.as_string()).value();
        EXPECT_FALSE(verify_merkle_proof(cell, changed(trusted)));
        const auto shown = verify_merkle_proof(cell, trusted);
        ASSERT_TRUE(shown) << shown.error().detail();
        cell = *shown;
        ++nested;
      }
      continue;
    }
    const CellRef proof = parse_boc_root(test::read_bytes(test::text(v, "boc_file"))).value();
    const Hash trusted = test::hash(v, "trusted_hash");
    EXPECT_FALSE(verify_merkle_proof(proof, changed(trusted)));
    const auto shown = verify_merkle_proof(proof, trusted);
    ASSERT_EQ(shown.has_value(), test::text(v, "expect") == "accept");
    EXPECT_EQ((*shown)->hash(0), test::hash(v, "child_hash0"));
    EXPECT_EQ((*shown)->depth(0), test::number(v, "stored_depth"));
  }
  EXPECT_EQ(nested, 3u);
}

TEST(AccountProofVectors, ShowTheAccountOrAreRefused) {
  const VectorFile file("account_state_proof.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    Bag bag = parse_boc(test::base64(v, "proof_boc")).value();
    if (test::text(v, "name") == "neg_roots_swapped") std::swap(bag.roots[0], bag.roots[1]);
    const json::Value block = v.find("shard_block");
    // The case with swapped roots names no hash of its own: it is derived from the good one.
    const Hash root_hash =
        block
            ? test::hash(block, "root_hash")
            : array_from_hex<32>("ad1fac010600066adee2f20868a8c14accca61c429dced7e2e2ae0e6c2b7d118")
                  .value();
    const Address account = v.find("account") ? test::address(v, "account") : Address{};
    const auto proof = verify_account_proof(bag.roots, root_hash, account);
    ASSERT_EQ(proof.has_value(), test::text(v, "expect") == "accept")
        << (proof ? "" : proof.error().detail());
    if (!proof) continue;
    EXPECT_EQ(proof->seqno, test::number(block, "seqno"));
    EXPECT_EQ(proof->gen_utime, test::number(block, "gen_utime"));
    EXPECT_EQ(proof->shard_state_hash, test::hash(v, "state_hash"));
    ASSERT_TRUE(proof->account);
    EXPECT_EQ(proof->account->state_hash, test::hash(v, "account_state_hash"));
    EXPECT_EQ(proof->account->balance.value, test::number(v, "depth_balance"));
    EXPECT_EQ(proof->account->last_transaction_hash, test::hash(v, "last_trans_hash"));
    EXPECT_EQ(proof->account->last_transaction_lt, test::number(v, "last_trans_lt"));
  }
}

TEST(AccountProof, RefusesWhatIsNotShown) {
  const Bag bag = parse_boc(test::read_bytes("boc/accountProof.boc")).value();
  const Hash root_hash =
      array_from_hex<32>("ad1fac010600066adee2f20868a8c14accca61c429dced7e2e2ae0e6c2b7d118")
          .value();
  Address account =
      parse_address("0:83dfd552e63729b472fcbcc8c45ebcc6691702558b68ec7527e1ba403a0f31a8")
          .value()
          .address;
  ASSERT_TRUE(verify_account_proof(bag.roots, root_hash, account));
  EXPECT_FALSE(verify_account_proof(std::span(bag.roots).first(1), root_hash, account));
  // An account of another workchain is not in this shard, whatever the proof shows.
  account.workchain = kMasterchain;
  const auto other_chain = verify_account_proof(bag.roots, root_hash, account);
  ASSERT_FALSE(other_chain);
  EXPECT_NE(other_chain.error().detail().find("shard"), std::string::npos);
  account.workchain = kBasechain;
  // A neighbour on a branch that was cut off is unknown, not absent.
  account.hash[0] ^= 0x40;
  EXPECT_FALSE(verify_account_proof(bag.roots, root_hash, account));
  // One that parts from the shown account in its last bit is shown to be absent.
  account.hash[0] ^= 0x40;
  account.hash[31] ^= 1;
  const auto absent = verify_account_proof(bag.roots, root_hash, account);
  ASSERT_TRUE(absent) << absent.error().detail();
  EXPECT_FALSE(absent->account);
}

struct SignedBlock {
  Hash root_hash;
  Hash file_hash;
  std::vector<Validator> validators;
  std::vector<BlockSignature> signatures;

  explicit SignedBlock(json::Value v)
      : root_hash(test::hash(v, "root_hash")), file_hash(test::hash(v, "file_hash")) {
    for (const json::Value one : v.find("validators").elements()) {
      validators.push_back({test::hash(one, "public_key"), test::number(one, "weight")});
    }
    for (const json::Value one : v.find("signatures").elements()) {
      signatures.push_back({test::hash(one, "node_id_short"),
                            array_from_hex<64>(test::text(one, "signature")).value()});
    }
  }
  Status verify() const {
    return verify_block_signatures(root_hash, file_hash, validators, signatures);
  }
};

TEST(SignatureSetVectors, FollowTheRule) {
  const VectorFile file("signature_sets.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    const SignedBlock block(v);
    EXPECT_EQ(to_hex(signed_block_id(block.root_hash, block.file_hash)),
              test::text(v, "signed_bytes"));
    EXPECT_EQ(block.verify().has_value(), test::text(v, "expect") == "accept");
  }
}

TEST(SignatureSet, RefusesDuplicatesAndOverflow) {
  const VectorFile file("signature_sets.json");
  const SignedBlock good(*file.cases().begin());
  ASSERT_TRUE(good.verify());

  SignedBlock twice = good;
  twice.signatures.push_back(twice.signatures.front());
  EXPECT_FALSE(twice.verify());
  SignedBlock listed_twice = good;
  listed_twice.validators.push_back(listed_twice.validators.front());
  EXPECT_FALSE(listed_twice.verify());
  SignedBlock heavy = good;
  heavy.validators[0].weight = UINT64_MAX;
  EXPECT_FALSE(heavy.verify());
  EXPECT_FALSE(verify_block_signatures(good.root_hash, good.file_hash, {}, {}));
}

TEST(SignatureSet, TwoThirdsAreNotEnough) {
  const VectorFile file("signature_sets.json");
  SignedBlock block(*file.cases().begin());
  block.validators.resize(3);
  std::erase_if(block.signatures, [&](const BlockSignature& s) {
    return s.node != short_node_id(block.validators[0].public_key) &&
           s.node != short_node_id(block.validators[1].public_key);
  });
  ASSERT_EQ(block.signatures.size(), 2u);
  const auto signed_by = [&](std::uint64_t a, std::uint64_t b, std::uint64_t missing) {
    block.validators[0].weight = a;
    block.validators[1].weight = b;
    block.validators[2].weight = missing;
    return block.verify().has_value();
  };
  EXPECT_FALSE(signed_by(1, 1, 1));
  EXPECT_TRUE(signed_by(1, 2, 1));
  EXPECT_FALSE(signed_by(2, 2, 2));
  EXPECT_TRUE(signed_by(2, 3, 2));
  constexpr std::uint64_t kThird = UINT64_MAX / 3;  // 2^64 - 1 is a multiple of three
  EXPECT_FALSE(signed_by(kThird, kThird, kThird));
  EXPECT_TRUE(signed_by(kThird, kThird, kThird - 1));
}

TEST(Tl, RefusesANumberThatIsNone) {
  EXPECT_FALSE(tl_constructor_id("tcp.pong#0123abcg random_id:long = tcp.Pong"));
  EXPECT_FALSE(tl_constructor_id("tcp.pong# random_id:long = tcp.Pong"));
  EXPECT_FALSE(tl_constructor_id("tcp.pong#123456789 random_id:long = tcp.Pong"));
}

TEST(TlVectors, ConstructorsHaveTheirNumbers) {
  const VectorFile file("tl_ids.json");
  for (const json::Value v : file.cases()) {
    const std::string declaration = test::text(v, "scheme");
    const std::uint32_t id = tl_constructor_id(declaration).value();
    EXPECT_EQ(to_hex(ByteWriter().u32be(id).take()), test::text(v, "id")) << declaration;
    EXPECT_EQ(to_hex(ByteWriter().u32le(id).take()), test::text(v, "wire_le"));
  }
}

}  // namespace
}  // namespace cocoon::ton
