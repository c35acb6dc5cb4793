#include "ton/account_proof.h"

#include "ton/dict.h"
#include "ton/merkle.h"

namespace cocoon::ton {
namespace {

// Tags of block.tlb.
constexpr std::uint32_t kBlock = 0x11ef55aa;
constexpr std::uint32_t kBlockInfo = 0x9bc7a987;
constexpr std::uint32_t kShardState = 0x9023afe2;

constexpr unsigned kMaxShardPrefixBits = 60;

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "proof_invalid", std::move(detail));
}

/// TL-B `ShardIdent`: the accounts of a workchain whose hashes begin with some bits.
struct Shard {
  unsigned prefix_bits = 0;
  std::int32_t workchain = 0;
  std::uint64_t prefix = 0;

  bool covers(const Address& account) const {
    return account.workchain == workchain &&
           read_bits(account.hash.data(), 0, prefix_bits) ==
               (prefix_bits == 0 ? 0 : prefix >> (64 - prefix_bits));
  }
  friend bool operator==(const Shard&, const Shard&) = default;
};

Shard load_shard(Slice& in) {
  Shard shard;
  if (in.load_uint(2) != 0) in.fail("it names its shard in an unknown form");
  shard.prefix_bits = static_cast<unsigned>(in.load_uint(6));
  if (shard.prefix_bits > kMaxShardPrefixBits) in.fail("its shard has more than 60 prefix bits");
  shard.workchain = static_cast<std::int32_t>(in.load_int(32));
  shard.prefix = in.load_u64();
  return shard;
}

/// The parts of a block's header that are asked for.
struct BlockInfo {
  std::uint32_t seqno = 0;
  std::uint32_t gen_utime = 0;
  Shard shard;
};

Result<BlockInfo> read_block_info(const CellRef& cell) {
  Slice in(cell);
  if (in.load_u32() != kBlockInfo) in.fail("it does not begin like one");
  in.skip(32 + 8 + 8);  // version, eight flags, flags
  BlockInfo info;
  info.seqno = in.load_u32();
  in.skip(32);  // vert_seq_no
  info.shard = load_shard(in);
  info.gen_utime = in.load_u32();
  COCOON_CHECK(in.check("The header of the block"));
  return info;
}

struct ShardState {
  Shard shard;
  std::uint32_t seqno = 0;
  CellRef accounts;
};

Result<ShardState> read_shard_state(const CellRef& cell) {
  Slice in(cell);
  if (in.load_u32() != kShardState) in.fail("it does not begin like one");
  in.skip(32);  // global_id
  ShardState state;
  state.shard = load_shard(in);
  state.seqno = in.load_u32();
  in.skip(32 + 32 + 64 + 32, 1);  // vert_seq_no, gen_utime, gen_lt, min_ref_mc_seqno; ^queues
  in.skip(1);                     // before_split
  state.accounts = in.load_ref();
  COCOON_CHECK(in.check("The state of the shard"));
  return state;
}

/// TL-B `DepthBalanceInfo`, then `ShardAccount`.
Result<ShardAccount> read_account(Slice in) {
  ShardAccount account;
  in.skip(5);  // split_depth
  account.balance = in.load_coins();
  (void)in.load_maybe_ref();  // other currencies
  account.state_hash = in.load_ref()->hash(0);
  account.last_transaction_hash = in.load_hash();
  account.last_transaction_lt = in.load_u64();
  COCOON_CHECK(in.finish("The account in the state of the shard"));
  return account;
}

}  // namespace

Result<AccountProof> verify_account_proof(std::span<const CellRef> roots,
                                          const Hash& block_root_hash, const Address& account) {
  if (roots.size() != 2) {
    return invalid("An account's proof has two roots, not " + std::to_string(roots.size()) + ".");
  }
  COCOON_TRY(const CellRef block, verify_merkle_proof(roots[0], block_root_hash));
  Slice in(block);
  if (in.load_u32() != kBlock) in.fail("it does not begin like one");
  in.skip(32);  // global_id
  const CellRef info_cell = in.load_ref();
  in.skip(0, 1);  // value_flow
  const CellRef update = in.load_ref();
  COCOON_CHECK(in.check("The block"));
  COCOON_TRY(const BlockInfo info, read_block_info(info_cell));

  AccountProof proof{.seqno = info.seqno, .gen_utime = info.gen_utime};
  COCOON_TRY(proof.shard_state_hash, updated_hash(update));
  COCOON_TRY(const CellRef state_cell, verify_merkle_proof(roots[1], proof.shard_state_hash));
  COCOON_TRY(const ShardState state, read_shard_state(state_cell));
  if (state.shard != info.shard || state.seqno != info.seqno) {
    return invalid("The state is not that of the block's shard.");
  }
  if (!state.shard.covers(account)) {
    return invalid("The proof is of a shard that the account does not belong to.");
  }
  Slice accounts(state.accounts);
  const Dict dict = Dict::load(accounts, 256, DictKind::augmented);
  COCOON_CHECK(accounts.check("The accounts of the shard"));
  COCOON_TRY(const auto found, dict.find(BitString(account.hash)));
  if (found) {
    COCOON_TRY(proof.account, read_account(*found));
  }
  return proof;
}

}  // namespace cocoon::ton
