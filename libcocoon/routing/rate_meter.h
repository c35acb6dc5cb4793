#pragma once
/// @file How often something happens, by an exponentially decaying count.

#include "base/time.h"

namespace cocoon::routing {

class RateMeter {
 public:
  /// @param time_constant over which the past counts; > 0
  explicit RateMeter(Seconds time_constant) : time_constant_(time_constant) {}

  void add(MonoTime now);
  /// What of the past still counts.
  double count(MonoTime now) const;
  double per_second(MonoTime now) const {
    return count(now) / static_cast<double>(time_constant_.count());
  }

 private:
  Seconds time_constant_;
  double count_ = 0;
  MonoTime at_{};
};

}  // namespace cocoon::routing
