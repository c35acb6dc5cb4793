#include "core/engine_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace cocoon::core {

bool EngineHealth::probed(bool ready, std::string reason) {
  if (!ready) begin_anew();
  if (probe_ready_ == ready && probe_reason_ == reason) return false;
  probe_ready_ = ready;
  probe_reason_ = std::move(reason);
  return true;
}

void EngineHealth::begin_anew() {
  changed_ = changed_ || silent();
  unanswered_ = 0;
  trial_at_ = kNever;
  trial_open_ = false;
  trial_run_ = 0;
}

void EngineHealth::given(std::uint64_t run) {
  if (!std::exchange(trial_open_, false)) return;
  trial_run_ = run;
  changed_ = true;
}

bool EngineHealth::spoke(Now now) {
  spoke_at_ = now.mono;
  const bool was_silent = silent();
  begin_anew();
  return was_silent;
}

bool EngineHealth::run_ended(std::uint64_t run, MonoTime asked_at, Now now) {
  const bool was_trial = run == trial_run_;
  if (was_trial) trial_run_ = 0;
  // Where it has answered others meanwhile, it works, and this answer was a long one.
  const bool unanswered = asked_at != kNever && spoke_at_ < asked_at &&
                          now.mono - asked_at > limits::kEngineFirstByteDeadline;
  if (was_trial && !unanswered) {  // it says nothing either way
    trial_open_ = changed_ = true;
    return false;
  }
  if (!unanswered) return false;
  const bool was_silent = silent();
  if (!was_silent) ++unanswered_;
  if (!silent()) return false;
  if (was_trial || !was_silent) trial_at_ = now.mono + kPause;
  changed_ = changed_ || !was_silent;
  return !was_silent;
}

void EngineHealth::on_time(Now now) {
  if (now.mono < trial_at_) return;
  trial_at_ = kNever;
  trial_open_ = changed_ = true;
}

const std::string& EngineHealth::reason() const {
  static const std::string kSilent = fmt::format(
      "the engine answers its probe, but none of the last {} requests: see in its own log whether "
      "it hangs, and start it again; until it answers one, it gets one at a time, after pauses",
      kUnanswered);
  return silent() ? kSilent : probe_reason_;
}

std::uint32_t EngineHealth::slots(std::uint32_t free) const {
  if (!silent()) return free;
  return trial_open_ ? std::min(free, 1u) : 0;
}

bool EngineHealth::take_changed() {
  return std::exchange(changed_, false);
}

}  // namespace cocoon::core
