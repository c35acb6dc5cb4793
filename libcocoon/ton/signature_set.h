#pragma once
/// @file Whether the validators of a set have signed a block.

#include <span>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::ton {

/// A validator of the set that a key block names.
struct Validator {
  ByteArray<32> public_key{};
  std::uint64_t weight = 0;
};
/// One signature as a block's proof lists it.
struct BlockSignature {
  Hash node{};  ///< short_node_id() of the signer
  crypto::Signature signature{};
};

/// SHA-256 of the TL value `pub.ed25519 key:int256`: how signatures name their signers.
Hash short_node_id(const ByteArray<32>& public_key);

/// What validators sign: the TL value `ton.blockId root_cell_hash:int256 file_hash:int256`.
Bytes signed_block_id(const Hash& root_hash, const Hash& file_hash);

/// Succeeds where validators with more than two thirds of the set's weight have signed the block,
/// and every signature given is good: by a validator of the set, by none twice, and valid.
/// Errors: invalid_argument/signatures_invalid; too_large/validators_too_many.
Status verify_block_signatures(const Hash& root_hash, const Hash& file_hash,
                               std::span<const Validator> validators,
                               std::span<const BlockSignature> signatures);

}  // namespace cocoon::ton
