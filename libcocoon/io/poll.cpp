#include "io/poll.h"

#include <fmt/format.h>

#include "io/breaks.h"

namespace cocoon::io {

Status Poll::open(int fd) {
  auto* box = new Box(context_.state(), this);
  if (const int rc = uv_poll_init(context_.state()->loop(), &box->handle, fd); rc != 0) {
    box->discard();
    return Error(ErrorKind::io, "cannot_watch",
                 fmt::format("descriptor {} cannot be watched: {}", fd, uv_strerror(rc)));
  }
  box_ = box;
  watched_ = 0;
  return ok();
}

void Poll::watch(int events) {
  if (events == watched_) return;
  watched_ = events;
  if (events == 0) {
    uv_poll_stop(&box_->handle);
    return;
  }
  uv_poll_start(&box_->handle, events, [](uv_poll_t* handle, int status, int ready) {
    Breaks::note_ready();
    Poll* self = Box::of(handle)->owner;
    if (self == nullptr) return;
    // libuv has stopped watching when it reports an error.
    if (status != 0) self->watched_ = 0;
    self->ready_(self->owner_, status, ready);
  });
}

void Poll::close() {
  if (box_ == nullptr) return;
  box_->close();
  box_ = nullptr;
}

}  // namespace cocoon::io
