#include "routing/drain_meter.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"

namespace cocoon::routing {
namespace {

constexpr double kTimeConstantSeconds = 10;

}  // namespace

double DrainMeter::decayed(double value, MonoTime now) const {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  return seconds <= 0 ? value : value * std::exp(-seconds / kTimeConstantSeconds);
}

void DrainMeter::advance(MonoTime now) {
  releases_ = decayed(releases_, now);
  refusals_ = decayed(refusals_, now);
  at_ = std::max(at_, now);
}

void DrainMeter::on_release(MonoTime now) {
  advance(now);
  releases_ += 1;
}

void DrainMeter::on_refusal(MonoTime now) {
  advance(now);
  refusals_ += 1;
}

Millis DrainMeter::wait(MonoTime now) const {
  // A decaying count over its time constant is the rate.
  const double per_second = decayed(releases_, now) / kTimeConstantSeconds;
  const double longest = std::chrono::duration<double>(limits::kMaxRetryAfter).count();
  const double ahead = 1 + decayed(refusals_, now);
  const double seconds = per_second * longest <= ahead ? longest : ahead / per_second;
  const Millis wait(static_cast<std::int64_t>(seconds * 1000));
  return std::clamp(wait, limits::kMinRetryAfter, limits::kMaxRetryAfter);
}

}  // namespace cocoon::routing
