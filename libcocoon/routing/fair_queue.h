#pragma once
/// @file Requests that wait for a busy worker, in an order that is fair between clients.
///
/// A sealed request can only go to the few workers that it was sealed for, so each worker that
/// comes free takes the first of those that wait for it. The order is that of start-time fair
/// queueing (Goyal, Vin, Cheng: "Start-time Fair Queueing", 1997) with a request as the unit of
/// cost: a client's requests follow each other at a distance of 1 / weight in virtual time, so one
/// that asks for much delays itself, not others. Every operation costs O(log n) for each worker
/// that the request waits for.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "routing/directory.h"

namespace cocoon::routing {

class FairQueue {
 public:
  using RequestId = std::uint64_t;  ///< chosen by the owner, never reused

  struct Waiting {
    RequestId request = 0;
    ChannelId client;          ///< whose turn it is is decided by channel
    std::uint32_t weight = 1;  ///< of the client; held within 1 and limits::kMaxClientWeight
    std::string model;
    std::uint32_t price_cap = 0;  ///< for dearer ones its client does not leave the line; 0: any
    std::size_t body_bytes = 0;   ///< what is held for it at most
    std::vector<WorkerIndex> workers;
    MonoTime until{};  ///< it is not to wait for longer
  };

  /// Errors: busy/queue_full where the model's, the client's or the bodies' limit is reached (in
  /// base/limits.h).
  Status add(Waiting waiting);
  /// The request that is next at `worker`; it stays until it is removed.
  std::optional<RequestId> first(WorkerIndex worker) const;
  /// It begins: the line moves on. Nothing where it does not wait.
  void begin(RequestId request);
  /// It is no longer wanted, and its client's later requests do not stand back for it. Nothing
  /// where it does not wait.
  void remove(RequestId request);
  /// `worker` has left. @return requests that have nobody left to wait for; they are removed.
  std::vector<RequestId> drop_worker(WorkerIndex worker);
  /// Those that have waited until their time; they are removed.
  std::vector<RequestId> take_expired(MonoTime now);
  /// kNever where nothing waits.
  MonoTime next_deadline() const;

  std::size_t size() const { return requests_.size(); }
  /// Requests that wait for workers of the model, and for that worker.
  std::size_t waiting(std::string_view model) const;
  std::size_t waiting(WorkerIndex worker) const;

 private:
  using VirtualTime = std::uint64_t;
  /// Order of a line: by virtual start time, and by arrival among equals.
  struct Place {
    VirtualTime start = 0;
    RequestId request = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Entry {
    Waiting waiting;
    Place place;
  };
  /// What the order needs of a client: while any of its requests wait, and afterwards until the
  /// others have had their turns, or it would begin first whenever it comes back.
  struct Client {
    std::size_t waiting = 0;
    VirtualTime next_start = 0;
  };
  static std::uint64_t key(WorkerIndex worker) {
    return std::uint64_t{worker.slot} << 32 | worker.generation;
  }
  void erase(RequestId request);
  void leave_line(WorkerIndex worker, const Place& place);
  void forget_even();

  std::unordered_map<RequestId, Entry> requests_;
  std::unordered_map<std::uint64_t, std::set<Place>> lines_;  ///< by worker
  std::unordered_map<ChannelId, Client> clients_;
  std::set<std::pair<VirtualTime, ChannelId>> ahead_;  ///< those of whom none waits, by next_start
  std::map<std::string, std::size_t, std::less<>> models_;
  std::set<std::pair<MonoTime, RequestId>> deadlines_;
  VirtualTime now_ = 0;  ///< start time of the last request that began
  std::size_t body_bytes_ = 0;
};

}  // namespace cocoon::routing
