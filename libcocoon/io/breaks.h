#pragma once
/// @file Internal to io/: when a loop of our own takes a break, so that work gathers.

#include <uv.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cocoon::io {

/// Says when a loop is busy: it found something to do whenever it looked, several times in a row.
/// From then on it is busy until it has slept for a while.
class BusyTurns {
 public:
  /// A poll that took longer than this has slept. One that finds events takes up to 5 µs, a sleep
  /// with its wake-up 30 and more, both on a guest where system calls are slow.
  static constexpr std::chrono::microseconds kSlept{20};
  /// Less sleep than a break takes is what is left of it, and no sign that load is over.
  static constexpr std::chrono::microseconds kIdle{100};
  /// A burst of one stream is taken in two or three turns; that is not to be delayed.
  static constexpr int kMany = 4;

  /// The loop has looked for events, and this is how long it took.
  void looked(std::chrono::nanoseconds took) {
    if (took < kSlept) {
      turns_ = std::min(turns_ + 1, kMany);
    } else if (took >= kIdle || !many()) {
      turns_ = 0;
    }
  }
  bool many() const { return turns_ == kMany; }

 private:
  int turns_ = 0;
};

/// Has a busy loop take a break before it looks for events again. Under load what comes meanwhile
/// is taken in one turn instead of several, with fewer reads, records, frames, signatures and
/// wake-ups for the same bytes, here and at the peers: a sixth of all CPU time at 30 streams. A
/// loop that has slept is not delayed, nor is a lone chunk.
///
/// For loops that run nothing but this library: on a host's loop it would hold up the host.
class Breaks {
 public:
  /// A turn under load takes as long; with the kernel's slack of 50 µs it is half as long again.
  static constexpr std::chrono::microseconds kBreak{100};

  /// What comes during a turn that is as long by itself has gathered already.
  static constexpr std::chrono::microseconds kLongTurn{500};

  /// Before anything else watches the loop: breaks come last in a turn.
  explicit Breaks(uv_loop_t& loop);
  Breaks(const Breaks&) = delete;
  Breaks& operator=(const Breaks&) = delete;
  /// On the loop's thread, once nothing else is on the loop; it has to run once more after that.
  void close();

  /// Something that the loop of this thread watches is ready. Without breaks it does nothing.
  static void note_ready() {
    if (polling_ != nullptr) polling_->first_ready();
  }

 private:
  void before_poll();
  void first_ready();
  void after_poll();

  static thread_local Breaks* polling_;  // between before_poll() and the first that is ready
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  BusyTurns busy_;
  std::uint64_t polled_at_ns_ = 0;
  std::uint64_t ready_at_ns_ = 0;
};

}  // namespace cocoon::io
