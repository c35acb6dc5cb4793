#pragma once
/// @file The network as a discrete-event simulation: callers, clients that hold candidates, proxies
/// with a Policy each, and machines. One thread, a clock of its own, one seed.
///
/// The rules around a choice are those of core/client_candidates.cpp, client_requests.cpp and
/// proxy_requests.cpp: how long a client holds a set, that a refusal brings a fresh one within the
/// old one's price, how many attempts a request has, and who is told what about its end.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "event_queue.h"
#include "machine_engine.h"
#include "policy.h"
#include "tally.h"
#include "world.h"

namespace cocoon::sim {

/// What may differ between runs of one policy.
struct Rules {
  /// How long a client holds its candidates.
  double candidates_fresh_s = std::chrono::duration<double>(limits::kCandidatesFresh).count();
  std::size_t candidates = limits::kDefaultCandidates;
  /// False: a proxy that may give any request to anybody, and chooses when the request comes. No
  /// such network could be sealed; it shows what sealing costs.
  bool sealed = true;
  /// Requests whose candidates are all busy may wait for them at the proxy.
  bool queue = true;
  /// Workers tell their proxies how many slots are free so often, where that has changed; 0: only
  /// when they connect. (The product's do so at once, where it matters:
  /// WorkerCore::tell_others_load.)
  double status_every_s = 1;
};

class Simulation {
 public:
  Simulation(const Shape& shape, const Rules& rules, PolicyName policy);
  /// Runs it to its end. Once.
  const Tally& run();

 private:
  using RequestNumber = std::uint32_t;

  /// A worker as one proxy has it.
  struct Link {
    std::uint32_t proxy;
    Place place;
  };
  struct Proxy {
    std::unique_ptr<Policy> policy;
    std::vector<std::uint32_t> machines;  // by place
    MonoTime queue_due = kNever;          // when its queue is looked at without a reason
    std::uint32_t queue_generation = 0;
  };
  struct Worker {
    MachineEngine engine;
    std::vector<Link> links;
    bool up = true;
    std::uint32_t engine_generation = 0;
    std::uint32_t free_told = 0;
    double busy_before = 0;  // slot-seconds when measuring began
  };

  enum class SetState : std::uint8_t { none, asked, ready };
  struct Client {
    SetState state = SetState::none;
    double since = 0;
    std::vector<Place> set;
    std::optional<Place> last_worker;
    std::vector<RequestNumber> waiting;
    std::uint32_t running = 0;
    bool bursting = false;
    std::uint32_t arrival_generation = 0;
  };

  /// waiting: with its client. queued: at its proxy.
  enum class RequestState : std::uint8_t { gone, waiting, queued, on_its_way, starting, streaming };
  struct Request {
    std::uint32_t generation = 0;
    RequestState state = RequestState::gone;
    bool counted = false;
    bool admitted = false;  // counts as one of its client's running requests
    std::uint8_t attempts = 0;
    std::uint8_t next_candidate = 0;
    std::uint32_t client = 0;
    std::uint32_t machine = 0;
    Place place = 0;
    Policy::Slot slot;
    Job job;
    double arrived = 0;
    double assigned = 0;
    double first_token = 0;
    MonoTime wait_until{};  // it is not to wait at the proxy for longer
    double queued = 0;      // since when it does
    std::vector<Place> candidates;
  };

  // simulation.cpp
  void start_up();
  void handle(const Event& event);
  bool void_event(const Event& event) const;
  void after(double seconds, EventKind kind, std::uint32_t who, std::uint32_t generation = 0);
  Now now() const;
  bool measuring() const;
  void end(RequestNumber number, End end);

  // callers.cpp
  double caller_rate(std::uint32_t client) const;
  void next_arrival(std::uint32_t client);
  void change_mood(std::uint32_t client);
  void arrive(std::uint32_t client);
  void advance(RequestNumber number);
  void answer(std::uint32_t client);
  void attempt(RequestNumber number);
  void refuse(RequestNumber number);
  void expire();

  // workers.cpp
  void assign(RequestNumber number);
  void give(RequestNumber number, Place place, Policy::Slot slot);
  void at_worker(RequestNumber number);
  void given_back(RequestNumber number);
  void accept(RequestNumber number);
  void first_token(RequestNumber number);
  void engine_due(std::uint32_t machine);
  void schedule_engine(std::uint32_t machine);
  void leave_worker(RequestNumber number, routing::Outcome outcome);
  void crash(std::uint32_t machine);
  void come_back(std::uint32_t machine);
  void tell_status(std::uint32_t machine);

  // waiting.cpp
  Policy::RequestId wait_id(RequestNumber number) const;
  bool wait(RequestNumber number);
  void touch(std::uint32_t proxy) { touched_.push_back(proxy); }
  void serve_waiting();
  void serve_waiting(std::uint32_t proxy);

  std::uint32_t proxy_of(const Request& request) const {
    return world_.callers[request.client].proxy;
  }
  Policy& policy_of(const Request& request) { return *proxies_[proxy_of(request)].policy; }
  const Machine& machine_at(std::uint32_t client, Place place) const {
    return world_.machines[proxies_[world_.callers[client].proxy].machines[place]];
  }

  /// A machine that crashes runs for so long in the mean.
  static constexpr double kMeanUpSeconds = 30;

  Shape shape_;
  Rules rules_;
  World world_;
  // Apart, so that every policy meets the same requests and the same crashes.
  Dice caller_dice_;
  Dice fault_dice_;
  Dice dice_;
  Tally tally_;
  EventQueue events_;
  double now_ = 0;
  double arrivals_end_;
  std::uint64_t counted_left_ = 0;
  std::vector<Proxy> proxies_;
  std::vector<Worker> workers_;
  std::vector<Client> clients_;
  std::vector<Request> requests_;
  std::vector<RequestNumber> free_requests_;
  std::vector<std::uint32_t> touched_;  // proxies where somebody's turn may have come
  struct Deadline {
    RequestNumber request;
    std::uint32_t generation;
    double at;
  };
  std::deque<Deadline> deadlines_;
};

}  // namespace cocoon::sim
