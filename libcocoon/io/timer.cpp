#include "io/timer.h"

#include <uv.h>

#include <algorithm>

#include "io/clock.h"
#include "io/context_state.h"

namespace cocoon::io {

Timer::Timer(const Context& context, Callback<void()> on_due)
    : box_(new Box(context.state(), this)), on_due_(std::move(on_due)) {
  uv_timer_init(box_->context()->loop(), &box_->handle);
}

Timer::~Timer() {
  box_->close();
}

void Timer::set(MonoTime deadline) {
  if (deadline == deadline_) return;
  deadline_ = deadline;
  if (deadline == kNever) {
    uv_timer_stop(&box_->handle);
  } else {
    start();
  }
}

void Timer::set_in(Millis delay) {
  set(now().mono + delay);
}

void Timer::start() {
  // libuv counts from its cached time, which is the same clock: rounded up to its milliseconds.
  const auto due = std::chrono::ceil<Millis>(deadline_.time_since_epoch()).count();
  const auto from = static_cast<std::int64_t>(uv_now(box_->context()->loop()));
  uv_timer_start(&box_->handle, &Timer::on_timer,
                 static_cast<std::uint64_t>(std::max<std::int64_t>(0, due - from)), 0);
}

void Timer::on_timer(uv_timer_s* handle) {
  Timer* self = Box::of(handle)->owner;
  if (self == nullptr) return;
  if (now().mono < self->deadline_) {
    // The loop's coarse clock ran ahead of the fine one by less than a tick.
    uv_timer_start(handle, &Timer::on_timer, 1, 0);
    return;
  }
  self->deadline_ = kNever;
  self->on_due_();
}

}  // namespace cocoon::io
