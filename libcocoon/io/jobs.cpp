#include "io/jobs.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "io/async.h"
#include "io/threads.h"

namespace cocoon::io {
namespace {

struct Job {
  Callback<void()> work;
  Callback<void()> done;
};

/// One pick in this many serves the classes from the last to the first.
constexpr unsigned kFairPick = 4;

}  // namespace

/// Shared by the pool, its threads and the calls they post. It holds itself until the last thread
/// has been joined, so the threads may use it by plain pointer.
class JobPool::State : public std::enable_shared_from_this<JobPool::State> {
 public:
  State(Postbox postbox, JobPoolOptions options)
      : options_(std::move(options)), poster_(postbox.poster()), postbox_(std::move(postbox)) {}

  Status start_threads() {
    self_ = shared_from_this();
    for (unsigned i = 0; i < options_.threads; ++i) {
      auto thread = start_thread(options_.name, [this] { run_thread(); });
      if (!thread) {
        stop({});
        return std::move(thread).error();
      }
      threads_.push_back(std::move(thread).value());
    }
    return ok();
  }

  Status submit(JobClass job_class, Callback<void()> work, Callback<void()> done) {
    const auto index = static_cast<std::size_t>(job_class);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_)
        return Error(ErrorKind::unavailable, "jobs_stopped",
                     options_.name + " jobs have been stopped");
      if (queues_[index].size() >= options_.queue_bounds[index]) {
        return Error(ErrorKind::busy, "job_queue_full",
                     fmt::format("{} {} jobs wait already, the most allowed: try again later",
                                 queues_[index].size(), options_.name));
      }
      queues_[index].push_back({std::move(work), std::move(done)});
    }
    if (unfinished_++ == 0) postbox_->keep_alive(true);
    wake_.notify_one();
    return ok();
  }

  std::size_t waiting(JobClass job_class) const {
    const std::lock_guard lock(mutex_);
    return queues_[static_cast<std::size_t>(job_class)].size();
  }

  /// Lets go of `done` callbacks from now on.
  void abandon() { abandoned_ = true; }

  void stop(Callback<void()> on_stopped) {
    std::array<std::deque<Job>, kJobClasses> dropped;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
      dropped.swap(queues_);
    }
    on_stopped_ = std::move(on_stopped);
    postbox_->keep_alive(true);
    wake_.notify_all();
    if (threads_.empty()) finish();
  }

 private:
  void run_thread() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || any_waiting(); });
      if (stopping_) break;
      Job job = take();
      lock.unlock();
      job.work();
      job.work = {};
      poster_.post([this, done = std::move(job.done)]() mutable { finish_job(done); });
      lock.lock();
    }
    poster_.post([this] {
      if (++ended_ == threads_.size()) finish();
    });
  }

  bool any_waiting() const {
    for (const auto& queue : queues_) {
      if (!queue.empty()) return true;
    }
    return false;
  }

  Job take() {
    const bool backwards = ++picks_ % kFairPick == 0;
    for (std::size_t i = 0; i < kJobClasses; ++i) {
      auto& queue = queues_[backwards ? kJobClasses - 1 - i : i];
      if (queue.empty()) continue;
      Job job = std::move(queue.front());
      queue.pop_front();
      return job;
    }
    return {};
  }

  void finish_job(Callback<void()>& done) {
    if (--unfinished_ == 0 && !on_loop_stopping()) postbox_->keep_alive(false);
    if (!abandoned_ && done) done();
  }

  bool on_loop_stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void finish() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    postbox_.reset();
    const auto keep = std::move(self_);
    // Moved out, because it may hold whoever holds this pool.
    if (auto on_stopped = std::exchange(on_stopped_, nullptr)) on_stopped();
  }

  const JobPoolOptions options_;
  const Poster poster_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<Job>, kJobClasses> queues_;  // guarded by mutex_, as the next two
  unsigned picks_ = 0;
  bool stopping_ = false;

  // Loop thread only:
  std::optional<Postbox> postbox_;
  std::vector<std::thread> threads_;
  std::size_t ended_ = 0;
  std::size_t unfinished_ = 0;
  bool abandoned_ = false;
  Callback<void()> on_stopped_;
  std::shared_ptr<State> self_;
};

JobPool::JobPool(std::shared_ptr<State> state) : state_(std::move(state)) {}
JobPool::JobPool(JobPool&&) noexcept = default;

JobPool& JobPool::operator=(JobPool&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

JobPool::~JobPool() {
  if (!state_) return;
  state_->abandon();
  state_->stop({});
}

Result<JobPool> JobPool::start(const Context& context, JobPoolOptions options) {
  COCOON_TRY(Postbox postbox, Postbox::open(context));
  auto state = std::make_shared<State>(std::move(postbox), std::move(options));
  COCOON_CHECK(state->start_threads());
  return JobPool(std::move(state));
}

Status JobPool::submit(JobClass job_class, Callback<void()> work, Callback<void()> done) {
  return state_->submit(job_class, std::move(work), std::move(done));
}

std::size_t JobPool::waiting(JobClass job_class) const {
  return state_->waiting(job_class);
}

void JobPool::stop(Callback<void()> on_stopped) {
  state_->stop(std::move(on_stopped));
}

}  // namespace cocoon::io
