#pragma once
/// @file Puts the data of a cell together.

#include <optional>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "ton/cell.h"

namespace cocoon::ton {

class Slice;

/// Appends bits and references. What does not fit (1023 bits, 4 references) or is out of range
/// stores nothing and latches: callers store everything, and finish() says whether it became a
/// cell.
class Builder {
 public:
  Builder& store_bit(bool bit) { return store_uint(bit ? 1 : 0, 1); }
  /// `value` in `bits` <= 64 bits, highest first. A value that needs more is out of range.
  Builder& store_uint(std::uint64_t value, unsigned bits);
  /// Two's complement in 1 to 64 bits.
  Builder& store_int(std::int64_t value, unsigned bits);
  Builder& store_bytes(ByteView bytes);
  Builder& store_bits(const BitString& bits);
  Builder& store_ref(CellRef cell);
  /// A bit that says whether, then the reference (TL-B `Maybe ^Cell`, also HashmapE).
  Builder& store_maybe_ref(const std::optional<CellRef>& cell);
  /// TL-B `Grams`: four bits of length, then as few bytes as the amount needs.
  Builder& store_coins(Nano amount);
  /// What is left of `slice`, bits and references. A slice that failed makes this fail.
  Builder& store_slice(const Slice& slice);
  /// Makes finish() fail with `why`, a literal that ends a sentence beginning "A cell cannot be
  /// made: ".
  Builder& fail(std::string_view why);

  unsigned bits_left() const { return kMaxCellBits - bits_.size(); }
  unsigned refs_left() const { return kMaxCellRefs - static_cast<unsigned>(refs_.size()); }

  /// The ordinary cell of what was stored.
  /// Errors: invalid_argument/cell_overflow, with what did not fit; cell_invalid.
  Result<CellRef> finish() const { return make(false); }
  /// The exotic cell whose type is in the first byte.
  Result<CellRef> finish_exotic() const { return make(true); }

 private:
  Result<CellRef> make(bool exotic) const;

  BitString bits_;
  std::vector<CellRef> refs_;
  std::string_view failure_;
};

}  // namespace cocoon::ton
