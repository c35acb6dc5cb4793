#include "ton/signature_set.h"

#include <map>
#include <optional>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::ton {
namespace {

// TL constructors as they stand in front of a value, lowest byte first (ton_api.tl).
constexpr std::uint32_t kPublicKeyEd25519 = 0x4813b4c6;
constexpr std::uint32_t kBlockId = 0xc50b6e70;

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "signatures_invalid", std::move(detail));
}

/// A validator, and whether its signature was counted.
struct Signer {
  const Validator* validator = nullptr;
  bool counted = false;
};

std::optional<std::uint64_t> add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// 3 · part > 2 · total, that is 3 · missing < total, without overflow.
bool more_than_two_thirds(std::uint64_t part, std::uint64_t total) {
  const std::uint64_t missing = total - part;
  return missing < total / 3 || (missing == total / 3 && total % 3 != 0);
}

}  // namespace

Hash short_node_id(const ByteArray<32>& public_key) {
  const Bytes tag = ByteWriter().u32le(kPublicKeyEd25519).take();
  return crypto::sha256({tag, public_key});
}

Bytes signed_block_id(const Hash& root_hash, const Hash& file_hash) {
  return ByteWriter().u32le(kBlockId).bytes(root_hash).bytes(file_hash).take();
}

Status verify_block_signatures(const Hash& root_hash, const Hash& file_hash,
                               std::span<const Validator> validators,
                               std::span<const BlockSignature> signatures) {
  if (validators.size() > limits::kMaxTonValidators) {
    return Error(ErrorKind::too_large, "validators_too_many",
                 "The validator set has " + std::to_string(validators.size()) +
                     " validators; at most " + std::to_string(limits::kMaxTonValidators) +
                     " are checked.");
  }
  std::map<Hash, Signer> signers;
  std::uint64_t total = 0;
  for (const Validator& validator : validators) {
    const auto sum = add(total, validator.weight);
    if (!sum) return invalid("The weights of the validator set do not fit 64 bits.");
    total = *sum;
    if (!signers.try_emplace(short_node_id(validator.public_key), Signer{&validator}).second) {
      return invalid("A validator stands in the set twice.");
    }
  }
  const Bytes message = signed_block_id(root_hash, file_hash);
  std::uint64_t weight = 0;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const std::string which = "Signature " + std::to_string(i);
    const auto found = signers.find(signatures[i].node);
    if (found == signers.end()) return invalid(which + " is by no validator of the set.");
    Signer& signer = found->second;
    if (signer.counted) return invalid(which + " is the second one of its validator.");
    signer.counted = true;
    if (!crypto::verify(signer.validator->public_key, message, signatures[i].signature)) {
      return invalid(which + " is wrong.");
    }
    weight += signer.validator->weight;  // a part of the total
  }
  if (!more_than_two_thirds(weight, total)) {
    return invalid("Validators with " + std::to_string(weight) + " of " + std::to_string(total) +
                   " have signed; more than two thirds are needed.");
  }
  return ok();
}

}  // namespace cocoon::ton
