#include "ton/merkle.h"

#include "ton/slice.h"

namespace cocoon::ton {
namespace {

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "proof_invalid", std::move(detail));
}

}  // namespace

Result<CellRef> verify_merkle_proof(const CellRef& proof, const Hash& trusted) {
  if (proof->type() != CellType::merkle_proof) {
    return invalid("A Merkle proof is expected; the cell is of the type " +
                   std::string(to_string(proof->type())) + ".");
  }
  // No cell exists whose stored hash is not that of its reference at level 0: Cell::create.
  const CellRef& shown = proof->refs()[0];
  if (shown->hash(0) != trusted) {
    return invalid("The Merkle proof is of another tree than the trusted one.");
  }
  return shown;
}

Result<Hash> updated_hash(const CellRef& cell) {
  if (cell->type() != CellType::merkle_update) {
    return invalid("A Merkle update is expected; the cell is of the type " +
                   std::string(to_string(cell->type())) + ".");
  }
  Slice in = Slice::of_any(cell);
  return in.skip(8 + 256).load_hash();
}

}  // namespace cocoon::ton
