#pragma once
/// @file A loop of its own with what lives on it, for programs that wait for each answer.

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "cocoon/loop.h"
#include "cocoon/result.h"
#include "io/context.h"

namespace cocoon::app {

/// Hears of the end of some work, once.
template <class T>
using Done = std::function<void(T)>;

/// `State` is made of an io::Context on the loop's thread, used there only, and gone before the
/// context is closed. Not to be called from the loop's thread.
template <class State>
class OwnLoop {
 public:
  /// Errors: those of LoopThread::start().
  static Result<OwnLoop> start() {
    COCOON_TRY(LoopThread thread, LoopThread::start());
    OwnLoop out(std::move(thread));
    out.template run<bool>([&out](const Done<bool>& done) {
      out.held_ = std::make_unique<Held>(out.thread_->loop());
      done(true);
    });
    return out;
  }
  OwnLoop(OwnLoop&&) noexcept = default;
  /// Waits until everything is closed.
  ~OwnLoop() {
    if (!held_) return;
    run<bool>([this](const Done<bool>& done) {
      held_->state.reset();
      held_->context.close([done] { done(true); });
    });
    run<bool>([this](const Done<bool>& done) {
      held_.reset();
      done(true);
    });
  }

  /// Runs `work` on the loop, and waits until it, or what it began, calls what it is given.
  template <class T>
  T wait_for(const std::function<void(State&, const Done<T>&)>& work) {
    return run<T>([&](const Done<T>& done) { work(*held_->state, done); });
  }

 private:
  struct Held {
    explicit Held(const Loop& loop) : context(loop) { state.emplace(context); }
    io::Context context;
    std::optional<State> state;
  };

  explicit OwnLoop(LoopThread thread) : thread_(std::move(thread)) {}

  template <class T>
  T run(const std::function<void(const Done<T>&)>& work) {
    std::promise<T> promise;
    auto answer = promise.get_future();
    thread_->post([&] { work([&promise](T value) { promise.set_value(std::move(value)); }); });
    return answer.get();
  }

  std::optional<LoopThread> thread_;
  std::unique_ptr<Held> held_;
};

}  // namespace cocoon::app
