#include "ton/checksums.h"

#include <array>

namespace cocoon::ton {
namespace {

// Bit-reversed polynomials.
constexpr std::uint32_t kIsoHdlc = 0xedb88320;
constexpr std::uint32_t kCastagnoli = 0x82f63b78;

using Table = std::array<std::uint32_t, 256>;

/// tables[k][b]: what byte b does to the checksum when k more bytes follow it.
template <std::size_t N>
constexpr std::array<Table, N> make_tables(std::uint32_t polynomial) {
  std::array<Table, N> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < N; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 255];
    }
  }
  return tables;
}

std::uint32_t step(const Table& table, std::uint32_t crc, std::uint8_t byte) {
  return crc >> 8 ^ table[(crc ^ byte) & 255];
}

}  // namespace

std::uint16_t crc16(ByteView bytes) {
  std::uint32_t crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc ^= std::uint32_t{byte} << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021u : 0)) & 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint32_t crc32(ByteView bytes) {
  static constexpr auto kTables = make_tables<1>(kIsoHdlc);
  std::uint32_t crc = ~std::uint32_t{0};
  for (const std::uint8_t byte : bytes) crc = step(kTables[0], crc, byte);
  return ~crc;
}

std::uint32_t crc32c(ByteView bytes) {
  // Eight bytes at a time: a block's bag has a megabyte.
  static constexpr auto kTables = make_tables<8>(kCastagnoli);
  std::uint32_t crc = ~std::uint32_t{0};
  while (bytes.size() >= 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint32_t low = i < 4 ? crc >> (8 * i) & 255 : 0;
      next ^= kTables[7 - i][low ^ bytes[i]];
    }
    crc = next;
    bytes = bytes.subspan(8);
  }
  for (const std::uint8_t byte : bytes) crc = step(kTables[0], crc, byte);
  return ~crc;
}

}  // namespace cocoon::ton
