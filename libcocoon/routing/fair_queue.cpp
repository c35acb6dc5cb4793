#include "routing/fair_queue.h"

#include <algorithm>

#include "base/limits.h"

namespace cocoon::routing {
namespace {

/// Distance in virtual time between the requests of a client of weight 1.
constexpr std::uint64_t kUnit = 1'000'000;

std::uint64_t distance(std::uint32_t weight) {
  return kUnit / std::clamp<std::uint32_t>(weight, 1, limits::kMaxClientWeight);
}

Error full(const char* what) {
  return Error(ErrorKind::busy, "queue_full",
               std::string("every worker is busy, and ") + what + " have to wait already");
}

}  // namespace

Status FairQueue::add(Waiting waiting) {
  if (this->waiting(waiting.model) >= limits::kMaxQueuedPerModel) {
    return full("as many requests of this model as can");
  }
  if (body_bytes_ + waiting.body_bytes > limits::kMaxQueuedBodyBytes) {
    return full("as large bodies as can");
  }
  const auto known = clients_.find(waiting.client);
  if (known != clients_.end() && known->second.waiting >= limits::kMaxQueuedPerChannel) {
    return full("as many requests of this client as can");
  }
  Client& client = clients_[waiting.client];
  if (client.waiting++ == 0) ahead_.erase({client.next_start, waiting.client});
  const Place place{std::max(now_, client.next_start), waiting.request};
  client.next_start = place.start + distance(waiting.weight);
  for (const WorkerIndex worker : waiting.workers) lines_[key(worker)].insert(place);
  ++models_[waiting.model];
  body_bytes_ += waiting.body_bytes;
  deadlines_.emplace(waiting.until, waiting.request);
  const RequestId request = waiting.request;
  requests_.emplace(request, Entry{std::move(waiting), place});
  return ok();
}

std::optional<FairQueue::RequestId> FairQueue::first(WorkerIndex worker) const {
  const auto line = lines_.find(key(worker));
  if (line == lines_.end()) return std::nullopt;
  return line->second.begin()->request;
}

void FairQueue::begin(RequestId request) {
  const auto at = requests_.find(request);
  if (at == requests_.end()) return;
  now_ = std::max(now_, at->second.place.start);
  erase(request);
  forget_even();
}

/// The clients that had no more than the others.
void FairQueue::forget_even() {
  while (!ahead_.empty() && (ahead_.begin()->first <= now_ || requests_.empty())) {
    clients_.erase(ahead_.begin()->second);
    ahead_.erase(ahead_.begin());
  }
}

void FairQueue::remove(RequestId request) {
  const auto at = requests_.find(request);
  if (at == requests_.end()) return;
  const Waiting& waiting = at->second.waiting;
  clients_.at(waiting.client).next_start -= distance(waiting.weight);
  erase(request);
  forget_even();
}

void FairQueue::erase(RequestId request) {
  const auto at = requests_.find(request);
  const Entry& entry = at->second;
  for (const WorkerIndex worker : entry.waiting.workers) leave_line(worker, entry.place);
  const auto client = clients_.find(entry.waiting.client);
  if (--client->second.waiting == 0) ahead_.emplace(client->second.next_start, client->first);
  const auto model = models_.find(entry.waiting.model);
  if (--model->second == 0) models_.erase(model);
  body_bytes_ -= entry.waiting.body_bytes;
  deadlines_.erase({entry.waiting.until, request});
  requests_.erase(at);
}

void FairQueue::leave_line(WorkerIndex worker, const Place& place) {
  const auto line = lines_.find(key(worker));
  if (line == lines_.end()) return;
  line->second.erase(place);
  if (line->second.empty()) lines_.erase(line);
}

std::vector<FairQueue::RequestId> FairQueue::drop_worker(WorkerIndex worker) {
  std::vector<RequestId> stranded;
  const auto line = lines_.find(key(worker));
  if (line == lines_.end()) return stranded;
  for (const Place& place : line->second) {
    std::vector<WorkerIndex>& workers = requests_.at(place.request).waiting.workers;
    std::erase(workers, worker);
    if (workers.empty()) stranded.push_back(place.request);
  }
  lines_.erase(line);
  for (const RequestId request : stranded) remove(request);
  return stranded;
}

std::vector<FairQueue::RequestId> FairQueue::take_expired(MonoTime now) {
  std::vector<RequestId> expired;
  for (const auto& [until, request] : deadlines_) {
    if (until > now) break;
    expired.push_back(request);
  }
  for (const RequestId request : expired) remove(request);
  return expired;
}

MonoTime FairQueue::next_deadline() const {
  return deadlines_.empty() ? kNever : deadlines_.begin()->first;
}

std::size_t FairQueue::waiting(std::string_view model) const {
  const auto at = models_.find(model);
  return at == models_.end() ? 0 : at->second;
}

std::size_t FairQueue::waiting(WorkerIndex worker) const {
  const auto at = lines_.find(key(worker));
  return at == lines_.end() ? 0 : at->second.size();
}

}  // namespace cocoon::routing
