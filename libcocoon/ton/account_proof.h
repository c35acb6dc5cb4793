#pragma once
/// @file What a lite server proves of one account.

#include <optional>
#include <vector>

#include "ton/address.h"

namespace cocoon::ton {

/// An account as the state of its shard lists it.
struct ShardAccount {
  Hash state_hash{};  ///< of the account's own cell, which is fetched apart
  Nano balance;
  Hash last_transaction_hash{};
  std::uint64_t last_transaction_lt = 0;
};

/// A shard's state after one block, and the account in it.
struct AccountProof {
  std::uint32_t seqno = 0;      ///< of the shard's block
  std::uint32_t gen_utime = 0;  ///< when it was made, Unix seconds
  Hash shard_state_hash{};
  /// Nothing: it is proved that the account does not exist.
  std::optional<ShardAccount> account;
};

/// Checks the two Merkle proofs of `liteServer.accountState.proof`: from the shard block with the
/// trusted root hash to the shard's state, and in there to the account or to where it would be. The
/// shard must be the one that the account belongs to.
/// Errors: invalid_argument/proof_invalid; those of what is read on the way (cell_unreadable,
/// dict_invalid).
Result<AccountProof> verify_account_proof(std::span<const CellRef> roots,
                                          const Hash& block_root_hash, const Address& account);

}  // namespace cocoon::ton
