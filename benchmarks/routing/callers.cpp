/// Simulation: callers and their clients.

#include <numbers>

#include "simulation.h"

namespace cocoon::sim {
namespace {

/// From a client to its proxy and back.
constexpr double kClientRoundTrip = 0.030;
/// A caller asks in bursts: three times its mean for a while, half of it for longer.
constexpr double kBurstSeconds = 3, kQuietSeconds = 12;
constexpr double kBurstRate = 3, kQuietRate = 0.5;
/// All callers together follow a wave of this height; the measured time sees one whole period.
constexpr double kWave = 0.25;
/// core::ProxyOptions::max_requests_per_client
constexpr std::uint32_t kMaxRequestsPerClient = 1024;

}  // namespace

double Simulation::caller_rate(std::uint32_t client) const {
  return world_.callers[client].requests_per_s *
         (clients_[client].bursting ? kBurstRate : kQuietRate);
}

void Simulation::next_arrival(std::uint32_t client) {
  const double mean = 1 / (caller_rate(client) * (1 + kWave));
  after(caller_dice_.exponential(mean), EventKind::arrival, client,
        ++clients_[client].arrival_generation);
}

void Simulation::change_mood(std::uint32_t client) {
  if (now_ >= arrivals_end_) return;
  Client& c = clients_[client];
  c.bursting = !c.bursting;
  after(caller_dice_.exponential(c.bursting ? kBurstSeconds : kQuietSeconds), EventKind::mood,
        client);
  next_arrival(client);
}

void Simulation::arrive(std::uint32_t client) {
  if (now_ >= arrivals_end_) return;
  next_arrival(client);
  const double wave = 1 + kWave * std::sin(2 * std::numbers::pi * now_ / shape_.measured_s);
  if (!caller_dice_.chance(wave / (1 + kWave))) return;
  if (free_requests_.empty()) {
    free_requests_.push_back(static_cast<RequestNumber>(requests_.size()));
    requests_.emplace_back();
  }
  const RequestNumber number = free_requests_.back();
  free_requests_.pop_back();
  Request& request = requests_[number];
  request.state = RequestState::waiting;
  request.counted = measuring();
  request.admitted = false;
  request.attempts = 0;
  request.client = client;
  request.job = draw_job(caller_dice_);
  request.arrived = now_;
  request.first_token = 0;
  ++tally_.traffic.requests;
  if (request.counted) {
    ++counted_left_;
    tally_.offered(client);
  }
  deadlines_.push_back({number, request.generation, now_ + shape_.deadline_s});
  advance(number);
}

/// A deadline passes at proxy and client; the proxy's clock is the one that decides whom to blame.
void Simulation::expire() {
  while (!deadlines_.empty() && deadlines_.front().at <= now_) {
    const Deadline due = deadlines_.front();
    deadlines_.pop_front();
    if (requests_[due.request].generation != due.generation) continue;
    leave_worker(due.request, routing::Outcome::failed);
    std::erase(clients_[requests_[due.request].client].waiting, due.request);
    end(due.request, End::failed);
  }
}

void Simulation::advance(RequestNumber number) {
  Request& request = requests_[number];
  Client& client = clients_[request.client];
  if (!rules_.sealed) {
    ++tally_.traffic.asks;
    client.set =
        policy_of(request).candidates({rules_.candidates, client.last_worker, 0}, dice_, now());
    return client.set.empty() ? end(number, End::refused) : attempt(number);
  }
  if (client.state == SetState::ready && now_ - client.since >= rules_.candidates_fresh_s) {
    client.state = SetState::none;
  }
  if (client.state == SetState::ready) {
    if (!client.set.empty()) return attempt(number);
    client.state = SetState::none;  // ask again for the next request
    return end(number, End::refused);
  }
  client.waiting.push_back(number);
  if (client.state == SetState::asked) return;
  client.state = SetState::asked;
  after(kClientRoundTrip, EventKind::candidates, request.client);
}

void Simulation::answer(std::uint32_t number) {
  Client& client = clients_[number];
  if (client.state == SetState::asked) {  // else a refusal brought some earlier
    ++tally_.traffic.asks;
    Policy& policy = *proxies_[world_.callers[number].proxy].policy;
    client.set = policy.candidates({rules_.candidates, client.last_worker, 0}, dice_, now());
    client.state = SetState::ready;
    client.since = now_;
  }
  for (const RequestNumber request : std::exchange(client.waiting, {})) advance(request);
}

/// Seals the request for the set's workers, and the proxy looks for one of them.
void Simulation::attempt(RequestNumber number) {
  Request& request = requests_[number];
  Client& client = clients_[request.client];
  ++request.attempts;
  request.candidates = client.set;
  const std::chrono::duration<double> left(request.arrived + shape_.deadline_s - now_);
  request.wait_until =
      now().mono + std::min(std::chrono::duration_cast<Millis>(left), limits::kMaxQueueWait);
  request.next_candidate = 0;
  if (!request.admitted && client.running >= kMaxRequestsPerClient) {
    return end(number, End::refused);
  }
  if (!request.admitted) ++client.running;
  request.admitted = true;
  assign(number);
}

/// None of its candidates can take it: fresh ones come with the refusal.
void Simulation::refuse(RequestNumber number) {
  Request& request = requests_[number];
  Client& client = clients_[request.client];
  ++tally_.traffic.proxy_refusals;
  request.state = RequestState::waiting;
  if (rules_.sealed) {
    client.set = policy_of(request).candidates({rules_.candidates, std::nullopt, 0}, dice_, now());
    client.state = SetState::ready;
    client.since = now_;
  }
  if (request.attempts >= limits::kMaxAttempts) return end(number, End::refused);
  if (request.admitted) --client.running;
  request.admitted = false;
  after(rules_.sealed ? kClientRoundTrip : 0, EventKind::retry, number, request.generation);
}

}  // namespace cocoon::sim
