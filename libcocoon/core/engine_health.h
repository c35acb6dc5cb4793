#pragma once
/// @file Whether a worker's engine may be given requests: what its probe finds, and whether it
/// answers any.
///
/// An engine may answer its probe while all that it was asked hangs. Callers then give up before
/// anything fails by itself, and nobody is blamed for that: the worker has to notice.

#include <cstdint>
#include <string>

#include "base/time.h"

namespace cocoon::core {

class EngineHealth {
 public:
  /// So many runs in a row have to end unanswered: one alone may be a long answer.
  static constexpr std::uint32_t kUnanswered = 3;
  /// Then, and after each trial that fails, it is left alone for so long.
  static constexpr Seconds kPause{60};

  /// What the last probe found. One that failed is a new beginning. @return whether that is news
  bool probed(bool ready, std::string reason);
  /// A request comes in that it is to be given.
  void given(std::uint64_t run);
  /// It has said more than a stream's first head, which may come before anything is done.
  /// @return whether it had counted as silent
  bool spoke(Now now);
  /// @param asked_at when the engine was given the run, if it was
  /// @return whether it counts as silent from now on
  bool run_ended(std::uint64_t run, MonoTime asked_at, Now now);
  /// A trial begins when it is due.
  void on_time(Now now);
  MonoTime next_trial() const { return trial_at_; }

  bool answers_probe() const { return probe_ready_; }
  bool ready() const { return probe_ready_ && !silent(); }
  /// Why not, if it is not.
  const std::string& reason() const;
  /// Whether it may be given a request now: also a trial's one.
  bool takes() const { return probe_ready_ && (!silent() || trial_open_); }
  /// Which of `free` slots it may be given.
  std::uint32_t slots(std::uint32_t free) const;
  /// Whether takes() may have changed since this was asked last, other than by the probe.
  bool take_changed();

 private:
  bool silent() const { return unanswered_ >= kUnanswered; }
  void begin_anew();

  bool probe_ready_ = false;
  std::string probe_reason_ = "the engine has not been probed yet";
  std::uint32_t unanswered_ = 0;  ///< runs in a row
  MonoTime spoke_at_{};
  MonoTime trial_at_ = kNever;
  bool trial_open_ = false;
  std::uint64_t trial_run_ = 0;
  bool changed_ = false;
};

}  // namespace cocoon::core
