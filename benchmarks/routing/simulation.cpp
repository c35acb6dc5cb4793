#include "simulation.h"

namespace cocoon::sim {
namespace {

/// Load goes on for so long after the measured time, so that what is counted ends under it.
constexpr double kCoolDownSeconds = 30;

}  // namespace

Simulation::Simulation(const Shape& shape, const Rules& rules, PolicyName policy)
    : shape_(shape),
      rules_(rules),
      world_(make_world(shape)),
      caller_dice_(shape.seed + (1ull << 32)),
      fault_dice_(shape.seed + (2ull << 32)),
      dice_(shape.seed + (3ull << 32)),
      tally_(shape_, world_),
      events_(shape.warm_up_s + shape.measured_s + kCoolDownSeconds + 2 * shape.deadline_s),
      arrivals_end_(shape.warm_up_s + shape.measured_s + kCoolDownSeconds),
      proxies_(shape.proxies),
      clients_(world_.callers.size()) {
  for (std::uint32_t i = 0; i < world_.machines.size(); ++i) {
    Worker worker{MachineEngine(world_.machines[i]), {}, true, 0, world_.machines[i].slots, 0};
    for (const std::uint32_t proxy : world_.machines[i].proxies) {
      worker.links.push_back({proxy, static_cast<Place>(proxies_[proxy].machines.size())});
      proxies_[proxy].machines.push_back(i);
    }
    workers_.push_back(std::move(worker));
  }
  for (Proxy& proxy : proxies_) {
    std::vector<const Machine*> machines;
    for (const std::uint32_t i : proxy.machines) machines.push_back(&world_.machines[i]);
    proxy.policy = make_policy(policy, machines, dice_.next());
  }
}

Now Simulation::now() const {
  const auto micros = std::chrono::microseconds(static_cast<std::int64_t>(now_ * 1e6));
  return {MonoTime(Seconds(1000) + micros),
          unix_seconds(1'800'000'000) + std::chrono::duration_cast<Millis>(micros)};
}

bool Simulation::measuring() const {
  return now_ >= shape_.warm_up_s && now_ < shape_.warm_up_s + shape_.measured_s;
}

void Simulation::after(double seconds, EventKind kind, std::uint32_t who,
                       std::uint32_t generation) {
  events_.push({now_ + seconds, who, generation, kind});
}

void Simulation::start_up() {
  for (Proxy& proxy : proxies_) {
    for (Place place = 0; place < proxy.machines.size(); ++place) {
      proxy.policy->join(place, now());
    }
  }
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    clients_[i].bursting = true;
    change_mood(i);
  }
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    const Fault fault = world_.machines[i].fault;
    if (fault == Fault::crashes)
      after(fault_dice_.exponential(kMeanUpSeconds), EventKind::crash, i);
    if (fault == Fault::slows) {
      after(shape_.warm_up_s + shape_.measured_s / 2, EventKind::slow_down, i);
    }
    if (rules_.status_every_s > 0) {
      after(dice_.between(0, rules_.status_every_s), EventKind::status, i);
    }
  }
}

const Tally& Simulation::run() {
  start_up();
  const double measure_until = shape_.warm_up_s + shape_.measured_s;
  const auto each_healthy = [&](auto visit) {
    for (std::uint32_t i = 0; i < workers_.size(); ++i) {
      if (world_.machines[i].fault == Fault::none) visit(workers_[i], world_.machines[i]);
    }
  };
  int phase = 0;
  Event event;
  while (events_.pop(event)) {
    if (event.at >= arrivals_end_ && counted_left_ == 0) break;
    now_ = event.at;
    if (phase == 0 && now_ >= shape_.warm_up_s) {
      ++phase;
      each_healthy([&](Worker& w, const Machine&) { w.busy_before = w.engine.busy_seconds(now_); });
    }
    if (phase == 1 && now_ >= measure_until) {
      ++phase;
      each_healthy([&](Worker& w, const Machine& machine) {
        const double busy = w.engine.busy_seconds(now_) - w.busy_before;
        tally_.utilisation(busy / machine.slots / shape_.measured_s);
      });
    }
    expire();
    if (!void_event(event)) handle(event);
    serve_waiting();
  }
  return tally_;
}

bool Simulation::void_event(const Event& event) const {
  switch (event.kind) {
    case EventKind::arrival: return clients_[event.who].arrival_generation != event.generation;
    case EventKind::retry:
    case EventKind::at_worker:
    case EventKind::given_back:
    case EventKind::broken_off:
    case EventKind::first_token: return requests_[event.who].generation != event.generation;
    case EventKind::engine: return workers_[event.who].engine_generation != event.generation;
    case EventKind::queue: return proxies_[event.who].queue_generation != event.generation;
    default: return false;
  }
}

void Simulation::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::arrival: return arrive(event.who);
    case EventKind::mood: return change_mood(event.who);
    case EventKind::candidates: return answer(event.who);
    case EventKind::retry: return advance(event.who);
    case EventKind::at_worker: return at_worker(event.who);
    case EventKind::given_back: return given_back(event.who);
    case EventKind::broken_off:
      leave_worker(event.who, routing::Outcome::failed);
      return end(event.who, End::failed);
    case EventKind::first_token: return first_token(event.who);
    case EventKind::engine: return engine_due(event.who);
    case EventKind::crash: return crash(event.who);
    case EventKind::comeback: return come_back(event.who);
    case EventKind::slow_down:
      workers_[event.who].engine.set_speed(1.0 / 8, now_);
      return schedule_engine(event.who);
    case EventKind::status: return tell_status(event.who);
    case EventKind::queue: proxies_[event.who].queue_due = kNever; return touch(event.who);
  }
}

/// @pre its worker is left.
void Simulation::end(RequestNumber number, End end) {
  Request& request = requests_[number];
  if (request.admitted) --clients_[request.client].running;
  if (request.state == RequestState::queued) policy_of(request).give_up(wait_id(number));
  if (request.counted) {
    const double first = request.first_token > 0 ? request.first_token - request.arrived : 0;
    tally_.ended(request.client, end, first, now_ - request.arrived);
    if (end == End::answered) {
      tally_.paid(machine_at(request.client, request.place).coefficient_e3);
    }
    --counted_left_;
  }
  if (end == End::answered) clients_[request.client].last_worker = request.place;
  request.state = RequestState::gone;
  ++request.generation;
  free_requests_.push_back(number);
}

}  // namespace cocoon::sim
