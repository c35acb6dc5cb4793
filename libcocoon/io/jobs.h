#pragma once
/// @file Threads for work that must not run on the loop: quotes, signatures in bulk, sqlite.

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"

namespace cocoon::io {

/// Which queue a job waits in. An idle thread takes the oldest job of the first class that has
/// one, but every fourth time of the last that has one, so that no class waits for ever.
enum class JobClass : std::uint8_t {
  urgent,     ///< somebody pays for the wait: evidence of a worker, a receipt
  normal,     ///< evidence of a client, a query
  background  ///< renewals, cleaning up
};
inline constexpr std::size_t kJobClasses = 3;

struct JobPoolOptions {
  /// Shown as the threads' name; at most 13 bytes are.
  std::string name;
  /// At least 1. With one thread the jobs of a class run in order and never together.
  unsigned threads = 1;
  /// Jobs that may wait, by class; more are refused. 0 refuses the whole class.
  std::array<std::size_t, kJobClasses> queue_bounds{};
};

/// A bounded pool of threads of its own (never libuv's, which belongs to the host). Loop thread
/// only; `work` runs on a job thread, `done` on the loop.
class JobPool {
 public:
  /// Errors: `io` where the system gives no threads.
  static Result<JobPool> start(const Context& context, JobPoolOptions options);
  JobPool(JobPool&&) noexcept;
  JobPool& operator=(JobPool&&) noexcept;
  /// Drops what waits, lets what runs finish without calling its `done`. Does not block: the
  /// threads are joined on the loop when they have ended.
  ~JobPool();

  /// Queues `work`; `done` follows on the loop, never inside this call.
  /// Errors: `busy` where the class's queue is full; then neither is called.
  Status submit(JobClass job_class, Callback<void()> work, Callback<void()> done);

  /// Jobs of the class that wait for a thread.
  std::size_t waiting(JobClass job_class) const;

  /// Drops what waits (its `done` is never called) and calls `on_stopped` on the loop when what
  /// runs has finished and the threads are gone; a running job's `done` comes before that.
  /// Afterwards submit() refuses. @pre not called before.
  void stop(Callback<void()> on_stopped);

 private:
  class State;
  explicit JobPool(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::io
