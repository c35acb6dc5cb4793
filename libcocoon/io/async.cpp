#include "io/async.h"

#include <uv.h>

#include <deque>
#include <mutex>

#include "io/context_state.h"

namespace cocoon::io {

struct Poster::Queue : std::enable_shared_from_this<Poster::Queue> {
  using Box = HandleBox<uv_async_t, Queue>;

  std::mutex mutex;
  std::deque<Callback<void()>> waiting;  // guarded by mutex
  Box* box = nullptr;  // guarded by mutex, changed on the loop thread; null: the postbox is gone

  static void on_wake(uv_async_t* handle) {
    Queue* self = Box::of(handle)->owner;
    if (self == nullptr) return;
    self->run();
  }

  void run() {
    std::deque<Callback<void()>> ready;
    {
      const std::lock_guard lock(mutex);
      ready.swap(waiting);
    }
    // A callback may destroy the postbox: the rest is then dropped.
    const std::shared_ptr<Queue> keep = shared_from_this();
    for (Callback<void()>& fn : ready) {
      if (box == nullptr) return;
      fn();
    }
  }
};

bool Poster::post(Callback<void()> fn) const {
  if (!queue_) return false;
  // The lock covers the wake-up: the handle cannot be closed between the test and the call.
  const std::lock_guard lock(queue_->mutex);
  if (queue_->box == nullptr) return false;
  queue_->waiting.push_back(std::move(fn));
  if (queue_->waiting.size() == 1) uv_async_send(&queue_->box->handle);
  return true;
}

Result<Postbox> Postbox::open(const Context& context) {
  auto queue = std::make_shared<Poster::Queue>();
  auto* box = new Poster::Queue::Box(context.state(), queue.get());
  if (const int rc = uv_async_init(context.state()->loop(), &box->handle, &Poster::Queue::on_wake);
      rc != 0) {
    box->discard();
    return Error(ErrorKind::io, "no_wakeup",
                 std::string("the loop cannot be woken from other threads: ") + uv_strerror(rc));
  }
  uv_unref(box->base());
  queue->box = box;
  return Postbox(std::move(queue));
}

Postbox& Postbox::operator=(Postbox&& other) noexcept {
  if (this != &other) {
    close();
    queue_ = std::move(other.queue_);
  }
  return *this;
}

Postbox::~Postbox() {
  close();
}

void Postbox::close() {
  if (!queue_) return;
  std::deque<Callback<void()>> dropped;
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->box->close();
    queue_->box = nullptr;
    dropped.swap(queue_->waiting);
  }
  queue_.reset();
}

void Postbox::keep_alive(bool on) {
  // The box pointer changes on this thread only.
  if (on) {
    uv_ref(queue_->box->base());
  } else {
    uv_unref(queue_->box->base());
  }
}

}  // namespace cocoon::io
