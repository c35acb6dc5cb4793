#include "session.h"

#include <future>

namespace cocoon::app {

struct Session::OnLoop {
  explicit OnLoop(const Loop& loop) : context(loop) {}
  crypto::SystemRandom random;
  io::Context context;
  std::unique_ptr<ports::Ledger> ledger;
};

namespace {

/// Runs `work` on the loop, and waits until it calls what it is given.
template <class T>
T wait_for(LoopThread& thread, const std::function<void(std::function<void(T)>)>& work) {
  std::promise<T> promise;
  auto answer = promise.get_future();
  thread.post([&] { work([&promise](T value) { promise.set_value(std::move(value)); }); });
  return answer.get();
}

}  // namespace

Session::Session(LoopThread thread, std::unique_ptr<OnLoop> state)
    : thread_(std::move(thread)), state_(std::move(state)) {}

Session::Session(Session&&) noexcept = default;

Session::~Session() {
  if (!state_) return;
  wait_for<bool>(*thread_, [this](const std::function<void(bool)>& done) {
    state_->ledger.reset();
    state_->context.close([done] { done(true); });
  });
  wait_for<bool>(*thread_, [this](const std::function<void(bool)>& done) {
    state_.reset();
    done(true);
  });
}

Result<Session> Session::open(const Account& account) {
  COCOON_TRY(LoopThread thread, LoopThread::start());
  Session out(std::move(thread), nullptr);
  const Status opened =
      wait_for<Status>(*out.thread_, [&](const std::function<void(Status)>& done) {
        out.state_ = std::make_unique<OnLoop>(out.thread_->loop());
        auto ledger =
            node::open_ledger(out.state_->context, account.ledger, account.key, out.state_->random);
        if (!ledger) return done(ledger.error());
        out.state_->ledger = std::move(*ledger);
        done(ok());
      });
  COCOON_CHECK(opened);
  return out;
}

Result<ports::LedgerReply> Session::ask(ports::LedgerRequest request) {
  using Reply = Result<ports::LedgerReply>;
  Reply reply = wait_for<Reply>(*thread_, [&](const std::function<void(Reply)>& done) {
    state_->ledger->call(std::move(request), [done](Reply r) { done(std::move(r)); });
  });
  if (reply) {
    if (auto* bounced = std::get_if<ports::Bounced>(&*reply)) return std::move(bounced->error);
  }
  return reply;
}

Status Session::write(ports::LedgerRequest request) {
  COCOON_TRY(const ports::LedgerReply reply, ask(std::move(request)));
  (void)reply;
  return ok();
}

}  // namespace cocoon::app
