#include "io/signals.h"

#include <fmt/format.h>
#include <uv.h>

#include "io/context_state.h"

namespace cocoon::io {

Signal::Signal(const Context& context, Callback<void()> on_signal)
    : context_(context), on_signal_(std::move(on_signal)) {}

Signal::~Signal() {
  if (box_ != nullptr) box_->close();
}

Status Signal::catch_signal(int number) {
  if (box_ == nullptr) {
    auto* box = new Box(context_.state(), this);
    if (const int rc = uv_signal_init(context_.state()->loop(), &box->handle); rc != 0) {
      box->discard();
      return Error(ErrorKind::io, "no_signal_handle",
                   fmt::format("cannot watch for signals: {}", uv_strerror(rc)));
    }
    uv_unref(box->base());
    box_ = box;
  }
  const int rc = uv_signal_start(
      &box_->handle,
      [](uv_signal_t* handle, int) {
        if (Signal* self = Box::of(handle)->owner) self->on_signal_();
      },
      number);
  if (rc != 0) {
    return Error(ErrorKind::io, "no_signal_handle",
                 fmt::format("cannot watch for signal {}: {}", number, uv_strerror(rc)));
  }
  return ok();
}

}  // namespace cocoon::io
