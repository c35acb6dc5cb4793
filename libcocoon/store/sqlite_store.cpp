#include "store/sqlite_store.h"

#include <mutex>
#include <optional>

#include "io/jobs.h"
#include "store/store_file.h"

namespace cocoon::store {
namespace {

Error stopped_error() {
  return Error(ErrorKind::unavailable, "store_stopped", "the store has been stopped");
}

}  // namespace

/// Shared by the store, its jobs and their answers.
class SqliteStore::State : public std::enable_shared_from_this<SqliteStore::State> {
 public:
  State(StoreFile file, io::JobPool pool) : pool_(std::move(pool)), file_(std::move(file)) {}

  void commit(ports::StoreBatch batch, Callback<void(Status)> done) {
    if (stopping_) return;
    queued_.push_back(std::move(batch));
    waiting_.push_back(std::move(done));
    if (!writing_) write_queued();
  }

  Result<std::vector<ports::StoreEntry>> load(std::string_view prefix) {
    const std::lock_guard lock(file_mutex_);
    if (!file_) return stopped_error();
    return file_->load(prefix);
  }

  void stop(Callback<void()> on_stopped) {
    stopping_ = true;
    on_stopped_ = std::move(on_stopped);
    if (!writing_) close();
  }

  /// The owner is gone: nothing is called back any more. The pool goes with this object, so the
  /// circle through the answers of running jobs is cut by them.
  void abandon() {
    abandoned_ = true;
    queued_.clear();
    waiting_.clear();
  }

 private:
  struct Group {
    std::vector<ports::StoreBatch> batches;
    std::vector<Callback<void(Status)>> waiting;
    Status result = ok();
  };

  void write_queued() {
    writing_ = true;
    auto group = std::make_shared<Group>();
    group->batches.swap(queued_);
    group->waiting.swap(waiting_);
    auto self = shared_from_this();
    const Status submitted = pool_.submit(
        io::JobClass::normal, [self, group] { group->result = self->write(group->batches); },
        [self, group] { self->written(*group); });
    if (!submitted) {
      group->result = submitted.error();
      written(*group);
    }
  }

  /// On the job thread.
  Status write(const std::vector<ports::StoreBatch>& batches) {
    const std::lock_guard lock(file_mutex_);
    if (failure_) return *failure_;
    if (!file_) return stopped_error();
    Status result = file_->write(batches);
    if (!result) failure_ = result.error();
    return result;
  }

  void written(Group& group) {
    for (Callback<void(Status)>& done : group.waiting) {
      if (done && !abandoned_) done(group.result);
    }
    writing_ = false;
    if (abandoned_) return;
    if (!queued_.empty()) return write_queued();
    if (stopping_) close();
  }

  /// Closing writes back the log: not on the loop either.
  void close() {
    auto self = shared_from_this();
    const Status submitted = pool_.submit(
        io::JobClass::normal, [self] { self->close_file(); }, [self] { self->stop_pool(); });
    if (!submitted) stop_pool();
  }

  /// On the job thread.
  void close_file() {
    const std::lock_guard lock(file_mutex_);
    file_.reset();
  }

  void stop_pool() {
    auto self = shared_from_this();
    pool_.stop([self] {
      if (self->on_stopped_ && !self->abandoned_) self->on_stopped_();
    });
  }

  io::JobPool pool_;

  std::mutex file_mutex_;
  std::optional<StoreFile> file_;  // guarded by file_mutex_, as the next
  std::optional<Error> failure_;

  // Loop thread only:
  std::vector<ports::StoreBatch> queued_;
  std::vector<Callback<void(Status)>> waiting_;
  bool writing_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;
  Callback<void()> on_stopped_;
};

SqliteStore::SqliteStore(std::shared_ptr<State> state) : state_(std::move(state)) {}

SqliteStore::~SqliteStore() {
  state_->abandon();
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const io::Context& context,
                                                       const std::string& path,
                                                       std::uint64_t max_bytes) {
  COCOON_TRY(StoreFile file, StoreFile::open(path, max_bytes));
  io::JobPoolOptions options;
  options.name = "store";
  // One write and one close can wait: what else comes is queued here, to be grouped.
  options.queue_bounds = {0, 2, 0};
  COCOON_TRY(io::JobPool pool, io::JobPool::start(context, std::move(options)));
  auto state = std::make_shared<State>(std::move(file), std::move(pool));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(state)));
}

void SqliteStore::commit(ports::StoreBatch batch, Callback<void(Status)> done) {
  state_->commit(std::move(batch), std::move(done));
}

Result<std::vector<ports::StoreEntry>> SqliteStore::load(std::string_view prefix) {
  return state_->load(prefix);
}

void SqliteStore::stop(Callback<void()> on_stopped) {
  state_->stop(std::move(on_stopped));
}

}  // namespace cocoon::store
