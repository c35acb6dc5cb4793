#include <algorithm>
#include <bit>
#include <unordered_map>

#include "base/limits.h"
#include "ton/boc.h"
#include "ton/boc_format.h"
#include "ton/checksums.h"

namespace cocoon::ton {
namespace {

/// Cells are the same where their hashes are: a hash is uniform, so its first bytes will do.
struct ByHash {
  std::size_t operator()(const Cell* cell) const {
    std::size_t out = 0;
    std::memcpy(&out, cell->hash().data(), sizeof out);
    return out;
  }
  bool operator()(const Cell* a, const Cell* b) const { return a->hash() == b->hash(); }
};
/// Distinct cells with their places in the bag.
using Places = std::unordered_map<const Cell*, std::size_t, ByHash, ByHash>;

/// A cell whose children are being visited, last to first.
struct Visit {
  const Cell* cell;
  std::size_t children_left;
};

/// Depth first, last reference first, every cell after all below it: read backwards, parents come
/// before children.
std::vector<const Cell*> children_first(std::span<const CellRef> roots, Places& seen) {
  std::vector<const Cell*> order;
  std::vector<Visit> path;
  const auto enter = [&](const Cell* cell) {
    if (seen.emplace(cell, 0).second) path.push_back({cell, cell->refs().size()});
  };
  for (std::size_t i = roots.size(); i-- > 0;) {
    enter(roots[i].get());
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.children_left > 0) {
        enter(top.cell->refs()[--top.children_left].get());
      } else {
        order.push_back(top.cell);
        path.pop_back();
      }
    }
  }
  return order;
}

std::size_t data_size(const Cell& cell) {
  return 2 + (cell.bits() + 7) / 8;
}

std::size_t bytes_for(std::size_t number) {
  return std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(number)) + 7) / 8);
}

void append_number(Bytes& out, std::size_t number, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}

/// How often each cell is referred to, roots included, up to 2.
std::vector<std::uint8_t> count_uses(std::span<const CellRef> roots,
                                     std::span<const Cell* const> cells, const Places& places) {
  std::vector<std::uint8_t> uses(cells.size());
  const auto use = [&](const CellRef& cell) {
    std::uint8_t& count = uses[places.at(cell.get())];
    if (count < 2) ++count;
  };
  for (const CellRef& root : roots) use(root);
  for (const Cell* cell : cells) {
    for (const CellRef& ref : cell->refs()) use(ref);
  }
  return uses;
}

}  // namespace

std::vector<const Cell*> distinct_cells(std::span<const CellRef> roots) {
  Places seen;
  std::vector<const Cell*> order = children_first(roots, seen);
  std::reverse(order.begin(), order.end());
  return order;
}

Result<Bytes> serialize_boc(std::span<const CellRef> roots, BocFormat format) {
  Places places;
  std::vector<const Cell*> cells = children_first(roots, places);
  std::reverse(cells.begin(), cells.end());
  for (std::size_t i = 0; i < cells.size(); ++i) places[cells[i]] = i;
  if (cells.size() > limits::kMaxBocCells || roots.size() > limits::kMaxBocRoots) {
    return Error(
        ErrorKind::too_large, "boc_too_large",
        "A bag of " + std::to_string(cells.size()) + " cells is too large to be read again.");
  }

  const std::size_t ref_bytes = bytes_for(cells.size());
  std::vector<std::size_t> ends;
  std::size_t size = 0;
  for (const Cell* cell : cells) {
    size += data_size(*cell) + cell->refs().size() * ref_bytes;
    ends.push_back(size);
  }
  const bool cache_bits = format.index && format.cache_bits;
  const std::size_t offset_bytes = bytes_for(cache_bits ? 2 * size : size);

  Bytes out;
  append_number(out, kBocMagic, 4);
  out.push_back(static_cast<std::uint8_t>((format.index ? kBocHasIndex : 0) |
                                          (format.crc32c ? kBocHasCrc32c : 0) |
                                          (cache_bits ? kBocHasCacheBits : 0) | ref_bytes));
  append_number(out, offset_bytes, 1);
  append_number(out, cells.size(), ref_bytes);
  append_number(out, roots.size(), ref_bytes);
  append_number(out, 0, ref_bytes);  // absent cells
  append_number(out, size, offset_bytes);
  for (const CellRef& root : roots) append_number(out, places.at(root.get()), ref_bytes);
  if (format.index) {
    const auto uses = cache_bits ? count_uses(roots, cells, places) : std::vector<std::uint8_t>();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      append_number(out, cache_bits ? 2 * ends[i] + (uses[i] > 1 ? 1 : 0) : ends[i], offset_bytes);
    }
  }
  for (const Cell* cell : cells) {
    const auto refs = static_cast<unsigned>(cell->refs().size());
    out.push_back(first_descriptor(refs, cell->exotic(), cell->level_mask()));
    out.push_back(second_descriptor(cell->bits()));
    append_padded(out, *cell);
    for (const CellRef& ref : cell->refs()) append_number(out, places.at(ref.get()), ref_bytes);
  }
  if (format.crc32c) {
    const std::uint32_t crc = crc32c(out);
    for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(crc >> (8 * i)));
  }
  return out;
}

Result<Bytes> serialize_boc(const CellRef& root, BocFormat format) {
  return serialize_boc(std::span(&root, 1), format);
}

}  // namespace cocoon::ton
