#pragma once
/// @file How fast slots of a model come free, and how many were turned away, of late.

#include "routing/rate_meter.h"

namespace cocoon::routing {

class DrainMeter {
 public:
  void on_release(MonoTime now) { releases_.add(now); }
  void on_refusal(MonoTime now) { refusals_.add(now); }

  double releases_per_second(MonoTime now) const { return releases_.per_second(now); }
  /// Those who are likely to come back.
  double refusals(MonoTime now) const { return refusals_.count(now); }

 private:
  RateMeter releases_{Seconds(10)};
  RateMeter refusals_{Seconds(10)};
};

}  // namespace cocoon::routing
