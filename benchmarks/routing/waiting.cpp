/// Simulation: requests that wait at their proxy for one of their candidates.

#include "simulation.h"

namespace cocoon::sim {
namespace {

/// Of a request's body, as it counts towards what a proxy may hold.
constexpr double kBytesPerToken = 4;

}  // namespace

Policy::RequestId Simulation::wait_id(RequestNumber number) const {
  return Policy::RequestId{requests_[number].generation} << 32 | number;
}

bool Simulation::wait(RequestNumber number) {
  if (!rules_.queue) return false;
  Request& request = requests_[number];
  const auto body_bytes = static_cast<std::size_t>(request.job.prompt_tokens * kBytesPerToken);
  const Policy::Wait wait{wait_id(number), request.client, body_bytes, request.wait_until};
  if (!policy_of(request).wait(wait, request.candidates, now())) return false;
  request.state = RequestState::queued;
  request.queued = now_;
  touch(proxy_of(request));
  return true;
}

/// Wherever something has changed.
void Simulation::serve_waiting() {
  while (!touched_.empty()) {
    const std::uint32_t proxy = touched_.back();
    touched_.pop_back();
    serve_waiting(proxy);
  }
}

void Simulation::serve_waiting(std::uint32_t number) {
  Proxy& proxy = proxies_[number];
  while (const auto turn = proxy.policy->next_turn(now())) {
    const auto request = static_cast<RequestNumber>(turn->request);
    if (requests_[request].counted) tally_.waited(now_ - requests_[request].queued);
    give(request, turn->place, turn->slot);
  }
  for (const Policy::RequestId id : proxy.policy->take_unserved(now())) {
    refuse(static_cast<RequestNumber>(id));
  }
  const MonoTime next = proxy.policy->next_deadline();
  if (next == proxy.queue_due) return;
  proxy.queue_due = next;
  ++proxy.queue_generation;
  if (next == kNever) return;
  constexpr double kRounding = 1e-6;  // of now()
  const double seconds = std::chrono::duration<double>(next - now().mono).count();
  after(std::max(seconds, 0.0) + kRounding, EventKind::queue, number, proxy.queue_generation);
}

}  // namespace cocoon::sim
