#pragma once
/// @file Constants of `serialized_boc`, `serialized_boc_idx` and `serialized_boc_idx_crc32c` (TL-B
/// scheme boc.tlb), for the two files that read and write it.

#include <cstdint>

namespace cocoon::ton {

inline constexpr std::uint32_t kBocMagic = 0xb5ee9c72;
/// The two old forms: an index always, one root, which is the first cell.
inline constexpr std::uint32_t kBocMagicIndexed = 0x68ff65f3;
inline constexpr std::uint32_t kBocMagicIndexedCrc32c = 0xacc3a728;

inline constexpr std::uint8_t kBocHasIndex = 0x80;
inline constexpr std::uint8_t kBocHasCrc32c = 0x40;
inline constexpr std::uint8_t kBocHasCacheBits = 0x20;
inline constexpr std::uint8_t kBocRefBytesMask = 0x07;

}  // namespace cocoon::ton
