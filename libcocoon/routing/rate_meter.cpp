#include "routing/rate_meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace cocoon::routing {

double RateMeter::count(MonoTime now) const {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  if (seconds <= 0) return count_;
  return count_ * std::exp(-seconds / static_cast<double>(time_constant_.count()));
}

void RateMeter::add(MonoTime now) {
  count_ = count(now) + 1;
  at_ = std::max(at_, now);
}

}  // namespace cocoon::routing
