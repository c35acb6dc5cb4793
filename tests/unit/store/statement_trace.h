#pragma once
/// @file Watches the SQL that this process runs, from outside the product's code: counts
/// statements, and kills the process between two of them.

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>

namespace cocoon::test {

/// What a child that was killed by StatementTrace::crash_before exits with.
inline constexpr int kCrashed = 77;

/// Registered for every connection that the process opens from then on.
class StatementTrace {
 public:
  static StatementTrace& instance() {
    static StatementTrace trace;
    return trace;
  }

  /// Exits at once, as a crash would, before the `n`-th statement from now on (1 = the next).
  /// 0 turns it off.
  void crash_before(int n) {
    seen_ = 0;
    crash_at_ = n;
  }
  void reset() { crash_before(0); }
  int seen() const { return seen_; }
  int commits() const { return commits_; }

 private:
  StatementTrace() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&attach)); }

  static int attach(sqlite3* db, const char**, const void*) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, &on_statement, nullptr);
  }

  static int on_statement(unsigned, void*, void*, void* sql) {
    StatementTrace& trace = instance();
    if (++trace.seen_ == trace.crash_at_) _exit(kCrashed);
    if (std::string(static_cast<const char*>(sql)) == "COMMIT") ++trace.commits_;
    return 0;
  }

  std::atomic<int> seen_{0};
  std::atomic<int> commits_{0};
  std::atomic<int> crash_at_{0};
};

/// Runs `body` in a child process; its exit status, which is what `body` returns unless it dies.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace cocoon::test
