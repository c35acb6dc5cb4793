#pragma once
/// @file Reads a cell from front to back.

#include <optional>
#include <string_view>

#include "base/money.h"
#include "ton/cell.h"

namespace cocoon::ton {

/// A view of what is left to read of one cell, which it keeps alive. A read that asks for more than
/// there is, or meets a value that its type does not have, yields zeros, empty things or the empty
/// cell and latches: callers read all fields, then ask check() or finish() once.
class Slice {
 public:
  /// Nothing: every read fails.
  Slice() : Slice(Cell::empty()) {}
  /// All of `cell`. An exotic cell has no data of the kind that is read here, so that a pruned
  /// branch is never taken for an empty one: its slice has failed from the start.
  explicit Slice(CellRef cell);
  /// All of `cell`, whatever its type: for the fields of exotic cells.
  static Slice of_any(CellRef cell) { return Slice(std::move(cell), AnyType{}); }

  bool load_bit() { return load_uint(1) != 0; }
  /// @param bits at most 64
  std::uint64_t load_uint(unsigned bits);
  std::uint32_t load_u32() { return static_cast<std::uint32_t>(load_uint(32)); }
  std::uint64_t load_u64() { return load_uint(64); }
  /// Two's complement. @param bits 1 to 64
  std::int64_t load_int(unsigned bits);
  template <std::size_t N>
  ByteArray<N> load_array() {
    ByteArray<N> out{};
    copy_bytes(out);
    return out;
  }
  Hash load_hash() { return load_array<32>(); }
  /// At most 127 bytes.
  Bytes load_bytes(std::size_t count);
  BitString load_bits(unsigned count);
  CellRef load_ref();
  /// TL-B `Maybe ^Cell`, also HashmapE.
  std::optional<CellRef> load_maybe_ref();
  /// TL-B `Grams`, in its only spelling without leading zeros. Amounts that do not fit 64 bits
  /// (above 18 billion TON, three times what exists) fail.
  Nano load_coins();
  /// Passes over what it does not return.
  Slice& skip(unsigned bits, unsigned refs = 0);

  unsigned bits_left() const { return bit_end_ - bit_; }
  unsigned refs_left() const { return ref_end_ - ref_; }
  bool empty() const { return bits_left() == 0 && refs_left() == 0; }
  /// All that is left, without reading it.
  BitString peek_bits() const;
  std::span<const CellRef> peek_refs() const { return cell_->refs().subspan(ref_, refs_left()); }

  bool failed() const { return !failure_.empty(); }
  /// Latches a failure that the caller saw. `why` is a literal; the first one counts.
  Slice& fail(std::string_view why);
  /// @param what what was read, for the error: "The wallet's data".
  /// Errors: invalid_argument/cell_unreadable.
  Status check(std::string_view what) const;
  /// check(), and nothing must be left.
  Status finish(std::string_view what);

 private:
  struct AnyType {};
  Slice(CellRef cell, AnyType);
  bool take(unsigned bits);
  void copy_bytes(std::span<std::uint8_t> out);

  CellRef cell_;
  std::string_view failure_;
  std::uint16_t bit_ = 0;
  std::uint16_t bit_end_ = 0;
  std::uint8_t ref_ = 0;
  std::uint8_t ref_end_ = 0;
};

}  // namespace cocoon::ton
