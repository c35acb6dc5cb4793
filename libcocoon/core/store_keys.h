#pragma once
/// @file The keys under which the cores keep their state, and how identifiers are written in keys
/// and logs.

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codec/hex.h"

namespace cocoon::core {

/// One billing::ProxyMeter or ClientMeter snapshot per channel: the key, then the channel in hex.
inline constexpr std::string_view kChannelKey = "channel/";
/// One billing::PayoutBook row per worker: the key, then the worker's account in hex.
inline constexpr std::string_view kPayoutKey = "payout/";
/// One billing::WorkerMeter snapshot per proxy: the key, then the proxy's account in hex.
inline constexpr std::string_view kEarningsKey = "earnings/";
/// routing::ReputationBook of a proxy.
inline constexpr std::string_view kReputationKey = "reputation";

inline std::string store_key(std::string_view prefix, ByteView id) {
  return std::string(prefix) + to_hex(id);
}

/// The first eight digits of an identifier: enough to tell peers apart in a log.
inline std::string short_hex(ByteView id) {
  return to_hex(id.first(4));
}

}  // namespace cocoon::core
