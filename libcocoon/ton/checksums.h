#pragma once
/// @file The three checksums that TON's formats use. None of them protects against an attacker.

#include <cstdint>

#include "base/bytes.h"

namespace cocoon::ton {

/// CRC-16/XMODEM (polynomial 0x1021, from 0): friendly addresses.
std::uint16_t crc16(ByteView bytes);
/// CRC-32/ISO-HDLC (as in zip): names of TL constructors.
std::uint32_t crc32(ByteView bytes);
/// CRC-32C (RFC 3720, B.4): bags of cells.
std::uint32_t crc32c(ByteView bytes);

}  // namespace cocoon::ton
