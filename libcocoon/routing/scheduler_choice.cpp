/// Scheduler: the choice of a request's candidates.

#include <algorithm>

#include "routing/scheduler.h"

namespace cocoon::routing {
namespace {

/// A preferred worker is passed over once it is both busy and busier than its peers by this much
/// (consistent hashing with bounded loads: Mirrokni et al., 2018, with c = 1.25).
constexpr double kPreferredLoad = 1.25;
constexpr double kNeverTooBusy = 0.5;
/// Likewise where it costs its caller, in time and money as he prefers, so many times what the best
/// of the sample does: what an engine has cached is worth no more.
constexpr double kPreferredBurden = 2;
/// Or where it fails more often.
constexpr double kPreferredSuccess = 0.9;
constexpr double kLightest = 1 / limits::kMaxWeightRatio;

/// A stream of positions (splitmix64).
class Draw {
 public:
  explicit Draw(std::uint64_t state) : state_(state) {}

  std::size_t below(std::size_t bound) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    // (A product's upper half is as even as a remainder, without the division.)
    __extension__ using Product = unsigned __int128;
    return static_cast<std::size_t>((Product{z ^ (z >> 31)} * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

/// The part of `offers` that costs no more.
std::span<const Offer> up_to(std::span<const Offer> offers, std::uint32_t coefficient_e3) {
  const auto end =
      std::upper_bound(offers.begin(), offers.end(), coefficient_e3,
                       [](std::uint32_t c, const Offer& o) { return c < o.coefficient_e3; });
  return {offers.begin(), end};
}

/// The part of `offers` that a price cap leaves.
std::span<const Offer> within_cap(const std::vector<Offer>& offers, std::uint32_t cap) {
  return cap == 0 ? std::span<const Offer>(offers) : up_to(offers, cap);
}

/// Those that the preference draws from: for the lowest price, all of that price, or as many of the
/// cheapest as are weighed.
std::span<const Offer> preferred_part(std::span<const Offer> offers, wire::Preference preference) {
  if (preference != wire::Preference::cheapest || offers.empty()) return offers;
  const std::size_t cheapest = up_to(offers, offers.front().coefficient_e3).size();
  return offers.first(std::min(offers.size(), std::max(cheapest, limits::kScheduleSample)));
}

}  // namespace

Scheduler::Choice Scheduler::choose(const wire::CandidatesRequest& request, Now now) {
  Choice choice;
  const Hash& root = directory_.publish(now);
  const ModelEntry* model = directory_.model(request.model);
  const std::size_t count = std::min<std::size_t>(request.count, limits::kMaxCandidatesPerAnswer);
  if (model == nullptr || count == 0) return choice;
  const Rendezvous rendezvous(request.seed, root);
  const auto offers = preferred_part(offers_for(request, *model, now), request.preference);
  const Sample sample = draw(offers, rendezvous.draw(), now);
  const ModelFigures* figures = this->figures(request.model);
  const ServiceAverages* of_model = figures == nullptr ? nullptr : &figures->all;
  const Weighing weighing = weigh(sample, request.preference, of_model);
  const Weights& weights = weighing.weights;
  auto preferred = preferred_slot(request, *model, offers, now);
  if (preferred && burden(standings_[*preferred], request.preference, of_model,
                          waiting_share(*preferred)) > kPreferredBurden * weighing.least) {
    preferred.reset();
  }
  if (preferred) choice.add(*preferred);
  // A few to spare: not all that are drawn stand in the published tree.
  std::array<Scored, 2 * limits::kMaxCandidatesPerAnswer> best;
  const std::span<Scored> order(best.data(), std::min(sample.count, best.size()));
  rendezvous_order(rendezvous, {weights.data(), sample.count}, order);
  for (const Scored& scored : order) {
    const std::uint32_t slot = sample.slots[scored.place];
    if (slot == preferred) continue;
    if (choice.count < count && directory_.published(slot)) choice.add(slot);
  }
  return choice;
}

/// Free workers; else busy ones, where it is worth waiting for them; those whose breaker is open
/// only where there are no others.
std::span<const Offer> Scheduler::offers_for(const wire::CandidatesRequest& request,
                                             const ModelEntry& model, Now now) const {
  const auto free = within_cap(model.offers, request.max_coefficient_e3);
  if (!free.empty()) return free;
  const auto busy = within_cap(model.full, request.max_coefficient_e3);
  if (busy.empty()) return within_cap(model.reserve, request.max_coefficient_e3);
  return worth_waiting(request.model, limits::kMaxQueueWait, now) ? busy : busy.first(0);
}

/// Its record holds long enough to be used.
bool Scheduler::lasts(std::uint32_t slot, Now now) const {
  return standings_[slot].not_after > now.unix + limits::kClockSkew;
}

/// All of a few, or limits::kScheduleSample of many. Few of many are unfit, so a bounded number of
/// draws finds enough.
Scheduler::Sample Scheduler::draw(std::span<const Offer> offers, std::uint64_t state,
                                  Now now) const {
  Sample sample;
  const auto take = [&](std::uint32_t slot) {
    const auto end = sample.slots.begin() + static_cast<std::ptrdiff_t>(sample.count);
    if (!lasts(slot, now)) return;
    if (std::find(sample.slots.begin(), end, slot) != end) return;
    sample.slots[sample.count++] = slot;
  };
  if (offers.size() <= sample.slots.size()) {
    for (const Offer& offer : offers) take(offer.slot);
    return sample;
  }
  Draw position(state);
  std::array<std::uint32_t, limits::kScheduleSample> drawn;
  for (int round = 0; round < 4 && sample.count < limits::kScheduleSample; ++round) {
    for (std::uint32_t& slot : drawn) {
      slot = offers[position.below(offers.size())].slot;
      __builtin_prefetch(&standings_[slot]);  // all at once: each is a cache miss
    }
    for (const std::uint32_t slot : drawn) {
      if (sample.count < limits::kScheduleSample) take(slot);
    }
  }
  return sample;
}

/// Whether a preferred worker serves well, and is not too dear for the request.
bool Scheduler::is_good(const Standing& standing, const wire::CandidatesRequest& request,
                        std::span<const Offer> offers) {
  const bool fails = standing.success_squared < kPreferredSuccess * kPreferredSuccess;
  if (standing.on_trial || fails) return false;
  const std::uint32_t price = standing.coefficient_e3;
  if (request.max_coefficient_e3 != 0 && price > request.max_coefficient_e3) return false;
  const bool any_price = request.preference != wire::Preference::cheapest || offers.empty();
  return any_price || price <= offers.front().coefficient_e3;
}

std::optional<std::uint32_t> Scheduler::preferred_slot(const wire::CandidatesRequest& request,
                                                       const ModelEntry& model,
                                                       std::span<const Offer> offers,
                                                       Now now) const {
  if (!request.preferred) return std::nullopt;
  const auto index = directory_.find(*request.preferred);
  if (!index) return std::nullopt;
  const WorkerEntry& entry = directory_.at(index->slot);
  const auto& models = entry.record.models;
  if (!entry.offered() || !directory_.published(index->slot) || !lasts(index->slot, now) ||
      std::find(models.begin(), models.end(), request.model) == models.end()) {
    return std::nullopt;
  }
  if (!is_good(standings_[index->slot], request, offers)) return std::nullopt;
  const double mean = 1 - static_cast<double>(model.free_slots) / std::max(model.capacity, 1u);
  if (entry.utilisation() > std::max(kNeverTooBusy, kPreferredLoad * mean)) return std::nullopt;
  return index->slot;
}

/// Weight 1 for the least burden, less for others by the square of the ratio, down to
/// 1 / kMaxWeightRatio. (The square: benchmarks/routing, three seeds at loads 0.8 and 0.95; every
/// percentile of the time to the first token is 1 to 6 % shorter than with the ratio itself.)
Scheduler::Weighing Scheduler::weigh(const Sample& sample, wire::Preference preference,
                                     const ServiceAverages* of_model) const {
  Weighing weighing;
  auto& [weights, least] = weighing;
  for (std::size_t i = 0; i < sample.count; ++i) {
    const std::uint32_t slot = sample.slots[i];
    const Standing& standing = standings_[slot];
    weights[i] = {&standing.account, burden(standing, preference, of_model, waiting_share(slot))};
    least = i == 0 ? weights[i].weight : std::min(least, weights[i].weight);
  }
  for (std::size_t i = 0; i < sample.count; ++i) {
    const bool on_trial = standings_[sample.slots[i]].on_trial;
    const double ratio = least / weights[i].weight;
    weights[i].weight = on_trial ? kLightest : std::clamp(ratio * ratio, kLightest, 1.0);
  }
  return weighing;
}

/// Requests that wait for the worker ÷ its capacity.
double Scheduler::waiting_share(std::uint32_t slot) const {
  if (queue_.size() == 0) return 0;
  const std::uint32_t capacity = std::max(directory_.at(slot).record.capacity, 1u);
  return static_cast<double>(queue_.waiting(directory_.index_of(slot))) / capacity;
}

}  // namespace cocoon::routing
