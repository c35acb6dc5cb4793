#pragma once
/// @file A worker's engine: streams that share a machine, each the slower the more there are.

#include <cstdint>
#include <vector>

#include "world.h"

namespace cocoon::sim {

/// Processor sharing: all streams advance together, so one number tells how far (tokens that a
/// stream present from the beginning would have), and a stream ends where that passes its mark.
class MachineEngine {
 public:
  explicit MachineEngine(const Machine& machine) : machine_(&machine) {}

  std::uint32_t running() const { return static_cast<std::uint32_t>(streams_.size()); }
  bool full() const { return running() >= machine_->slots; }
  std::vector<std::uint32_t> requests() const;

  /// Takes a slot; no tokens flow yet.
  void take(std::uint32_t request, double now);
  /// Its tokens flow from now on.
  void begin(std::uint32_t request, double tokens, double now);
  void drop(std::uint32_t request, double now);
  void drop_all(double now);
  /// @param factor 1: as fast as it is
  void set_speed(double factor, double now);

  /// When the next answer is complete, if nothing changes; infinity where none flows.
  double next_end(double now) const;
  /// A request whose answer is complete at `now`, which still has its slot; or kNobody.
  std::uint32_t complete(double now);
  static constexpr std::uint32_t kNobody = 0xffffffff;

  /// Slot-seconds so far.
  double busy_seconds(double now);

 private:
  struct Stream {
    std::uint32_t request;
    double ends;  // in tokens_; infinity before its tokens flow
  };
  void advance(double now);
  double rate() const;

  const Machine* machine_;
  std::vector<Stream> streams_;
  double tokens_ = 0;
  double at_ = 0;
  double speed_ = 1;
  double busy_seconds_ = 0;
};

}  // namespace cocoon::sim
