#pragma once
/// @file A proxy's choice of workers, as the simulation asks for it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "crypto/ed25519.h"
#include "routing/scheduler.h"
#include "world.h"

namespace cocoon::sim {

/// A worker's place among those of one proxy: dense, from 0.
using Place = std::uint32_t;

/// A client's question for candidates.
struct Ask {
  std::size_t count = 2;
  std::optional<Place> preferred;        ///< who served this client last
  std::uint32_t max_coefficient_e3 = 0;  ///< 0: any
};

/// One proxy's. A policy is whom it names to a client; all else is the product's own scheduler for
/// all of them, with real keys, signed records and a signed directory: what a worker can take, the
/// rest of one that refused, and who waits for whom and for how long.
class Policy {
 public:
  using RequestId = routing::FairQueue::RequestId;
  using Slot = routing::WorkerIndex;

  /// @param machines those connected to the proxy, in order of place. Only what a worker's record
  /// says is read of them.
  Policy(const std::vector<const Machine*>& machines, std::uint64_t seed);
  virtual ~Policy() = default;

  /// A worker has connected, with all its slots free; also one that was away.
  void join(Place place, Now now);
  void leave(Place place);
  /// The worker's own word on what it can take.
  void report(Place place, std::uint32_t free_slots, Now now);

  /// Candidates in order: free ones, or else busy ones where it is worth waiting for them.
  virtual std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) = 0;
  /// Takes a slot, for finish() to free. Nothing: not possible now.
  std::optional<Slot> start(Place place, Now now);
  void finish(Place place, Slot slot, const routing::Observation& seen, Now now);

  // --- Requests that wait, as in core/proxy_requests.cpp ---

  struct Wait {
    RequestId request = 0;
    std::uint32_t client = 0;
    std::size_t body_bytes = 0;
    MonoTime until{};
  };
  /// The places are all busy; it waits for one of them. False: it is refused instead.
  bool wait(const Wait& wait, std::span<const Place> places, Now now);
  void give_up(RequestId request) { scheduler_.give_up(request); }
  /// Whose turn it is, and the slot that it has from now on.
  struct Turn {
    RequestId request = 0;
    Place place = 0;
    Slot slot;
  };
  std::optional<Turn> next_turn(Now now);
  /// They have waited in vain.
  std::vector<RequestId> take_unserved(Now now) { return scheduler_.take_unserved(now); }
  MonoTime next_deadline() const { return scheduler_.next_deadline(); }

 protected:
  /// The scheduler's own answer; its views hold until anything changes. Now and then it is checked
  /// as a client checks each of them; throws std::logic_error where it does not pass.
  wire::Candidates answer(const Ask& ask, Dice& dice, Now now);
  static Place place_of(const wire::Candidate& candidate);
  std::size_t places() const { return workers_.size(); }
  /// Null for a worker that is away.
  const routing::WorkerEntry* worker_at(Place place) const {
    return scheduler_.directory().find(workers_[place].slot);
  }
  std::size_t waiting_for(Place place) const { return scheduler_.waiting(workers_[place].slot); }
  /// What the scheduler hears of a request's end: it rests its breakers and averages on that.
  virtual routing::Outcome heard(routing::Outcome outcome) const { return outcome; }

 private:
  struct Worker {
    routing::WorkerPeer peer;
    Bytes record;
    crypto::Signature signature{};
    std::uint32_t slots = 0;
    Slot slot;
  };
  void sign_record(Place place, const Machine& machine);

  Dice dice_;
  crypto::SigningKey proxy_boot_;
  crypto::SigningKey worker_boot_;  // of all its workers: a key for each would prove no more
  std::vector<Worker> workers_;
  routing::Scheduler scheduler_;
  std::uint64_t asked_ = 0;
};

enum class PolicyName : std::uint8_t { round_robin, least_loaded, two_choices, cocoon };

std::string_view to_string(PolicyName name);
std::optional<PolicyName> policy_from(std::string_view text);

std::unique_ptr<Policy> make_policy(PolicyName name, const std::vector<const Machine*>& machines,
                                    std::uint64_t seed);

}  // namespace cocoon::sim
