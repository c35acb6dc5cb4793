#include "routing/scheduler.h"

#include <algorithm>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::routing {
namespace {

constexpr std::string_view kSampleDomain("cocoon-sample-v1\0", 17);
/// A preferred worker is passed over once it is both busy and busier than its peers by this much
/// (consistent hashing with bounded loads: Mirrokni et al., 2018, with c = 1.25).
constexpr double kPreferredLoad = 1.25;
constexpr double kNeverTooBusy = 0.5;

/// A stream of positions that the seed and the root determine (splitmix64).
class Draw {
 public:
  Draw(const ByteArray<16>& seed, const Hash& root)
      : state_(ByteReader(crypto::sha256({as_bytes(kSampleDomain), seed, root})).u64be()) {}

  std::size_t below(std::size_t bound) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % bound);
  }

 private:
  std::uint64_t state_;
};

bool may_be_offered(const WorkerEntry& entry) {
  switch (entry.breaker.state) {
    case BreakerState::closed: return true;
    case BreakerState::open: return false;
    case BreakerState::half_open: return entry.running == 0;
  }
  return false;
}

/// The part of `offers` that a price cap leaves.
std::span<const Offer> within_cap(const std::vector<Offer>& offers, std::uint32_t cap) {
  if (cap == 0) return offers;
  const auto end =
      std::upper_bound(offers.begin(), offers.end(), cap,
                       [](std::uint32_t c, const Offer& o) { return c < o.coefficient_e3; });
  return {offers.begin(), end};
}

}  // namespace

Scheduler::Scheduler(const NetworkId& network, const crypto::SigningKey& boot_key)
    : directory_(network, boot_key) {}

template <class Change>
void Scheduler::change(WorkerIndex worker, Change change) {
  directory_.update(worker, change, may_be_offered);
}

Result<WorkerIndex> Scheduler::join(const WorkerPeer& peer, const wire::SignedWorkerRecord& record,
                                    Now now) {
  return directory_.add(peer, record, now);
}

Status Scheduler::renew(WorkerIndex worker, const WorkerPeer& peer,
                        const wire::SignedWorkerRecord& record, Now now) {
  COCOON_CHECK(directory_.renew(worker, peer, record, now));
  forget_unlisted_models();
  return ok();
}

void Scheduler::report(WorkerIndex worker, const wire::WorkerStatus& status, Now now) {
  wake(now);
  change(worker, [&](WorkerEntry& entry) {
    entry.ready = status.ready;
    entry.reported_free = status.free_slots;
    entry.rest_until.reset();
  });
}

void Scheduler::leave(WorkerIndex worker) {
  directory_.remove(worker);
  forget_unlisted_models();
}

wire::Candidates Scheduler::candidates(const wire::CandidatesRequest& request, Now now) {
  wake(now);
  wire::Candidates answer;
  answer.id = request.id;
  answer.model = request.model;
  const Hash& root = directory_.publish(now);
  directory_.fill_root(answer);
  if (const ModelEntry* model = directory_.model(request.model)) {
    for (const std::uint32_t slot : choose(request, *model, root, now)) {
      answer.workers.push_back(directory_.candidate(slot));
    }
  }
  if (answer.workers.empty()) {
    answer.retry_after_ms = retry_after_ms(request.model, now);
    if (ModelFigures* figures = this->figures(request.model)) figures->drain.on_refusal(now.mono);
  }
  return answer;
}

