/// Simulation: from the proxy's offer to the end of the answer.

#include "simulation.h"

namespace cocoon::sim {
namespace {

/// From a proxy to a worker, one way.
constexpr double kWorkerWay = 0.010;
/// The two ways between client and proxy, which a first token has behind it.
constexpr double kClientWays = 0.030;
constexpr double kPromptNoise = 0.25;
constexpr double kStallShare = 0.3;
constexpr double kFailsAfter = 0.020;
constexpr double kLeastAway = 5, kLongestAway = 15;

Millis millis(double seconds) {
  return Millis(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace

void Simulation::assign(RequestNumber number) {
  Request& request = requests_[number];
  while (request.next_candidate < request.candidates.size()) {
    const Place place = request.candidates[request.next_candidate++];
    const auto slot = policy_of(request).start(place, now());
    if (slot) return give(number, place, *slot);
  }
  if (!wait(number)) refuse(number);
}

/// To a worker of which it has a slot.
void Simulation::give(RequestNumber number, Place place, Policy::Slot slot) {
  Request& request = requests_[number];
  request.place = place;
  request.machine = proxies_[proxy_of(request)].machines[place];
  request.slot = slot;
  request.state = RequestState::on_its_way;
  request.assigned = now_;
  after(kWorkerWay, EventKind::at_worker, number, request.generation);
}

void Simulation::at_worker(RequestNumber number) {
  Request& request = requests_[number];
  Worker& worker = workers_[request.machine];
  const Fault fault = world_.machines[request.machine].fault;
  if (!worker.up) return given_back(number);
  if (worker.engine.full()) {
    ++tally_.traffic.worker_refusals;
    return after(kWorkerWay, EventKind::given_back, number, request.generation);
  }
  if (fault == Fault::hole) {
    const bool starts = request.machine % 2 == 0;
    return after(kFailsAfter + kWorkerWay, starts ? EventKind::broken_off : EventKind::given_back,
                 number, request.generation);
  }
  accept(number);
}

/// The worker did not start it: the next candidate may.
void Simulation::given_back(RequestNumber number) {
  Request& request = requests_[number];
  const Worker& worker = workers_[request.machine];
  const bool broken = !worker.up || world_.machines[request.machine].fault == Fault::hole;
  leave_worker(number, broken ? routing::Outcome::failed : routing::Outcome::refused);
  request.state = RequestState::waiting;
  assign(number);
}

void Simulation::accept(RequestNumber number) {
  Request& request = requests_[number];
  const Machine& machine = world_.machines[request.machine];
  MachineEngine& engine = workers_[request.machine].engine;
  engine.take(number, now_);
  schedule_engine(request.machine);
  request.state = RequestState::starting;
  if (machine.fault == Fault::stalls && dice_.chance(kStallShare)) return;
  const double seconds = prompt_seconds(machine, request.job.prompt_tokens, engine.running()) *
                         dice_.log_normal(1, kPromptNoise);
  after(seconds, EventKind::first_token, number, request.generation);
}

void Simulation::first_token(RequestNumber number) {
  Request& request = requests_[number];
  request.state = RequestState::streaming;
  request.first_token = now_ + kWorkerWay + kClientWays;
  workers_[request.machine].engine.begin(number, request.job.answer_tokens, now_);
  schedule_engine(request.machine);
}

void Simulation::engine_due(std::uint32_t machine) {
  MachineEngine& engine = workers_[machine].engine;
  for (;;) {
    const RequestNumber number = engine.complete(now_);
    if (number == MachineEngine::kNobody) break;
    leave_worker(number, routing::Outcome::served);
    end(number, End::answered);
  }
  schedule_engine(machine);
}

void Simulation::schedule_engine(std::uint32_t machine) {
  Worker& worker = workers_[machine];
  ++worker.engine_generation;
  const double at = worker.engine.next_end(now_);
  if (at < 1e9) events_.push({at, machine, worker.engine_generation, EventKind::engine});
}

/// Frees what the request holds at its worker, and tells the proxy how it went.
void Simulation::leave_worker(RequestNumber number, routing::Outcome outcome) {
  Request& request = requests_[number];
  if (request.state < RequestState::on_its_way) return;
  routing::Observation seen;
  seen.outcome = outcome;
  seen.elapsed = millis(now_ - request.assigned);
  if (request.state == RequestState::streaming) {
    const double first = request.first_token - kClientWays;
    seen.first_token = millis(first - request.assigned);
    seen.streaming = millis(std::max(0.0, now_ + kWorkerWay - first));
    seen.tokens = outcome == routing::Outcome::served
                      ? static_cast<std::uint64_t>(request.job.answer_tokens)
                      : 0;
  }
  policy_of(request).finish(request.place, request.slot, seen, now());
  touch(proxy_of(request));
  if (request.state == RequestState::on_its_way) return;
  workers_[request.machine].engine.drop(number, now_);
  if (outcome != routing::Outcome::served) schedule_engine(request.machine);
}

void Simulation::crash(std::uint32_t machine) {
  Worker& worker = workers_[machine];
  if (now_ >= arrivals_end_) return;
  worker.up = false;
  for (const Link& link : worker.links) {
    proxies_[link.proxy].policy->leave(link.place);
    touch(link.proxy);
  }
  for (const RequestNumber number : worker.engine.requests()) {
    leave_worker(number, routing::Outcome::failed);
    end(number, End::failed);
  }
  after(fault_dice_.between(kLeastAway, kLongestAway), EventKind::comeback, machine);
}

void Simulation::come_back(std::uint32_t machine) {
  Worker& worker = workers_[machine];
  worker.up = true;
  worker.free_told = world_.machines[machine].slots;
  for (const Link& link : worker.links) {
    proxies_[link.proxy].policy->join(link.place, now());
    touch(link.proxy);
  }
  after(fault_dice_.exponential(kMeanUpSeconds), EventKind::crash, machine);
}

void Simulation::tell_status(std::uint32_t machine) {
  Worker& worker = workers_[machine];
  if (now_ >= arrivals_end_) return;
  after(rules_.status_every_s, EventKind::status, machine);
  const std::uint32_t free = world_.machines[machine].slots - worker.engine.running();
  if (!worker.up || free == worker.free_told) return;
  worker.free_told = free;
  for (const Link& link : worker.links) {
    proxies_[link.proxy].policy->report(link.place, free, now());
    touch(link.proxy);
  }
}

}  // namespace cocoon::sim
