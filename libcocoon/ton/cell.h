#pragma once
/// @file Cells: the immutable nodes of which everything on TON is made (TVM whitepaper, 3.1).

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "ton/bits.h"

namespace cocoon::ton {

inline constexpr unsigned kMaxCellRefs = 4;
/// Levels above 0: each Merkle proof or update around a cell takes one away (whitepaper, 3.1.3).
inline constexpr unsigned kMaxLevel = 3;
/// Longest way down from a cell; the reference refuses deeper ones. It also bounds the recursion in
/// which a chain of cells is freed.
inline constexpr unsigned kMaxCellDepth = 1024;

enum class CellType : std::uint8_t { ordinary, pruned, library, merkle_proof, merkle_update };
/// The name as in JSON, for example "merkle_proof".
std::string_view to_string(CellType type);

class Cell;
/// Never null where this module hands one out.
using CellRef = std::shared_ptr<const Cell>;

/// Which levels of a cell differ from the one below: bit i stands for level i + 1.
struct LevelMask {
  std::uint8_t bits = 0;

  unsigned level() const;
  /// Distinct hashes below the top one.
  unsigned lower_hashes() const;
  /// The mask as it looks from `level`.
  LevelMask at(unsigned level) const {
    return {static_cast<std::uint8_t>(bits & ((1u << level) - 1))};
  }
  friend bool operator==(LevelMask, LevelMask) = default;
};

/// One cell, complete and valid: hashes and depths are computed when it is made, once. A tree
/// shares equal subtrees, and so do trees.
///
/// A hash is asked for at a level. Level 3 (the default) is the representation hash, which covers
/// the cell as it is; level 0 is the hash of the tree that a Merkle proof stands for, in which
/// every pruned branch counts as what was cut off.
class Cell {
 public:
  /// A cell with the first `bits` bits of `data`. An exotic cell's type is its first byte. Takes
  /// time and memory that do not depend on what is below the references. Errors:
  /// invalid_argument/cell_invalid, with the rule that was broken.
  static Result<CellRef> create(bool exotic, ByteView data, unsigned bits,
                                std::span<const CellRef> refs);
  /// The cell without bits and references.
  static const CellRef& empty();

  CellType type() const { return type_; }
  bool exotic() const { return type_ != CellType::ordinary; }
  unsigned bits() const { return bits_; }
  /// ceil(bits() / 8) bytes; what is beyond the last bit is zero.
  ByteView data() const { return data_; }
  std::span<const CellRef> refs() const { return std::span(refs_).first(ref_count_); }
  LevelMask level_mask() const { return mask_; }
  unsigned level() const { return mask_.level(); }
  const Hash& hash(unsigned level = kMaxLevel) const;
  /// Longest way down, as seen from `level`: a pruned branch counts as what it stands for, unless
  /// its own level is meant.
  unsigned depth(unsigned level = kMaxLevel) const;

 private:
  struct Key {};
  struct Lower {
    Hash hash;
    std::uint16_t depth;
  };
  class Maker;

 public:
  /// For create() alone.
  explicit Cell(Key) {}

 private:
  std::array<CellRef, kMaxCellRefs> refs_;
  Bytes data_;
  Hash hash_{};
  /// Below the top level, lowest first. Most cells have level 0 and none of these.
  std::unique_ptr<std::array<Lower, kMaxLevel>> lower_;
  std::uint16_t bits_ = 0;
  std::uint16_t depth_ = 0;
  std::uint8_t ref_count_ = 0;
  CellType type_ = CellType::ordinary;
  LevelMask mask_;
};

/// The two descriptor bytes of a cell as hashes and bags of cells have them (whitepaper, 3.1.4).
inline std::uint8_t first_descriptor(unsigned refs, bool exotic, LevelMask mask) {
  return static_cast<std::uint8_t>(refs + (exotic ? 8u : 0u) + 32u * mask.bits);
}
inline std::uint8_t second_descriptor(unsigned bits) {
  return static_cast<std::uint8_t>(bits / 8 + (bits + 7) / 8);
}

/// Appends the data bytes of `cell` as hashes and bags have them: where the last byte is not full,
/// a one and zeros fill it.
void append_padded(Bytes& out, const Cell& cell);

}  // namespace cocoon::ton
