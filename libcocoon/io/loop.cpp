#include "cocoon/loop.h"

#include <uv.h>

#include <optional>
#include <thread>

#include "io/async.h"
#include "io/breaks.h"
#include "io/context.h"
#include "io/threads.h"

namespace cocoon::inline v0 {

Loop Loop::borrow(uv_loop_s* loop) {
  return Loop(loop);
}

struct LoopThread::Impl {
  uv_loop_t loop{};
  bool has_loop = false;
  std::optional<io::Breaks> breaks;
  std::optional<io::Postbox> postbox;
  io::Poster poster;
  std::thread thread;

  ~Impl() {
    if (!has_loop) return;
    // The postbox is what keeps the loop running; it goes on its own thread.
    poster.post([this] { postbox.reset(); });
    if (thread.joinable()) {
      thread.join();
    } else {
      postbox.reset();
      run();
    }
    uv_loop_close(&loop);
  }

  /// Until nothing is left on the loop.
  void run() {
    uv_run(&loop, UV_RUN_DEFAULT);
    breaks->close();
    uv_run(&loop, UV_RUN_DEFAULT);
  }
};

LoopThread::LoopThread(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoopThread::LoopThread(LoopThread&&) noexcept = default;
LoopThread& LoopThread::operator=(LoopThread&&) noexcept = default;
LoopThread::~LoopThread() = default;

Result<LoopThread> LoopThread::start() {
  auto impl = std::make_unique<Impl>();
  if (const int rc = uv_loop_init(&impl->loop); rc != 0) {
    return Error(ErrorKind::io, "no_loop",
                 std::string("cannot make an event loop: ") + uv_strerror(rc));
  }
  impl->has_loop = true;
  impl->breaks.emplace(impl->loop);
  COCOON_TRY(impl->postbox, io::Postbox::open(io::Context(Loop::borrow(&impl->loop))));
  impl->postbox->keep_alive(true);
  impl->poster = impl->postbox->poster();
  COCOON_TRY(impl->thread,
             io::start_thread("cocoon-loop", [running = impl.get()] { running->run(); }));
  return LoopThread(std::move(impl));
}

Loop LoopThread::loop() const {
  return Loop::borrow(&impl_->loop);
}

void LoopThread::post(Callback<void()> fn) {
  impl_->poster.post(std::move(fn));
}

}  // namespace cocoon::inline v0
