#pragma once
/// @file How fast one client may begin requests.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/limits.h"
#include "base/time.h"

namespace cocoon::routing {

/// Fills at a rate, up to limits::kRateBurst of it, and starts full.
class TokenBucket {
 public:
  /// Takes one token, or says how long until there is one.
  /// @param per_second the rate; 0: no bound
  Millis take(std::uint32_t per_second, MonoTime now) {
    if (per_second == 0) return Millis(0);
    const double burst =
        std::max(1.0, per_second * std::chrono::duration<double>(limits::kRateBurst).count());
    const double passed = std::max(0.0, std::chrono::duration<double>(now - at_).count());
    tokens_ = started_ ? std::min(burst, tokens_ + passed * per_second) : burst;
    started_ = true;
    at_ = std::max(at_, now);
    if (tokens_ < 1) {
      const double wait_s = (1 - tokens_) / per_second;
      return Millis(static_cast<Millis::rep>(wait_s * 1000) + 1);
    }
    tokens_ -= 1;
    return Millis(0);
  }

 private:
  bool started_ = false;
  double tokens_ = 0;
  MonoTime at_{};
};

}  // namespace cocoon::routing
