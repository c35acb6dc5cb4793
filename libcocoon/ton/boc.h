#pragma once
/// @file Bags of cells: how trees of cells are stored and sent (TL-B `serialized_boc`).

#include <span>
#include <vector>

#include "ton/cell.h"

namespace cocoon::ton {

/// What a bag was read as.
struct Bag {
  std::vector<CellRef> roots;  ///< at least one
  std::size_t cells = 0;       ///< that the bag lists; each is built and hashed once
  /// Bytes after the bag. The reference parser ignores them, where no checksum covers them; a
  /// caller that expects a bag alone refuses them.
  std::size_t trailing_bytes = 0;
};

/// Reads a bag in any of its three forms, with index, checksum, cache bits and stored hashes where
/// they are, and all of them checked. As strict as the reference parser: roots of a level above 0
/// are refused, and so are absent cells, references that do not point forward, and anything that is
/// not spelled in the one way that the format has for it. (Laxer in two things that old writers got
/// wrong: an index may hold where cells begin, and an ordinary root may claim levels that it does
/// not have.) Time and memory grow with the bytes given, not with what they claim;
/// limits::kMaxBocBytes, kMaxBocCells and kMaxBocRoots bound them.
/// Errors: invalid_argument/boc_invalid, cell_invalid; too_large/boc_too_large.
Result<Bag> parse_boc(ByteView bytes);

/// The one root of a bag that has one root and nothing after it.
/// Errors: those of parse_boc.
Result<CellRef> parse_boc_root(ByteView bytes);

struct BocFormat {
  bool index = false;
  bool crc32c = true;
  /// Marks in the index the cells that are referred to more than once. Needs `index`.
  bool cache_bits = false;
};

/// The bag with these roots: every distinct cell once, parents before children, sizes as small as
/// they can be. The same bytes as @ton/core writes.
/// @pre no root is null, and there is one at least
/// Errors: too_large/boc_too_large where parse_boc would refuse it for its size.
Result<Bytes> serialize_boc(std::span<const CellRef> roots, BocFormat format = {});
Result<Bytes> serialize_boc(const CellRef& root, BocFormat format = {});

/// Every distinct cell below and including `roots`, parents before children.
std::vector<const Cell*> distinct_cells(std::span<const CellRef> roots);

}  // namespace cocoon::ton
