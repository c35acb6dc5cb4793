#pragma once
/// @file What is going to happen, in order of time.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cocoon::sim {

enum class EventKind : std::uint8_t {
  arrival,      // of a caller's next request
  mood,         // a caller's burst begins or ends
  candidates,   // a client's question is answered
  retry,        // a refusal has reached the client
  at_worker,    // a request reaches a worker
  given_back,   // a worker's refusal reaches the proxy
  broken_off,   // a worker fails a request that it had accepted
  first_token,  // of a request
  engine,       // the next answer of a machine is complete
  crash,        // of a machine
  comeback,     // of a machine
  slow_down,    // of a machine
  status,       // of a machine, to its proxies
  queue         // somebody has waited long enough at a proxy, or a worker there rested
};

struct Event {
  double at = 0;
  std::uint32_t who = 0;         ///< caller, request, machine or proxy
  std::uint32_t generation = 0;  ///< of `who`: an event of an older one is void
  EventKind kind{};
  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

/// A heap of what comes within milliseconds, which fits a processor's cache, before unsorted
/// buckets of all that comes later: millions of events would not.
class EventQueue {
 public:
  explicit EventQueue(double end_s)
      : buckets_(static_cast<std::size_t>(end_s / kBucketSeconds) + 2) {}

  void push(const Event& event) {
    const std::size_t bucket =
        std::min(static_cast<std::size_t>(event.at / kBucketSeconds), buckets_.size() - 1);
    if (bucket > current_) {
      buckets_[bucket].push_back(event);
    } else {
      near_.push_back(event);
      std::push_heap(near_.begin(), near_.end(), std::greater<>());
    }
  }

  /// False where nothing is left.
  bool pop(Event& event) {
    while (near_.empty()) {
      if (++current_ >= buckets_.size()) return false;
      near_.swap(buckets_[current_]);
      std::make_heap(near_.begin(), near_.end(), std::greater<>());
    }
    std::pop_heap(near_.begin(), near_.end(), std::greater<>());
    event = near_.back();
    near_.pop_back();
    return true;
  }

 private:
  static constexpr double kBucketSeconds = 0.004;
  std::vector<Event> near_;
  std::vector<std::vector<Event>> buckets_;
  std::size_t current_ = 0;
};

}  // namespace cocoon::sim
