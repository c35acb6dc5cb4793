#include "io/breaks.h"

#include <thread>
#include <utility>

namespace cocoon::io {
namespace {

std::chrono::nanoseconds since(std::uint64_t then_ns, std::uint64_t now_ns) {
  return std::chrono::nanoseconds(now_ns - then_ns);
}

}  // namespace

thread_local Breaks* Breaks::polling_ = nullptr;

Breaks::Breaks(uv_loop_t& loop) {
  uv_prepare_init(&loop, &prepare_);
  uv_check_init(&loop, &check_);
  prepare_.data = check_.data = this;
  uv_prepare_start(&prepare_,
                   [](uv_prepare_t* h) { static_cast<Breaks*>(h->data)->before_poll(); });
  uv_check_start(&check_, [](uv_check_t* h) { static_cast<Breaks*>(h->data)->after_poll(); });
  // They do not keep the loop running.
  uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
}

void Breaks::close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), nullptr);
}

void Breaks::before_poll() {
  polled_at_ns_ = uv_hrtime();
  if (busy_.many() && since(ready_at_ns_, polled_at_ns_) < kLongTurn) {
    std::this_thread::sleep_for(kBreak);
    polled_at_ns_ = uv_hrtime();
  }
  polling_ = this;
}

void Breaks::first_ready() {
  polling_ = nullptr;
  ready_at_ns_ = uv_hrtime();
  busy_.looked(since(polled_at_ns_, ready_at_ns_));
}

void Breaks::after_poll() {
  // A poll that nothing but a timer ended has slept.
  if (std::exchange(polling_, nullptr) != nullptr) busy_ = {};
}

}  // namespace cocoon::io