std::vector<std::uint32_t> Scheduler::choose(const wire::CandidatesRequest& request,
                                             const ModelEntry& model, const Hash& root,
                                             Now now) const {
  std::vector<std::uint32_t> chosen;
  std::size_t count = std::min<std::size_t>(request.count, limits::kMaxCandidatesPerAnswer);
  if (count == 0) return chosen;
  std::span<const Offer> offers = within_cap(model.offers, request.max_coefficient_e3);
  if (offers.empty()) offers = within_cap(model.reserve, request.max_coefficient_e3);
  std::vector<std::uint32_t> slots = sample(offers, request.seed, root, now);
  if (const auto preferred = preferred_slot(request, model, now)) {
    chosen.push_back(*preferred);
    slots.erase(std::remove(slots.begin(), slots.end(), *preferred), slots.end());
    --count;
  }
  const std::vector<Weighted> weighted = weigh(slots, request.model);
  for (const std::size_t i : rendezvous_order(request.seed, root, weighted, count)) {
    chosen.push_back(slots[i]);
  }
  return chosen;
}

/// Its record can be shown, and holds long enough to be used.
bool Scheduler::eligible(std::uint32_t slot, Now now) const {
  return directory_.published(slot) &&
         directory_.at(slot).record.not_after > now.unix + limits::kClockSkew;
}

/// All of a few, or limits::kScheduleSample of many. Few of many are ineligible, so a bounded
/// number of draws finds enough.
std::vector<std::uint32_t> Scheduler::sample(std::span<const Offer> offers,
                                             const ByteArray<16>& seed, const Hash& root,
                                             Now now) const {
  std::vector<std::uint32_t> slots;
  if (offers.size() <= 2 * limits::kScheduleSample) {
    for (const Offer& offer : offers) {
      if (eligible(offer.slot, now)) slots.push_back(offer.slot);
    }
    return slots;
  }
  Draw draw(seed, root);
  for (std::size_t i = 0; i < 4 * limits::kScheduleSample && slots.size() < limits::kScheduleSample;
       ++i) {
    const std::uint32_t slot = offers[draw.below(offers.size())].slot;
    if (eligible(slot, now) && std::find(slots.begin(), slots.end(), slot) == slots.end()) {
      slots.push_back(slot);
    }
  }
  return slots;
}

std::optional<std::uint32_t> Scheduler::preferred_slot(const wire::CandidatesRequest& request,
                                                       const ModelEntry& model, Now now) const {
  if (!request.preferred) return std::nullopt;
  const auto index = directory_.find(*request.preferred);
  if (!index) return std::nullopt;
  const WorkerEntry& entry = directory_.at(index->slot);
  const auto& models = entry.record.models;
  if (!entry.offered() || !eligible(index->slot, now) ||
      std::find(models.begin(), models.end(), request.model) == models.end()) {
    return std::nullopt;
  }
  if (request.max_coefficient_e3 != 0 && entry.record.coefficient_e3 > request.max_coefficient_e3) {
    return std::nullopt;
  }
  const double mean = static_cast<double>(model.running) / std::max(model.capacity, 1u);
  if (entry.utilisation() > std::max(kNeverTooBusy, kPreferredLoad * mean)) return std::nullopt;
  return index->slot;
}

/// What a request costs its caller there, in time and money; only ratios count.
double Scheduler::burden(const WorkerEntry& entry, const ServiceAverages* of_model) const {
  const ServiceAverages* own = reputation_.find(entry.identity.account);
  const double tokens = of_model == nullptr ? 0 : of_model->tokens_per_answer();
  double seconds = 1;
  if (own != nullptr && own->samples() > 0) {
    seconds = own->expected_seconds(tokens);
  } else {
    if (of_model != nullptr && of_model->samples() > 0)
      seconds = of_model->expected_seconds(tokens);
    if (own != nullptr) seconds /= own->success_rate() * own->success_rate();
  }
  // An answer in no measurable time is no reason to send everything there.
  constexpr double kLeastSeconds = 0.001;
  return std::max(seconds, kLeastSeconds) * (1 + entry.utilisation()) * entry.record.coefficient_e3;
}

