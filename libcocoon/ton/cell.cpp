#include "ton/cell.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "crypto/hash.h"

namespace cocoon::ton {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kDepthBytes = 2;
/// Descriptors, data, and depth and hash of each reference.
constexpr std::size_t kMaxHashedBytes = 2 + 128 + kMaxCellRefs * (kHashBytes + kDepthBytes);

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "cell_invalid", std::move(detail));
}

/// The first byte of an exotic cell (whitepaper, 3.1.2, with the later split of Merkle cells).
std::optional<CellType> exotic_type(std::uint8_t byte) {
  switch (byte) {
    case 1: return CellType::pruned;
    case 2: return CellType::library;
    case 3: return CellType::merkle_proof;
    case 4: return CellType::merkle_update;
    default: return std::nullopt;
  }
}

unsigned big_endian(ByteView two) {
  return two[0] * 256u + two[1];
}

std::uint8_t padded_last_byte(ByteView data, unsigned bits) {
  return static_cast<std::uint8_t>(data.back() | 0x80u >> bits % 8);
}

/// What a hash is computed of, put together in place.
class HashInput {
 public:
  void byte(unsigned value) { bytes_[size_++] = static_cast<std::uint8_t>(value); }
  void bytes(ByteView more) {
    std::copy(more.begin(), more.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += more.size();
  }
  Hash digest() const { return crypto::sha256(ByteView(bytes_).first(size_)); }

 private:
  ByteArray<kMaxHashedBytes> bytes_;
  std::size_t size_ = 0;
};

}  // namespace

std::string_view to_string(CellType type) {
  switch (type) {
    case CellType::ordinary: return "ordinary";
    case CellType::pruned: return "pruned";
    case CellType::library: return "library";
    case CellType::merkle_proof: return "merkle_proof";
    case CellType::merkle_update: return "merkle_update";
  }
  return "ordinary";
}

unsigned LevelMask::level() const {
  return static_cast<unsigned>(std::bit_width(bits));
}
unsigned LevelMask::lower_hashes() const {
  return static_cast<unsigned>(std::popcount(bits));
}

const Hash& Cell::hash(unsigned level) const {
  const unsigned below = mask_.at(level).lower_hashes();
  return below == mask_.lower_hashes() ? hash_ : (*lower_)[below].hash;
}

unsigned Cell::depth(unsigned level) const {
  const unsigned below = mask_.at(level).lower_hashes();
  return below == mask_.lower_hashes() ? depth_ : (*lower_)[below].depth;
}

/// Checks the rules of each type, then computes mask, depths and hashes.
class Cell::Maker {
 public:
  explicit Maker(Cell& cell) : cell_(cell) {}

  Status make() {
    COCOON_CHECK(check_type());
    const unsigned count = cell_.mask_.lower_hashes();
    if (count > 0) cell_.lower_ = std::make_unique<std::array<Lower, kMaxLevel>>();
    for (unsigned level = 0; level <= kMaxLevel; ++level) {
      // Where a level changes nothing, its hash is that of the next one that does.
      if (level < kMaxLevel && (cell_.mask_.bits >> level & 1) == 0) continue;
      COCOON_CHECK(compute(level));
    }
    return ok();
  }

 private:
  Status check_type() {
    switch (cell_.type_) {
      case CellType::ordinary:
        for (const CellRef& ref : cell_.refs()) cell_.mask_.bits |= ref->mask_.bits;
        return ok();
      case CellType::pruned: return check_pruned();
      case CellType::library: return expect(1 + kHashBytes, 0, "a library cell");
      case CellType::merkle_proof:
        COCOON_CHECK(expect(1 + kHashBytes + kDepthBytes, 1, "a Merkle proof"));
        return check_merkle("a Merkle proof");
      case CellType::merkle_update:
        COCOON_CHECK(expect(1 + 2 * (kHashBytes + kDepthBytes), 2, "a Merkle update"));
        return check_merkle("a Merkle update");
    }
    return ok();
  }

  Status expect(std::size_t bytes, unsigned refs, std::string_view what) const {
    if (cell_.ref_count_ != refs) {
      return invalid("A cell that says it is " + std::string(what) + " has " +
                     std::to_string(cell_.ref_count_) + " references instead of " +
                     std::to_string(refs) + ".");
    }
    if (cell_.bits_ != 8 * bytes) {
      return invalid("A cell that says it is " + std::string(what) + " has " +
                     std::to_string(cell_.bits_) + " bits instead of " + std::to_string(8 * bytes) +
                     ".");
    }
    return ok();
  }

  Status check_pruned() {
    if (cell_.bits_ < 16) return invalid("A pruned branch has no room for its level mask.");
    const std::uint8_t mask = cell_.data_[1];
    if (mask == 0 || mask >= 1u << kMaxLevel) {
      return invalid("A pruned branch has the level mask " + std::to_string(mask) +
                     ", which is not one of 1 to 7.");
    }
    cell_.mask_.bits = mask;
    return expect(2 + cell_.mask_.lower_hashes() * (kHashBytes + kDepthBytes), 0,
                  "a pruned branch");
  }

