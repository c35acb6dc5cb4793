#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>

#include "base/limits.h"
#include "ton/boc.h"
#include "ton/boc_format.h"
#include "ton/checksums.h"

namespace cocoon::ton {
namespace {

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "boc_invalid", std::move(detail));
}
Error too_large(std::string detail) {
  return Error(ErrorKind::too_large, "boc_too_large", std::move(detail));
}
Error truncated() {
  return invalid("The bag of cells ends before its header says so.");
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

/// The fields of a bag before its cells.
struct Header {
  bool indexed = false;
  bool checked = false;
  bool cache_bits = false;
  std::size_t ref_bytes = 0;
  std::size_t offset_bytes = 0;
  std::size_t cells = 0;
  std::vector<std::size_t> roots;
  ByteView index;
  ByteView data;
  std::size_t end = 0;  ///< of the bag, checksum included
};

/// Flags and sizes of fields: the first six bytes.
Status read_form(ByteReader& in, Header& header, bool& lists_roots) {
  const std::uint32_t magic = in.u32be();
  const std::uint8_t flags = in.u8();
  header.offset_bytes = in.u8();
  if (magic == kBocMagic) {
    header.indexed = (flags & kBocHasIndex) != 0;
    header.checked = (flags & kBocHasCrc32c) != 0;
    header.cache_bits = (flags & kBocHasCacheBits) != 0;
    lists_roots = true;
  } else if (magic == kBocMagicIndexed || magic == kBocMagicIndexedCrc32c) {
    header.indexed = true;
    header.checked = magic == kBocMagicIndexedCrc32c;
    lists_roots = false;
  } else {
    return invalid("The bytes do not begin like a bag of cells.");
  }
  if (in.failed()) return truncated();
  if (header.cache_bits && !header.indexed) {
    return invalid("The bag of cells has cache bits, but no index to hold them.");
  }
  header.ref_bytes = flags & kBocRefBytesMask;
  if (header.ref_bytes < 1 || header.ref_bytes > 4) {
    return invalid("The bag of cells has references of " + std::to_string(header.ref_bytes) +
                   " bytes; 1 to 4 are allowed.");
  }
  if (header.offset_bytes < 1 || header.offset_bytes > 8) {
    return invalid("The bag of cells has offsets of " + std::to_string(header.offset_bytes) +
                   " bytes; 1 to 8 are allowed.");
  }
  return ok();
}

/// Counts that no valid bag can have, before anything is allocated for them.
Status check_counts(const Header& header, std::uint64_t roots, std::uint64_t absent,
                    std::uint64_t data_size, bool lists_roots) {
  const std::uint64_t cells = header.cells;
  if (cells == 0) return invalid("The bag of cells has no cells.");
  if (roots == 0) return invalid("The bag of cells has no roots.");
  if (!lists_roots && roots != 1) {
    return invalid("A bag of cells in the old form has " + std::to_string(roots) +
                   " roots instead of one.");
  }
  if (absent > cells) return invalid("The bag of cells lacks more cells than it has.");
  if (cells > limits::kMaxBocCells) {
    return too_large("The bag has " + std::to_string(cells) + " cells; at most " +
                     std::to_string(limits::kMaxBocCells) + " are read.");
  }
  if (roots > limits::kMaxBocRoots) {
    return too_large("The bag has " + std::to_string(roots) + " roots; at most " +
                     std::to_string(limits::kMaxBocRoots) + " are read.");
  }
  // Two descriptors for each cell, and a reference to each but one; and no cell has a kilobyte.
  const std::uint64_t least = cells * (2 + header.ref_bytes) - header.ref_bytes;
  if (data_size < least || data_size > cells * 1024) {
    return invalid("The bag of cells says that " + std::to_string(cells) + " cells have " +
                   std::to_string(data_size) + " bytes.");
  }
  return ok();
}

Result<Header> read_header(ByteView bytes) {
  Header header;
  ByteReader in(bytes);
  bool lists_roots = false;
  COCOON_CHECK(read_form(in, header, lists_roots));
  header.cells = big_endian(in.take(header.ref_bytes));
  const std::uint64_t roots = big_endian(in.take(header.ref_bytes));
  const std::uint64_t absent = big_endian(in.take(header.ref_bytes));
  const std::uint64_t data_size = big_endian(in.take(header.offset_bytes));
  if (in.failed()) return truncated();
  COCOON_CHECK(check_counts(header, roots, absent, data_size, lists_roots));
  for (std::uint64_t i = 0; i < roots; ++i) {
    const std::uint64_t root = lists_roots ? big_endian(in.take(header.ref_bytes)) : 0;
    if (root >= header.cells) {
      return invalid("Root " + std::to_string(i) + " of the bag is cell " + std::to_string(root) +
                     "; it has " + std::to_string(header.cells) + " cells.");
    }
    header.roots.push_back(root);
  }
  if (header.indexed) header.index = in.take(header.cells * header.offset_bytes);
  header.data = in.take(data_size);
  if (header.checked) in.take(4);
  if (in.failed()) return truncated();
  header.end = in.position();
  return header;
}

/// One cell as it lies in the bag.
struct RawCell {
  std::uint8_t first = 0;   ///< descriptor
  std::uint8_t second = 0;  ///< descriptor
  ByteView hashes;          ///< empty where none are stored
  ByteView depths;
  ByteView data;
  ByteView refs;

  bool exotic() const { return (first & 8) != 0; }
  LevelMask mask() const { return {static_cast<std::uint8_t>(first >> 5)}; }
  unsigned ref_count() const { return first & 7; }
};

/// Takes one cell off the front of `in`; false, where it does not fit or cannot be one.
bool take_cell(ByteReader& in, std::size_t ref_bytes, RawCell& cell) {
  cell.first = in.u8();
  cell.second = in.u8();
  // Five and six references do not exist; seven stands for a cell that is absent.
  if (in.failed() || cell.ref_count() > kMaxCellRefs) return false;
  if ((cell.first & 16) != 0) {
    const std::size_t count = cell.mask().lower_hashes() + 1;
    cell.hashes = in.take(32 * count);
    cell.depths = in.take(2 * count);
  }
  cell.data = in.take((cell.second + 1u) / 2);
  cell.refs = in.take(cell.ref_count() * ref_bytes);
  return !in.failed();
}

/// The number of data bits. An odd second descriptor says that a one and zeros fill the last byte;
/// a byte of which nothing but the one would be left is not spelled like that.
std::optional<unsigned> data_bits(const RawCell& cell) {
  const auto bits = static_cast<unsigned>(8 * cell.data.size());
  if (cell.second % 2 == 0) return bits;
  const std::uint8_t last = cell.data.back();
  if ((last & 0x7f) == 0) return std::nullopt;
  return bits - 1 - static_cast<unsigned>(std::countr_zero(last));
}

/// Hashes and depths that the bag stores must be the ones that are computed.
bool stored_hashes_hold(const RawCell& raw, const Cell& cell) {
  std::size_t at = 0;
  for (unsigned level = 0; level <= kMaxLevel; ++level) {
    if (level < kMaxLevel && (cell.level_mask().bits >> level & 1) == 0) continue;
    if (!equal_public(raw.hashes.subspan(32 * at, 32), cell.hash(level))) return false;
    if (big_endian(raw.depths.subspan(2 * at, 2)) != cell.depth(level)) return false;
    ++at;
  }
  return true;
}

class Reader {
 public:
  explicit Reader(const Header& header)
      : header_(header), cells_(header.cells), uses_(header.cache_bits ? header.cells : 0) {}

  Result<std::vector<CellRef>> read() {
    COCOON_CHECK(find_cells());
    for (const std::size_t root : header_.roots) use(root);
    // Children come after their parents: built from the back, each finds its children built.
    for (std::size_t i = header_.cells; i-- > 0;) {
      auto cell = build(i);
      if (!cell) return std::move(cell).error().within("Cell " + std::to_string(i));
      cells_[i] = std::move(cell).value();
    }
    COCOON_CHECK(check_cache_bits());
    return roots();
  }

 private:
  std::uint64_t raw_index_entry(std::size_t i) const {
    return big_endian(header_.index.subspan(i * header_.offset_bytes, header_.offset_bytes));
  }

  std::uint64_t index_entry(std::size_t i) const {
    const std::uint64_t entry = raw_index_entry(i);
    return header_.cache_bits ? entry / 2 : entry;
  }

  /// Notes where each cell ends, and that they fill the data.
  Status find_cells() {
    ends_.reserve(header_.cells);
    // The index says where cells end. Old JavaScript wallets wrote where they begin, and their bags
    // are still around: either will do, if it is right throughout.
    const bool begins = header_.indexed && index_entry(0) == 0;
    ByteReader in(header_.data);
    for (std::size_t i = 0; i < header_.cells; ++i) {
      const std::size_t begin = in.position();
      RawCell cell;
      if (!take_cell(in, header_.ref_bytes, cell)) {
        return invalid("Cell " + std::to_string(i) +
                       " is absent, has more than 4 references, or goes beyond the data.");
      }
      ends_.push_back(in.position());
      if (header_.indexed && index_entry(i) != (begins ? begin : in.position())) {
        return invalid("The index says " + std::to_string(index_entry(i)) + " for cell " +
                       std::to_string(i) + ", which reaches from byte " + std::to_string(begin) +
                       " to " + std::to_string(in.position()) + ".");
      }
    }
    if (in.remaining() != 0) {
      return invalid(std::to_string(in.remaining()) + " bytes of data follow the last cell.");
    }
    return ok();
  }

  void use(std::size_t cell) {
    if (header_.cache_bits && uses_[cell] < 2) ++uses_[cell];
  }

  Result<CellRef> build(std::size_t i) {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    ByteReader in(header_.data.subspan(begin, ends_[i] - begin));
    RawCell raw;
    (void)take_cell(in, header_.ref_bytes, raw);  // find_cells() saw it
    const auto bits = data_bits(raw);
    if (!bits) return invalid("its last data byte has no end mark, or nothing before it.");
    std::array<CellRef, kMaxCellRefs> refs;
    for (std::size_t k = 0; k < raw.ref_count(); ++k) {
      const std::uint64_t child =
          big_endian(raw.refs.subspan(k * header_.ref_bytes, header_.ref_bytes));
      if (child <= i || child >= header_.cells) {
        return invalid("reference " + std::to_string(k) + " is to cell " + std::to_string(child) +
                       "; only later cells of the " + std::to_string(header_.cells) +
                       " can be referred to.");
      }
      refs[k] = cells_[child];
      use(child);
    }
    COCOON_TRY(CellRef cell,
               Cell::create(raw.exotic(), raw.data, *bits, std::span(refs).first(raw.ref_count())));
    if (!mask_is_right(i, raw.mask(), *cell)) {
      return invalid("its level mask is " + std::to_string(raw.mask().bits) +
                     ", but what it refers to gives " + std::to_string(cell->level_mask().bits) +
                     ".");
    }
    if (!raw.hashes.empty() && !stored_hashes_hold(raw, *cell)) {
      return invalid("a stored hash or depth is not the computed one.");
    }
    return cell;
  }

  /// The stored mask must be the computed one. Writers that took a root out of a Merkle proof left
  /// the proof's level on it, and such bags are still around: that harms nobody, as no hash is made
  /// of it.
  bool mask_is_right(std::size_t i, LevelMask stored, const Cell& cell) const {
    if (stored == cell.level_mask()) return true;
    const bool root =
        std::find(header_.roots.begin(), header_.roots.end(), i) != header_.roots.end();
    return root && !cell.exotic() &&
           (stored.bits & cell.level_mask().bits) == cell.level_mask().bits;
  }

  Status check_cache_bits() const {
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      if ((raw_index_entry(i) % 2 == 1) != (uses_[i] > 1)) {
        return invalid("The cache bit of cell " + std::to_string(i) +
                       " does not say whether it is used more than once.");
      }
    }
    return ok();
  }

  Result<std::vector<CellRef>> roots() const {
    std::vector<CellRef> out;
    for (const std::size_t root : header_.roots) {
      if (cells_[root]->level() != 0) {
        return invalid("Cell " + std::to_string(root) + " is a root of level " +
                       std::to_string(cells_[root]->level()) +
                       ": pruned branches are complete only within a Merkle proof.");
      }
      out.push_back(cells_[root]);
    }
    return out;
  }

  const Header& header_;
  std::vector<CellRef> cells_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint8_t> uses_;
};

}  // namespace