/// Weight 1 for the best of `slots`, less for others down to 1 / kMaxWeightRatio.
std::vector<Weighted> Scheduler::weigh(const std::vector<std::uint32_t>& slots,
                                       std::string_view model) const {
  constexpr double kLightest = 1 / limits::kMaxWeightRatio;
  const auto at = figures_.find(model);
  const ServiceAverages* of_model = at == figures_.end() ? nullptr : &at->second.all;
  std::vector<double> burdens;
  burdens.reserve(slots.size());
  for (const std::uint32_t slot : slots) burdens.push_back(burden(directory_.at(slot), of_model));
  const auto best = std::min_element(burdens.begin(), burdens.end());
  std::vector<Weighted> weighted;
  weighted.reserve(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const WorkerEntry& entry = directory_.at(slots[i]);
    const ServiceAverages* own = reputation_.find(entry.identity.account);
    const bool unmeasured = own == nullptr || own->samples() < limits::kTrialRequests;
    const bool trial_full = unmeasured && entry.running >= limits::kTrialRequests;
    const bool probed = entry.breaker.state != BreakerState::closed;
    const double weight =
        trial_full || probed ? kLightest : std::clamp(*best / burdens[i], kLightest, 1.0);
    weighted.push_back({entry.identity.account, weight});
  }
  return weighted;
}

bool Scheduler::start(WorkerIndex worker, Now now) {
  wake(now);
  const WorkerEntry* entry = directory_.find(worker);
  if (entry == nullptr || entry->free_slots() == 0) return false;
  if (!entry->offered()) {
    const auto& models = entry->record.models;
    const bool needed = std::any_of(models.begin(), models.end(), [&](const std::string& id) {
      return directory_.model(id)->offers.empty();
    });
    if (!needed) return false;
  }
  change(worker, [](WorkerEntry& e) {
    ++e.running;
    --e.reported_free;
  });
  return true;
}

void Scheduler::finish(WorkerIndex worker, const AccountId& account, std::string_view model,
                       const Observation& observation, Now now) {
  reputation_.of(account, now.unix).add(observation);
  if (ModelFigures* figures = this->figures(model)) {
    figures->all.add(observation);
    if (observation.outcome != Outcome::refused) figures->drain.on_release(now.mono);
  }
  change(worker, [&](WorkerEntry& entry) {
    if (entry.running > 0) --entry.running;
    if (observation.outcome == Outcome::refused) {
      entry.reported_free = 0;
      entry.rest_until = now.mono + limits::kRefusalRest;
      due_.push({*entry.rest_until, worker});
      return;
    }
    if (!entry.rest_until) ++entry.reported_free;
    if (observation.outcome == Outcome::cancelled) return;
    const bool was_open = entry.breaker.state == BreakerState::open;
    apply(entry.breaker,
          observation.outcome == Outcome::served ? BreakerEvent::success : BreakerEvent::failure,
          now.mono);
    if (!was_open && entry.breaker.state == BreakerState::open) {
      due_.push({entry.breaker.open_until, worker});
    }
  });
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

std::uint32_t Scheduler::retry_after_ms(std::string_view model, Now now) const {
  const ModelEntry* entry = directory_.model(model);
  const auto figures = figures_.find(model);
  Millis wait = limits::kMaxRetryAfter;
  if (entry != nullptr && !entry->offers.empty()) {
    wait = limits::kMinRetryAfter;
  } else if (entry != nullptr && figures != figures_.end()) {
    wait = figures->second.drain.wait(now.mono);
  }
  return static_cast<std::uint32_t>(wait.count());
}

std::vector<wire::ModelSummary> Scheduler::models() const {
  std::vector<wire::ModelSummary> summaries;
  for (const auto& [id, model] : directory_.models()) {
    if (summaries.size() == limits::kMaxModelsPerAnswer) break;
    if (model.workers == 0) continue;
    wire::ModelSummary summary{id, model.workers, model.capacity, model.free_slots, 0};
    summary.lowest_coefficient_e3 = model.lowest_coefficient_e3();
    summaries.push_back(summary);
  }
  return summaries;
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
