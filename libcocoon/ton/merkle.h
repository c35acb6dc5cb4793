#pragma once
/// @file Merkle proofs: parts of a large tree whose hash is trusted (whitepaper, 3.1.5).

#include "ton/cell.h"

namespace cocoon::ton {

/// Checks that `proof` is a Merkle proof of a tree whose hash is `trusted`, and returns the root of
/// what it shows. In there, hash(0) of a cell is its hash in the tree, and what was cut off are
/// pruned branches, which no Slice reads. Proofs may be nested: the root is then a proof itself.
/// Errors: invalid_argument/proof_invalid.
Result<CellRef> verify_merkle_proof(const CellRef& proof, const Hash& trusted);

/// The hash of the newer tree of a Merkle update (as seen from level 0).
/// Errors: invalid_argument/proof_invalid where `cell` is no Merkle update.
Result<Hash> updated_hash(const CellRef& cell);

}  // namespace cocoon::ton