  Status check_merkle(std::string_view what) {
    const ByteView data = cell_.data_;
    const unsigned refs = cell_.ref_count_;
    for (unsigned i = 0; i < refs; ++i) {
      const Cell& child = *cell_.refs_[i];
      if (!equal_public(data.subspan(1 + i * kHashBytes, kHashBytes), child.hash(0))) {
        return invalid("The hash in " + std::string(what) + " is not that of its reference.");
      }
      const std::size_t depths = 1 + refs * kHashBytes;
      if (big_endian(data.subspan(depths + i * kDepthBytes, kDepthBytes)) != child.depth(0)) {
        return invalid("The depth in " + std::string(what) + " is not that of its reference.");
      }
      cell_.mask_.bits |= static_cast<std::uint8_t>(child.mask_.bits >> 1);
    }
    return ok();
  }

  /// The level of the references that this cell's `level` sees.
  unsigned child_level(unsigned level) const {
    const bool merkle =
        cell_.type_ == CellType::merkle_proof || cell_.type_ == CellType::merkle_update;
    return merkle ? std::min(kMaxLevel, level + 1) : level;
  }

  Status compute(unsigned level) {
    Lower result{};
    if (cell_.type_ == CellType::pruned && level != kMaxLevel) {
      result = stored(done_);
    } else {
      unsigned depth = 0;
      for (const CellRef& ref : cell_.refs()) {
        depth = std::max(depth, ref->depth(child_level(level)) + 1);
      }
      result.depth = static_cast<std::uint16_t>(depth);
      result.hash = digest(level);
    }
    if (result.depth > kMaxCellDepth) {
      return invalid("A cell is " + std::to_string(result.depth) + " deep; at most " +
                     std::to_string(kMaxCellDepth) + " are allowed.");
    }
    previous_ = result.hash;
    if (level == kMaxLevel) {
      cell_.hash_ = result.hash;
      cell_.depth_ = result.depth;
    } else {
      (*cell_.lower_)[done_++] = result;
    }
    return ok();
  }

  /// A pruned branch carries hashes and depths of what it stands for.
  Lower stored(unsigned index) const {
    const ByteView data = cell_.data_;
    const std::size_t depths = 2 + cell_.mask_.lower_hashes() * kHashBytes;
    const auto hash = to_array<kHashBytes>(data.subspan(2 + index * kHashBytes, kHashBytes));
    const unsigned depth = big_endian(data.subspan(depths + index * kDepthBytes, kDepthBytes));
    return {.hash = *hash, .depth = static_cast<std::uint16_t>(depth)};
  }

  Hash digest(unsigned level) const {
    HashInput input;
    input.byte(first_descriptor(cell_.ref_count_, cell_.exotic(), cell_.mask_.at(level)));
    input.byte(second_descriptor(cell_.bits_));
    if (done_ > 0 && cell_.type_ != CellType::pruned) {
      // The hash one level down stands for the data.
      input.bytes(previous_);
    } else {
      const ByteView data = cell_.data_;
      const bool padded = cell_.bits_ % 8 != 0;
      input.bytes(data.first(data.size() - (padded ? 1 : 0)));
      if (padded) input.byte(padded_last_byte(data, cell_.bits_));
    }
    for (const CellRef& ref : cell_.refs()) {
      const unsigned depth = ref->depth(child_level(level));
      input.byte(depth >> 8);
      input.byte(depth & 255);
    }
    for (const CellRef& ref : cell_.refs()) input.bytes(ref->hash(child_level(level)));
    return input.digest();
  }

  Cell& cell_;
  Hash previous_{};
  unsigned done_ = 0;
};

Result<CellRef> Cell::create(bool exotic, ByteView data, unsigned bits,
                             std::span<const CellRef> refs) {
  if (refs.size() > kMaxCellRefs) return invalid("A cell has more than 4 references.");
  if (bits > kMaxCellBits) return invalid("A cell has more than 1023 bits.");
  const std::size_t size = (bits + 7) / 8;
  if (data.size() < size) return invalid("A cell has fewer bytes than its bits need.");
  auto cell = std::make_shared<Cell>(Key{});
  cell->data_ = to_bytes(data.first(size));
  if (bits % 8 != 0) cell->data_.back() &= static_cast<std::uint8_t>(0xff00u >> bits % 8);
  cell->bits_ = static_cast<std::uint16_t>(bits);
  for (const CellRef& ref : refs) {
    if (ref == nullptr) return invalid("A reference of a cell leads nowhere.");
    cell->refs_[cell->ref_count_++] = ref;
  }
  if (exotic) {
    if (bits < 8) return invalid("An exotic cell has no room for its type.");
    const auto type = exotic_type(cell->data_[0]);
    if (!type) {
      return invalid("An exotic cell has the unknown type " + std::to_string(cell->data_[0]) + ".");
    }
    cell->type_ = *type;
  }
  COCOON_CHECK(Maker(*cell).make());
  return CellRef(std::move(cell));
}

const CellRef& Cell::empty() {
  static const CellRef cell = create(false, {}, 0, {}).value();
  return cell;
}

void append_padded(Bytes& out, const Cell& cell) {
  append(out, cell.data());
  if (cell.bits() % 8 != 0) out.back() = padded_last_byte(cell.data(), cell.bits());
}

}  // namespace cocoon::ton
