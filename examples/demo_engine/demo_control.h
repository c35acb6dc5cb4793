#pragma once
/// @file What the demo engine counts, and how a test steers it: the paths under /demo/.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cocoon::demo {

/// A stream that waits for POST /demo/confirm.
class ConfirmWaiter {
 public:
  virtual void confirmed() = 0;

 protected:
  ~ConfirmWaiter() = default;
};

class Control {
 public:
  /// A request with a good body has come in: one execution for its id.
  void started(const std::string& id, std::string_view body);
  void completed() { ++completed_; }
  /// The caller went away before the answer was complete.
  void aborted() { ++aborted_; }
  /// The answer ended badly because its request asked for that.
  void faulted() { ++faulted_; }

  /// GET /demo/executions: `{"total":3,"executions":{"some-id":2,"anonymous":1}}`.
  std::string executions() const;
  /// GET /demo/events: how many requests were started, completed, aborted, faulted, are active.
  std::string events() const;
  /// GET /demo/last?id=ID: the body of the latest request of that id; null where none is kept.
  const std::string* last_body(const std::string& id) const;

  /// POST /demo/confirm?token=T. One confirmation releases one chunk: of a stream that waits, or
  /// else of the first that will.
  void confirm(const std::string& token);
  /// Calls waiter.confirmed() once: now if a confirmation is there, else when one comes.
  void wait(const std::string& token, ConfirmWaiter& waiter);
  void stop_waiting(const std::string& token, ConfirmWaiter& waiter);

  /// What GET /health says: settable by POST /demo/health?ready=0|1.
  bool healthy = true;

 private:
  struct Gate {
    std::uint64_t spare = 0;
    std::deque<ConfirmWaiter*> waiting;
  };

  std::map<std::string, std::uint64_t> executions_;
  std::unordered_map<std::string, std::string> last_bodies_;
  std::deque<std::string> last_ids_;  // in the order of last_bodies_
  std::map<std::string, Gate> gates_;
  std::uint64_t started_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t aborted_ = 0;
  std::uint64_t faulted_ = 0;
};

}  // namespace cocoon::demo
