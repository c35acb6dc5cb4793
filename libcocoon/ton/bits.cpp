#include "ton/bits.h"

#include <algorithm>

namespace cocoon::ton {

std::uint64_t read_bits(const std::uint8_t* data, std::size_t offset, unsigned count) {
  std::uint64_t value = 0;
  while (count > 0) {
    const unsigned in_byte = static_cast<unsigned>(offset % 8);
    const unsigned take = std::min(count, 8 - in_byte);
    const unsigned chunk = data[offset / 8] >> (8 - in_byte - take) & ((1u << take) - 1);
    value = value << take | chunk;
    offset += take;
    count -= take;
  }
  return value;
}

void write_bits(std::uint8_t* data, std::size_t offset, std::uint64_t value, unsigned count) {
  while (count > 0) {
    const unsigned in_byte = static_cast<unsigned>(offset % 8);
    const unsigned take = std::min(count, 8 - in_byte);
    const auto chunk = static_cast<unsigned>(value >> (count - take)) & ((1u << take) - 1);
    data[offset / 8] = static_cast<std::uint8_t>(data[offset / 8] | chunk << (8 - in_byte - take));
    offset += take;
    count -= take;
  }
}

BitString::BitString(ByteView bytes) {
  const ByteView kept = bytes.first(std::min<std::size_t>(bytes.size(), kMaxCellBits / 8));
  std::copy(kept.begin(), kept.end(), data_.begin());
  size_ = static_cast<unsigned>(8 * kept.size());
}

BitString BitString::of(std::uint64_t value, unsigned count) {
  BitString out;
  write_bits(out.data_.data(), 0, value, count);
  out.size_ = count;
  return out;
}

bool BitString::append(std::uint64_t value, unsigned count) {
  if (count > kMaxCellBits - size_) return false;
  write_bits(data_.data(), size_, value, count);
  size_ += count;
  return true;
}

bool BitString::append(const std::uint8_t* data, std::size_t offset, unsigned count) {
  if (count > kMaxCellBits - size_) return false;
  while (count > 0) {
    const unsigned take = std::min(count, 64u);
    write_bits(data_.data(), size_, read_bits(data, offset, take), take);
    size_ += take;
    offset += take;
    count -= take;
  }
  return true;
}

BitString BitString::part(unsigned from, unsigned count) const {
  BitString out;
  // A part of a bit string fits into one.
  (void)out.append(data_.data(), from, count);
  return out;
}

unsigned BitString::common_prefix(const BitString& other) const {
  const unsigned most = std::min(size_, other.size_);
  unsigned i = 0;
  while (i + 8 <= most && data_[i / 8] == other.data_[i / 8]) i += 8;
  while (i < most && (*this)[i] == other[i]) ++i;
  return i;
}

}  // namespace cocoon::ton
