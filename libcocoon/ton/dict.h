#pragma once
/// @file Dictionaries (TL-B `HashmapE` and `HashmapAugE`): sorted trees of cells.

#include <functional>
#include <optional>
#include <string_view>

#include "ton/builder.h"
#include "ton/slice.h"

namespace cocoon::ton {

/// What the nodes of a dictionary carry besides labels and references.
enum class DictKind : std::uint8_t {
  plain,     ///< `HashmapE n X`: nothing
  augmented  ///< `HashmapAugE n X Y`: a Y before each value, and after each fork's references
};

/// A dictionary with keys of one size. It is its root cell: copies share everything, and a change
/// makes new cells on the way to one key only. What comes from outside may be any cell: each read
/// checks what it passes, and fails on a pruned branch instead of taking it for an empty place.
class Dict {
 public:
  /// An empty dictionary. @param key_bits 1 to 1023
  explicit Dict(unsigned key_bits) : key_bits_(key_bits) {}
  Dict(unsigned key_bits, std::optional<CellRef> root, DictKind kind = DictKind::plain)
      : key_bits_(key_bits), kind_(kind), root_(std::move(root)) {}
  /// A bit, and the root where there is one. (Of an augmented dictionary: without the sum that
  /// follows.)
  static Dict load(Slice& in, unsigned key_bits, DictKind kind = DictKind::plain) {
    return Dict(key_bits, in.load_maybe_ref(), kind);
  }
  void store(Builder& out) const { out.store_maybe_ref(root_); }

  unsigned key_bits() const { return key_bits_; }
  bool empty() const { return !root_.has_value(); }
  const std::optional<CellRef>& root() const { return root_; }

  /// The value under `key`, with what an augmented dictionary puts before it.
  /// Errors: invalid_argument/dict_invalid where the key has another size; dict_invalid,
  /// cell_unreadable where the way to it is malformed or pruned.
  Result<std::optional<Slice>> find(const BitString& key) const;

  using Visitor = std::function<Status(const BitString& key, Slice value)>;
  /// Calls `visit` with every entry, keys ascending as unsigned numbers; its error ends the walk.
  /// Errors: dict_invalid, cell_unreadable; too_large/dict_too_large after limits::kMaxDictEntries
  /// entries (a few shared cells can hold 2^256); those of `visit`.
  Status for_each(const Visitor& visit) const;

  /// Puts `value`, all that was stored in it, under `key`, in the place of another. Labels are
  /// canonical, so equal contents give equal cells. Of plain dictionaries only.
  /// Errors: those of find(); cell_overflow where the value has no room beside its label.
  Status set(const BitString& key, const Builder& value);

  /// Removes `key`. @return whether it was there
  /// Errors: as set().
  Result<bool> erase(const BitString& key);

 private:
  Status check_change(const BitString& key) const;

  unsigned key_bits_;
  DictKind kind_ = DictKind::plain;
  std::optional<CellRef> root_;
};

}  // namespace cocoon::ton