Result<Bag> parse_boc(ByteView bytes) {
  if (bytes.size() > limits::kMaxBocBytes) {
    return too_large("The bag has " + std::to_string(bytes.size()) + " bytes; at most " +
                     std::to_string(limits::kMaxBocBytes) + " are read.");
  }
  COCOON_TRY(const Header header, read_header(bytes));
  if (header.checked) {
    // It covers everything before the last four bytes, also what does not belong to the bag.
    ByteReader tail(bytes.last(4));
    if (tail.u32le() != crc32c(bytes.first(bytes.size() - 4))) {
      return invalid("The CRC-32C at the end of the bag is wrong.");
    }
  }
  COCOON_TRY(auto roots, Reader(header).read());
  return Bag{.roots = std::move(roots),
             .cells = header.cells,
             .trailing_bytes = bytes.size() - header.end};
}

Result<CellRef> parse_boc_root(ByteView bytes) {
  COCOON_TRY(const Bag bag, parse_boc(bytes));
  if (bag.roots.size() != 1) {
    return invalid("The bag of cells has " + std::to_string(bag.roots.size()) +
                   " roots instead of one.");
  }
  if (bag.trailing_bytes != 0) {
    return invalid(std::to_string(bag.trailing_bytes) + " bytes follow the bag of cells.");
  }
  return bag.roots.front();
}

}  // namespace cocoon::ton
