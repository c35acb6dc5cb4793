#include "io/context.h"

#include "base/limits.h"
#include "io/context_state.h"
#include "io/loop_access.h"

namespace cocoon::io {
namespace {

/// A hook that arms itself on each run must not starve the sockets: after this many rounds the
/// rest waits for the next turn, which comes without blocking.
constexpr int kMaxRoundsPerTurn = 16;

}  // namespace

/// The two points of a turn where the queue runs. `check` follows the poll for events: what socket
/// callbacks queued goes out there. `prepare` precedes it: what timers, close callbacks and the
/// host queued goes out before the loop may block. `idle` does nothing, but while it is started the
/// loop does not block: what the prepare of another context queued here, after this one's, runs in
/// the check of the same turn.
struct ContextState::TurnHandles {
  uv_idle_t idle{};
  uv_prepare_t prepare{};
  uv_check_t check{};
  ContextState* owner = nullptr;
  Callback<void()> on_closed;
  int open = 3;

  void close() {
    owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&idle), &TurnHandles::closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&prepare), &TurnHandles::closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&check), &TurnHandles::closed);
  }
  static void closed(uv_handle_t* handle) {
    auto* self = static_cast<TurnHandles*>(handle->data);
    if (--self->open > 0) return;
    Callback<void()> on_closed = std::move(self->on_closed);
    delete self;
    if (on_closed) on_closed();
  }
};

ContextState::ContextState(uv_loop_t* loop) : loop_(loop), turn_(new TurnHandles) {
  for (TurnHook& ring : armed_) ring.next_ = ring.previous_ = &ring;
  turn_->owner = this;
  turn_->idle.data = turn_->prepare.data = turn_->check.data = turn_;
  uv_idle_init(loop_, &turn_->idle);
  uv_prepare_init(loop_, &turn_->prepare);
  uv_check_init(loop_, &turn_->check);
}

ContextState::~ContextState() {
  if (turn_ != nullptr) turn_->close();
  for (TurnHook& ring : armed_) ring.next_ = ring.previous_ = nullptr;
}

std::span<std::uint8_t> ContextState::read_buffer() {
  if (!read_buffer_) read_buffer_ = std::make_unique<std::uint8_t[]>(limits::kSocketReadBytes);
  return {read_buffer_.get(), limits::kSocketReadBytes};
}

void ContextState::release() {
  --held_;
  finish_if_closed();
}

void ContextState::close(Callback<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  finish_if_closed();
}

void ContextState::finish_if_closed() {
  if (held_ > 0 || !on_closed_ || turn_ == nullptr) return;
  turn_->on_closed = std::move(on_closed_);
  std::exchange(turn_, nullptr)->close();
}

void ContextState::listen(bool on) {
  if (listening_ == on || turn_ == nullptr) return;
  listening_ = on;
  if (!on) {
    uv_idle_stop(&turn_->idle);
    uv_prepare_stop(&turn_->prepare);
    uv_check_stop(&turn_->check);
    return;
  }
  uv_idle_start(&turn_->idle, [](uv_idle_t*) {});
  uv_prepare_start(&turn_->prepare, [](uv_prepare_t* h) {
    auto* self = static_cast<TurnHandles*>(h->data);
    if (self->owner != nullptr) self->owner->run_turn();
  });
  uv_check_start(&turn_->check, [](uv_check_t* h) {
    auto* self = static_cast<TurnHandles*>(h->data);
    if (self->owner != nullptr) self->owner->run_turn();
  });
}

void ContextState::arm(TurnHook& hook) {
  TurnHook& ring = armed_[static_cast<std::size_t>(hook.phase_)];
  hook.previous_ = ring.previous_;
  hook.next_ = &ring;
  ring.previous_->next_ = &hook;
  ring.previous_ = &hook;
  listen(true);
}

TurnHook* ContextState::first_busy_ring() {
  for (TurnHook& ring : armed_) {
    if (ring.next_ != &ring) return &ring;
  }
  return nullptr;
}

void ContextState::run_turn() {
  const auto keep = shared_from_this();
  for (int round = 0; round < kMaxRoundsPerTurn; ++round) {
    TurnHook* ring = first_busy_ring();
    if (ring == nullptr) break;
    run_phase(*ring);
  }
  if (first_busy_ring() == nullptr) listen(false);
}

void ContextState::run_phase(TurnHook& ring) {
  // Hooks armed while these run go behind the mark and wait for the next round.
  TurnHook mark;
  mark.previous_ = ring.previous_;
  mark.next_ = &ring;
  ring.previous_->next_ = &mark;
  ring.previous_ = &mark;
  while (ring.next_ != &mark) {
    TurnHook* hook = ring.next_;
    hook->unlink();
    hook->run_();
  }
  mark.unlink();
}

Context::Context(const Loop& loop)
    : state_(std::make_shared<ContextState>(LoopAccess::raw(loop))) {}

Loop Context::loop() const {
  return Loop::borrow(state_->loop());
}

void Context::close(Callback<void()> on_closed) {
  state_->close(std::move(on_closed));
}

}  // namespace cocoon::io
