#include "routing/scheduler.h"

#include <algorithm>
#include <cmath>

namespace cocoon::routing {
namespace {

std::uint32_t per_minute(const RateMeter& meter, Now now) {
  return static_cast<std::uint32_t>(std::lround(60 * meter.per_second(now.mono)));
}

constexpr double kShortestService = 1e-3;

/// Where fewer than one in so many slots are free, they are taken before a request that was refused
/// comes back for one, so it waits in line instead. (In a large network one has always just come
/// free. benchmarks/routing, three seeds: with 20 to 50 the goodput is the same, with 50 the time
/// to the first token is the shortest; with none, hardly anybody waits at a load of 1.2.)
constexpr std::uint64_t kFewFree = 50;

/// Seconds that an answer of a model takes: as all of its workers were measured, else (null) a
/// guess.
double usual_seconds(const ServiceAverages* of_model) {
  if (of_model == nullptr) {
    return std::chrono::duration<double>(limits::kUnmeasuredService).count();
  }
  return std::max(of_model->expected_seconds(of_model->tokens_per_answer()), kShortestService);
}

bool may_be_offered(const WorkerEntry& entry) {
  switch (entry.breaker.state) {
    case BreakerState::closed: return true;
    case BreakerState::open: return false;
    case BreakerState::half_open: return entry.running == 0;
  }
  return false;
}

}  // namespace

Scheduler::Scheduler(const NetworkId& network, const crypto::SigningKey& boot_key)
    : directory_(network, boot_key) {}

template <class Change>
void Scheduler::change(WorkerIndex worker, Change change) {
  const auto changed = [&](WorkerEntry& entry) {
    change(entry);
    judge_trial(entry);
  };
  directory_.update(worker, changed, may_be_offered);
  weigh_again(worker);
  if (queue_.waiting(worker) > 0) freed_.push_back(worker);
}

/// A worker that has yet to show what it can do runs a few requests at once, so that one that never
/// answers holds up no more; but all that they ask for where most are new, as in a network that has
/// just begun.
void Scheduler::judge_trial(WorkerEntry& entry) const {
  if (!entry.tried) {
    const ServiceAverages* own = reputation_.find(entry.identity.account);
    entry.tried = own != nullptr && own->samples() >= limits::kTrialRequests;
  }
  const auto& models = entry.record.models;
  entry.held_to_trial =
      !entry.tried && std::all_of(models.begin(), models.end(), [&](const auto& id) {
        const ModelEntry& model = *directory_.model(id);
        return model.tried > 0 && 2 * model.tried >= model.workers;
      });
}

/// After anything that a choice rests on has changed.
void Scheduler::weigh_again(WorkerIndex worker) {
  const WorkerEntry* entry = directory_.find(worker);
  if (entry == nullptr) return;
  if (standings_.size() <= worker.slot) standings_.resize(worker.slot + 1);
  standings_[worker.slot] = standing_of(*entry, reputation_.find(entry->identity.account));
}

Result<WorkerIndex> Scheduler::join(const WorkerPeer& peer, const wire::SignedWorkerRecord& record,
                                    Now now) {
  COCOON_TRY(const WorkerIndex worker, directory_.add(peer, record, now));
  weigh_again(worker);
  return worker;
}

Status Scheduler::renew(WorkerIndex worker, const WorkerPeer& peer,
                        const wire::SignedWorkerRecord& record, Now now) {
  COCOON_CHECK(directory_.renew(worker, peer, record, now));
  weigh_again(worker);
  forget_unlisted_models();
  return ok();
}

void Scheduler::report(WorkerIndex worker, const wire::WorkerStatus& status, Now now) {
  wake(now);
  if (!status.ready) strand(worker);
  change(worker, [&](WorkerEntry& entry) {
    entry.ready = status.ready;
    entry.reported_free = status.free_slots;
    entry.rest_until.reset();
  });
}

void Scheduler::leave(WorkerIndex worker) {
  directory_.remove(worker);
  strand(worker);
  forget_unlisted_models();
}

/// Nobody waits for that worker any more.
void Scheduler::strand(WorkerIndex worker) {
  const auto stranded = queue_.drop_worker(worker);
  stranded_.insert(stranded_.end(), stranded.begin(), stranded.end());
}

bool Scheduler::serves(const ModelEntry* model, std::uint32_t price_cap) {
  if (model == nullptr || model->workers == 0) return false;
  return price_cap == 0 || model->lowest_coefficient_e3() <= price_cap;
}

bool Scheduler::any_free(const ModelEntry* model, std::uint32_t price_cap) {
  if (model == nullptr || model->offers.empty()) return false;
  return price_cap == 0 || model->offers.front().coefficient_e3 <= price_cap;
}

wire::Candidates Scheduler::candidates(const wire::CandidatesRequest& request, Now now) {
  wake(now);
  wire::Candidates answer;
  answer.id = request.id;
  answer.model = request.model;
  const Choice choice = choose(request, now);
  directory_.fill_root(answer);
  answer.workers.reserve(choice.count);
  for (const std::uint32_t slot : choice.view()) {
    answer.workers.push_back(directory_.candidate(slot));
  }
  if (answer.workers.empty()) {
    // No time is known after which there will be a worker, or a cheaper one, where there is none.
    const ModelEntry* model = directory_.model(request.model);
    const bool served = serves(model, request.max_coefficient_e3);
    answer.retry_after_ms = served ? retry_after_ms(request.model, now) : 0;
    const bool too_dear = !served && serves(model, 0);  // which is no want of a free worker
    if (too_dear) return answer;
    count_turned_away(request.model, now);
  }
  return answer;
}

wire::Candidates Scheduler::candidates_beside_refusal(const wire::CandidatesRequest& request,
                                                      Now now) {
  wire::Candidates answer = candidates(request, now);
  const bool free = any_free(directory_.model(request.model), request.max_coefficient_e3);
  if (!answer.workers.empty() && !free) count_turned_away(request.model, now);
  return answer;
}

void Scheduler::count_turned_away(std::string_view model, Now now) {
  ModelFigures* figures = this->figures(model);
  if (figures == nullptr) return;
  figures->turned_away.add(now.mono);
  figures->asked.add(now.mono);
  figures->refused.add(now.mono);
}

/// It has a free slot, and is on offer, or one of its models has no other worker.
bool Scheduler::may_begin(const WorkerEntry& entry) const {
  if (entry.free_slots() == 0) return false;
  if (entry.offered()) return true;
  const auto& models = entry.record.models;
  return std::any_of(models.begin(), models.end(), [&](const std::string& id) {
    const ModelEntry& model = *directory_.model(id);
    return model.offers.empty() && model.full.empty();
  });
}

void Scheduler::take_slot(WorkerIndex worker) {
  change(worker, [](WorkerEntry& e) {
    ++e.running;
    --e.reported_free;
  });
}

bool Scheduler::start(WorkerIndex worker, Now now) {
  wake(now);
  const WorkerEntry* entry = directory_.find(worker);
  if (entry == nullptr || !may_begin(*entry) || queue_.waiting(worker) > 0) return false;
  take_slot(worker);
  return true;
}

// --- Requests that wait ---

/// Slots of the model that come free in a second: as many as did of late, or as those that run are
/// expected to. 0 where neither is known.
double Scheduler::drain_rate(const ModelEntry& model, const ModelFigures* figures, Now now) const {
  const ServiceAverages* of_model = measured(figures);
  const double expected = model.running / usual_seconds(of_model);
  if (of_model == nullptr) return expected;
  return std::max(figures->releases.per_second(now.mono), expected);
}

/// Whether a request that waits from now on for any of the model's workers is likely to begin
/// within `patience`.
bool Scheduler::worth_waiting(std::string_view id, Millis patience, Now now) const {
  const ModelEntry* model = directory_.model(id);
  if (model == nullptr) return false;
  const std::size_t queued = queue_.waiting(id);
  const double rate = drain_rate(*model, figures(id), now);
  // Where all slots are taken by other proxies nobody here knows: as many may wait as they hold.
  if (rate <= 0) return queued < model->capacity;
  return static_cast<double>(queued + 1) / rate <= std::chrono::duration<double>(patience).count();
}

/// Seconds that a request of the model takes there: as it was measured, else as the model's others
/// take, else a guess.
double Scheduler::service_seconds(const WorkerEntry& worker,
                                  const ServiceAverages* of_model) const {
  const ServiceAverages* own = reputation_.find(worker.identity.account);
  if (of_model == nullptr || own == nullptr || own->samples() == 0) return usual_seconds(of_model);
  return std::max(own->expected_seconds(of_model->tokens_per_answer()), kShortestService);
}

/// Whether one of its own workers is likely to take it in time; the others of its model never do.
bool Scheduler::will_begin(const FairQueue::Waiting& waiting, Now now) const {
  const ServiceAverages* of_model = measured(figures(waiting.model));
  double per_second = 0;
  std::size_t in_line = 0;
  std::size_t capacity = 0;
  for (const WorkerIndex index : waiting.workers) {
    const WorkerEntry& worker = *directory_.find(index);
    per_second += worker.running / service_seconds(worker, of_model);
    in_line += queue_.waiting(index);
    capacity += worker.record.capacity;
  }
  // Those in line stand in as many lines as this one would, and take one slot.
  const double ahead = static_cast<double>(in_line) / static_cast<double>(waiting.workers.size());
  // Where all slots are taken by other proxies nobody here knows: as many may wait as they hold.
  if (per_second <= 0) return ahead < static_cast<double>(capacity);
  const std::chrono::duration<double> patience = waiting.until - now.mono;
  return (ahead + 1) / per_second <= patience.count();
}

Status Scheduler::wait(FairQueue::Waiting waiting, Now now) {
  const ModelEntry* model = directory_.model(waiting.model);
  const bool others = any_free(model, waiting.price_cap) &&
                      std::uint64_t{model->offered_slots} * kFewFree >= model->capacity;
  std::erase_if(waiting.workers, [this](WorkerIndex worker) {
    const WorkerEntry* entry = directory_.find(worker);
    if (entry == nullptr || !entry->ready) return true;
    return entry->free_slots() > 0 && !may_begin(*entry);  // it fails, and others serve
  });
  if (others || waiting.workers.empty() || !will_begin(waiting, now)) {
    return Error(ErrorKind::busy, "no_candidate_free",
                 "none of the request's candidates can take it in time");
  }
  // One may have come free while the request was with another that then refused it.
  const std::vector<WorkerIndex> workers = waiting.workers;
  COCOON_CHECK(queue_.add(std::move(waiting)));
  freed_.insert(freed_.end(), workers.begin(), workers.end());
  return ok();
}

std::optional<Scheduler::Turn> Scheduler::next_turn(Now now) {
  wake(now);
  while (!freed_.empty()) {
    const WorkerIndex worker = freed_.back();
    const WorkerEntry* entry = directory_.find(worker);
    const auto request = queue_.first(worker);
    if (entry == nullptr || !request || !may_begin(*entry)) {
      freed_.pop_back();
      continue;
    }
    queue_.begin(*request);
    take_slot(worker);
    return Turn{*request, worker};
  }
  return std::nullopt;
}

std::vector<FairQueue::RequestId> Scheduler::take_unserved(Now now) {
  std::vector<FairQueue::RequestId> unserved = std::exchange(stranded_, {});
  const auto expired = queue_.take_expired(now.mono);
  unserved.insert(unserved.end(), expired.begin(), expired.end());
  return unserved;
}

MonoTime Scheduler::next_deadline() const {
  if (queue_.size() == 0) return kNever;
  const MonoTime rested = due_.empty() ? kNever : due_.top().at;
  return std::min(queue_.next_deadline(), rested);
}

BreakerChange Scheduler::finish(WorkerIndex worker, const AccountId& account,
                                std::string_view model, const Observation& observation, Now now) {
  reputation_.of(account, now.unix).add(observation);
  if (ModelFigures* figures = this->figures(model)) {
    figures->all.add(observation);
    if (observation.outcome != Outcome::refused) {
      figures->releases.add(now.mono);
      figures->asked.add(now.mono);
    }
  }
  BreakerChange seen = BreakerChange::none;
  change(worker, [&](WorkerEntry& entry) {
    if (entry.running > 0) --entry.running;
    if (observation.outcome == Outcome::refused) {
      entry.reported_free = 0;
      entry.rest_until = now.mono + limits::kRefusalRest;
      due_.push({*entry.rest_until, worker});
      return;
    }
    ++entry.reported_free;
    if (observation.outcome == Outcome::cancelled) return;
    const bool served = observation.outcome == Outcome::served;
    seen = apply(entry.breaker, served ? BreakerEvent::success : BreakerEvent::failure, now.mono);
    if (seen == BreakerChange::opened || seen == BreakerChange::reopened) {
      due_.push({entry.breaker.open_until, worker});
    }
  });
  return seen;
}

/// Ends the pauses of breakers and the rests after refusals that are over.
void Scheduler::wake(Now now) {
  while (!due_.empty() && due_.top().at <= now.mono) {
    const WorkerIndex worker = due_.top().worker;
    due_.pop();
    change(worker, [&](WorkerEntry& entry) {
      apply(entry.breaker, BreakerEvent::time_up, now.mono);
      if (entry.rest_until && *entry.rest_until <= now.mono) {
        entry.rest_until.reset();
        entry.reported_free = std::max(entry.reported_free, 1u);
      }
    });
  }
}

std::uint32_t Scheduler::retry_after_ms(std::string_view id, Now now) const {
  const ModelEntry* model = directory_.model(id);
  Millis wait = limits::kMaxRetryAfter;
  if (model != nullptr && !model->offers.empty()) {
    wait = limits::kMinRetryAfter;
  } else if (model != nullptr) {
    const ModelFigures* figures = this->figures(id);
    const double refusals = figures == nullptr ? 0 : figures->turned_away.count(now.mono);
    const double ahead = 1 + static_cast<double>(queue_.waiting(id)) + refusals;
    const double rate = drain_rate(*model, figures, now);
    const double longest = std::chrono::duration<double>(limits::kMaxRetryAfter).count();
    if (ahead < longest * rate) wait = Millis(static_cast<Millis::rep>(ahead / rate * 1000));
  }
  return static_cast<std::uint32_t>(std::max(wait, limits::kMinRetryAfter).count());
}

std::vector<wire::ModelSummary> Scheduler::models(Now now) const {
  std::vector<wire::ModelSummary> summaries;
  for (const auto& [id, model] : directory_.models()) {
    if (summaries.size() == limits::kMaxModelsPerAnswer) break;
    if (model.workers == 0) continue;
    wire::ModelSummary& summary = summaries.emplace_back();
    summary.id = id;
    summary.workers = model.workers;
    summary.capacity = model.capacity;
    summary.free_slots = model.free_slots;
    summary.lowest_coefficient_e3 = model.lowest_coefficient_e3();
    summary.highest_coefficient_e3 = model.highest_coefficient_e3();
    summary.queued = static_cast<std::uint32_t>(queue_.waiting(id));
    const ModelFigures* figures = this->figures(id);
    if (figures == nullptr) continue;
    summary.service = figures->all.figures();
    summary.asked_per_minute = per_minute(figures->asked, now);
    summary.refused_per_minute = per_minute(figures->refused, now);
  }
  return summaries;
}

const ServiceAverages* Scheduler::measured(const ModelFigures* figures) {
  return figures == nullptr || figures->all.samples() == 0 ? nullptr : &figures->all;
}

const Scheduler::ModelFigures* Scheduler::figures(std::string_view model) const {
  const auto at = figures_.find(model);
  return at == figures_.end() ? nullptr : &at->second;
}

/// Null where no connected worker lists the model: what clients name must not fill the table.
Scheduler::ModelFigures* Scheduler::figures(std::string_view model) {
  if (directory_.model(model) == nullptr) return nullptr;
  const auto at = figures_.find(model);
  return at != figures_.end() ? &at->second : &figures_[std::string(model)];
}

void Scheduler::forget_unlisted_models() {
  if (figures_.size() <= directory_.models().size()) return;
  for (auto at = figures_.begin(); at != figures_.end();) {
    at = directory_.model(at->first) == nullptr ? figures_.erase(at) : std::next(at);
  }
}

}  // namespace cocoon::routing
