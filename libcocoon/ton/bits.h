#pragma once
/// @file Bit strings: what a cell holds, and keys of dictionaries.

#include <compare>
#include <cstdint>

#include "base/bytes.h"

namespace cocoon::ton {

/// Data bits of one cell (TVM whitepaper, 3.1.1).
inline constexpr unsigned kMaxCellBits = 1023;

/// `count` <= 64 bits of `data` from bit `offset` (0 is the highest bit of the first byte), as a
/// number. The bytes must exist.
std::uint64_t read_bits(const std::uint8_t* data, std::size_t offset, unsigned count);
/// The inverse. The bits there must be zero before.
void write_bits(std::uint8_t* data, std::size_t offset, std::uint64_t value, unsigned count);

/// At most kMaxCellBits bits, held in place. The unused bits of the last byte are zero.
class BitString {
 public:
  BitString() = default;
  /// All bits of at most 127 bytes; the rest is cut off.
  explicit BitString(ByteView bytes);
  /// The `count` <= 64 low bits of `value`.
  static BitString of(std::uint64_t value, unsigned count);

  unsigned size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// @pre i < size()
  bool operator[](unsigned i) const { return (data_[i / 8] >> (7 - i % 8) & 1) != 0; }
  const std::uint8_t* data() const { return data_.data(); }
  /// ceil(size() / 8) bytes.
  ByteView bytes() const { return ByteView(data_).first((size_ + 7) / 8); }
  /// The `count` <= 64 bits from `from` as a number. @pre from + count <= size()
  std::uint64_t number(unsigned from, unsigned count) const {
    return read_bits(data_.data(), from, count);
  }

  /// Appends; false, and nothing changed, where kMaxCellBits would be exceeded.
  [[nodiscard]] bool append(std::uint64_t value, unsigned count);
  [[nodiscard]] bool append(const std::uint8_t* data, std::size_t offset, unsigned count);
  [[nodiscard]] bool append(const BitString& more) { return append(more.data(), 0, more.size()); }

  /// The `count` bits from `from`. @pre from + count <= size()
  BitString part(unsigned from, unsigned count) const;
  /// How many bits at the front are the same in both.
  unsigned common_prefix(const BitString& other) const;

  friend bool operator==(const BitString&, const BitString&) = default;
  /// Like numbers, where the sizes are equal; a prefix comes first.
  friend std::strong_ordering operator<=>(const BitString& a, const BitString& b) {
    if (const auto by_data = a.data_ <=> b.data_; by_data != 0) return by_data;
    return a.size_ <=> b.size_;
  }

 private:
  ByteArray<(kMaxCellBits + 7) / 8> data_{};
  unsigned size_ = 0;
};

}  // namespace cocoon::ton
