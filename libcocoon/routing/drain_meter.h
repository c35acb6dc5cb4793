#pragma once
/// @file How fast slots of a model come free, and so how long to wait for one.

#include "base/time.h"

namespace cocoon::routing {

/// Counts releases and refusals with exponential decay (time constant 10 s).
class DrainMeter {
 public:
  void on_release(MonoTime now);
  void on_refusal(MonoTime now);
  /// Time until a slot is free for one more request: those turned away lately queue before it.
  /// Within limits::kMinRetryAfter and kMaxRetryAfter; the latter where nothing comes free.
  Millis wait(MonoTime now) const;

 private:
  double decayed(double value, MonoTime now) const;
  void advance(MonoTime now);

  double releases_ = 0;
  double refusals_ = 0;
  MonoTime at_{};
};

}  // namespace cocoon::routing
