#include "ledger/local_port.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "io/clock.h"
#include "io/jobs.h"
#include "io/timer.h"
#include "ledger/local_calls.h"

namespace cocoon::ledger {
namespace {

using Done = Callback<void(Result<ports::LedgerReply>)>;

/// What one look at the file found.
struct Findings {
  std::vector<std::pair<MessageId, Result<ports::LedgerReply>>> answered;
  std::optional<UnixTime> next_due;
  bool registry_changed = false;
};

/// The ledger with what a poll compares against; used by the one job thread alone.
class Poller {
 public:
  explicit Poller(LocalLedger ledger) : ledger_(std::move(ledger)) {}

  Result<CallStart> start(const AccountId& self, const ports::LedgerRequest& request) {
    return start_call(ledger_, self, request, io::now().unix);
  }

  Findings look(const std::vector<MessageId>& waiting) {
    const UnixTime now = io::now().unix;
    Findings found;
    const Status advanced = ledger_.advance(now);
    for (MessageId id : waiting) answer(id, advanced, found);
    auto due = ledger_.next_due();
    if (due) found.next_due = *due;
    found.registry_changed = registry_changed(now);
    return found;
  }

 private:
  void answer(MessageId id, const Status& advanced, Findings& found) {
    if (!advanced) {
      found.answered.emplace_back(id, advanced.error());
      return;
    }
    auto reply = finish_call(ledger_, id);
    if (!reply) {
      found.answered.emplace_back(id, reply.error());
    } else if (*reply) {
      found.answered.emplace_back(id, std::move(**reply));
    }
  }

  /// A version may also come into force by time alone.
  bool registry_changed(UnixTime now) {
    const auto data = ledger_.data_version();
    const bool untouched = data && data_version_ == *data;
    if (untouched && (!pending_from_ || now < *pending_from_)) return false;
    const auto current = ledger_.registry(now);
    const auto pending = ledger_.pending_registry(now);
    if (!data || !current || !pending) return false;
    data_version_ = *data;
    pending_from_.reset();
    if (*pending) pending_from_ = (*pending)->effective;
    const bool changed = registry_version_ && *registry_version_ != current->version;
    registry_version_ = current->version;
    return changed;
  }

  LocalLedger ledger_;
  std::optional<std::int64_t> data_version_;
  std::optional<std::uint64_t> registry_version_;
  std::optional<UnixTime> pending_from_;
};

}  // namespace

/// Shared by the port, its jobs and their answers.
class LocalLedgerPort::State : public std::enable_shared_from_this<LocalLedgerPort::State> {
 public:
  State(const io::Context& context, LocalLedger ledger, AccountId self, io::JobPool pool)
      : pool_(std::move(pool)),
        self_(self),
        poller_(std::in_place, std::move(ledger)),
        poll_(context, [this] { look(); }),
        refuse_(context, [this] { answer_refused(); }) {}

  void call(ports::LedgerRequest request, Done done) {
    if (stopped_) return;
    auto outcome = std::make_shared<std::optional<Result<CallStart>>>();
    auto held = std::make_shared<Done>(std::move(done));
    auto self = shared_from_this();
    const Status submitted = pool_.submit(
        io::JobClass::normal,
        [self, outcome, request = std::move(request)] {
          // Closing the file is urgent, and overtakes what waits.
          if (self->poller_) outcome->emplace(self->poller_->start(self->self_, request));
        },
        [self, outcome, held] {
          if (*outcome) self->started(std::move(**outcome), std::move(*held));
        });
    if (submitted) return;
    refused_.push_back({submitted.error(), std::move(*held)});
    refuse_.set_in(Millis{0});
  }

  void watch(Callback<void()> changed) {
    changed_ = std::move(changed);
    if (!stopped_) look();
  }

  void stop(Callback<void()> on_stopped) {
    on_stopped_ = std::move(on_stopped);
    let_go();
    auto self = shared_from_this();
    const Status submitted = pool_.submit(
        io::JobClass::urgent, [self] { self->poller_.reset(); }, [self] { self->stop_pool(); });
    if (!submitted) stop_pool();
  }

