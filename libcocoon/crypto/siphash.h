#pragma once
/// @file SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).

#include <cstdint>

#include "base/bytes.h"

namespace cocoon::crypto {

/// The hash's eight bytes, read big-endian.
std::uint64_t siphash24(const ByteArray<16>& key, ByteView message);

}  // namespace cocoon::crypto