  /// The owner is gone: nothing is called back any more.
  void abandon() {
    let_go();
    on_stopped_ = {};
  }

 private:
  struct Refused {
    Error error;
    Done done;
  };

  void let_go() {
    stopped_ = true;
    poll_.stop();
    refuse_.stop();
    waiting_.clear();
    refused_.clear();
    changed_ = {};
  }

  void started(Result<CallStart> start, Done done) {
    if (stopped_) return;
    if (!start) return done(std::move(start).error());
    if (auto* reply = std::get_if<ports::LedgerReply>(&*start)) return done(std::move(*reply));
    waiting_.emplace(std::get<MessageId>(*start), std::move(done));
    look();
  }

  void look() {
    if (stopped_ || looking_) return;
    looking_ = true;
    std::vector<MessageId> ids;
    for (const auto& [id, done] : waiting_) ids.push_back(id);
    auto found = std::make_shared<Findings>();
    auto self = shared_from_this();
    const Status submitted = pool_.submit(
        io::JobClass::normal,
        [self, found, ids] {
          if (self->poller_) *found = self->poller_->look(ids);
        },
        [self, found] { self->looked(*found); });
    if (submitted) return;
    looking_ = false;
    poll_.set_in(limits::kLedgerPollInterval);
  }

  void looked(Findings& found) {
    looking_ = false;
    if (stopped_) return;
    schedule(found.next_due);
    if (found.registry_changed && changed_) changed_();
    for (auto& [id, reply] : found.answered) {
      auto at = waiting_.find(id);
      if (at == waiting_.end()) continue;
      Done done = std::move(at->second);
      waiting_.erase(at);
      done(std::move(reply));
      if (stopped_) return;  // by what was called back
    }
  }

  void schedule(std::optional<UnixTime> due) {
    Millis delay = limits::kLedgerPollInterval;
    if (due) {
      const Millis until = *due - io::now().unix;
      delay = std::clamp(until, Millis{1}, delay);
    }
    poll_.set_in(delay);
  }

  void answer_refused() {
    std::deque<Refused> refused;
    refused.swap(refused_);
    for (Refused& r : refused) {
      if (!stopped_) r.done(std::move(r.error));
    }
  }

  void stop_pool() {
    auto self = shared_from_this();
    pool_.stop([self] {
      if (self->on_stopped_) self->on_stopped_();
    });
  }

  io::JobPool pool_;
  const AccountId self_;
  std::optional<Poller> poller_;  // job thread only, from the first job on

  // Loop thread only:
  io::Timer poll_;
  io::Timer refuse_;
  std::map<MessageId, Done> waiting_;
  std::deque<Refused> refused_;
  Callback<void()> changed_;
  Callback<void()> on_stopped_;
  bool looking_ = false;
  bool stopped_ = false;
};

LocalLedgerPort::LocalLedgerPort(std::shared_ptr<State> state) : state_(std::move(state)) {}

LocalLedgerPort::~LocalLedgerPort() {
  state_->abandon();
}

Result<std::unique_ptr<LocalLedgerPort>> LocalLedgerPort::open(const io::Context& context,
                                                               const std::string& path,
                                                               AccountId self) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(path));
  io::JobPoolOptions options;
  options.name = "ledger";
  options.queue_bounds = {1, limits::kMaxLedgerCalls, 0};
  COCOON_TRY(io::JobPool pool, io::JobPool::start(context, std::move(options)));
  auto state = std::make_shared<State>(context, std::move(ledger), self, std::move(pool));
  return std::unique_ptr<LocalLedgerPort>(new LocalLedgerPort(std::move(state)));
}

void LocalLedgerPort::call(ports::LedgerRequest request, Done done) {
  state_->call(std::move(request), std::move(done));
}

void LocalLedgerPort::watch_registry(Callback<void()> changed) {
  state_->watch(std::move(changed));
}

void LocalLedgerPort::stop(Callback<void()> on_stopped) {
  state_->stop(std::move(on_stopped));
}

}  // namespace cocoon::ledger
