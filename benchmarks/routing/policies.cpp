/// Whom the policies name.

#include <algorithm>

#include "policy.h"

namespace cocoon::sim {
namespace {

/// Ours: the scheduler's own choice.
class ProductPolicy final : public Policy {
 public:
  using Policy::Policy;

  std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) override {
    const wire::Candidates named = answer(ask, dice, now);
    std::vector<Place> places;
    for (const wire::Candidate& candidate : named.workers) places.push_back(place_of(candidate));
    return places;
  }
};

/// Those to compare with: all that they go by is what the proxy itself has running and waiting.
class CountingPolicy : public Policy {
 public:
  using Policy::Policy;

  std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) override {
    std::vector<Place> chosen = name({ask, false, {}}, dice);
    // Whether busy ones are worth waiting for is no matter of policy.
    if (chosen.empty() && !answer(ask, dice, now).workers.empty()) {
      chosen = name({ask, true, {}}, dice);
    }
    return chosen;
  }

 protected:
  struct Wanted {
    const Ask& ask;
    bool busy = false;  ///< all are
    std::vector<Place> but;
  };
  virtual std::optional<Place> choose(const Wanted& wanted, Dice& dice) = 0;

  bool may_name(Place place, const Wanted& wanted) const {
    const routing::WorkerEntry* worker = worker_at(place);
    const std::uint32_t most = wanted.ask.max_coefficient_e3;
    return worker != nullptr && (wanted.busy || worker->free_slots() > 0) &&
           (most == 0 || worker->record.coefficient_e3 <= most) &&
           std::find(wanted.but.begin(), wanted.but.end(), place) == wanted.but.end();
  }
  /// @pre may_name(place)
  double load(Place place) const {
    const routing::WorkerEntry& worker = *worker_at(place);
    return static_cast<double>(worker.running + waiting_for(place)) / worker.record.capacity;
  }
  Place place_of(std::uint64_t number) const { return static_cast<Place>(number % places()); }
  /// It knows no failures: no breaker opens.
  routing::Outcome heard(routing::Outcome outcome) const override {
    return outcome == routing::Outcome::failed ? routing::Outcome::cancelled : outcome;
  }

 private:
  std::vector<Place> name(Wanted wanted, Dice& dice) {
    while (wanted.but.size() < wanted.ask.count) {
      const auto next = choose(wanted, dice);
      if (!next) break;
      wanted.but.push_back(*next);
    }
    return wanted.but;
  }
};

class RoundRobin final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Wanted& wanted, Dice&) override {
    for (std::size_t i = 0; i < places(); ++i) {
      const Place place = place_of(turn_++);
      if (may_name(place, wanted)) return place;
    }
    return std::nullopt;
  }
  std::uint64_t turn_ = 0;
};

/// The least loaded of all; of equal ones the first after a place that is drawn.
class LeastLoaded final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Wanted& wanted, Dice& dice) override {
    std::optional<Place> best;
    double least = 0;
    const std::uint64_t first = dice.next() >> 1;
    for (std::size_t i = 0; i < places(); ++i) {
      const Place place = place_of(first + i);
      if (!may_name(place, wanted) || (best && load(place) >= least)) continue;
      best = place;
      least = load(place);
    }
    return best;
  }
};

/// The less loaded of two that are drawn (Mitzenmacher, 2001).
class TwoChoices final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Wanted& wanted, Dice& dice) override {
    const auto one = draw(wanted, dice);
    const auto other = draw(wanted, dice);
    if (!one || !other) return one;
    return load(*other) < load(*one) ? other : one;
  }

  std::optional<Place> draw(const Wanted& wanted, Dice& dice) const {
    constexpr int kDraws = 32;
    for (int i = 0; i < kDraws; ++i) {
      const Place place = place_of(dice.next());
      if (may_name(place, wanted)) return place;
    }
    // Hardly anybody is free: the first one after a place that is drawn.
    const std::uint64_t first = dice.next() >> 1;
    for (std::size_t i = 0; i < places(); ++i) {
      const Place place = place_of(first + i);
      if (may_name(place, wanted)) return place;
    }
    return std::nullopt;
  }
};

constexpr std::string_view kNames[] = {"round_robin", "least_loaded", "two_choices", "cocoon"};

}  // namespace

std::string_view to_string(PolicyName name) {
  return kNames[static_cast<std::size_t>(name)];
}

std::optional<PolicyName> policy_from(std::string_view text) {
  const auto at = std::find(std::begin(kNames), std::end(kNames), text);
  if (at == std::end(kNames)) return std::nullopt;
  return static_cast<PolicyName>(at - std::begin(kNames));
}

std::unique_ptr<Policy> make_policy(PolicyName name, const std::vector<const Machine*>& machines,
                                    std::uint64_t seed) {
  switch (name) {
    case PolicyName::round_robin: return std::make_unique<RoundRobin>(machines, seed);
    case PolicyName::least_loaded: return std::make_unique<LeastLoaded>(machines, seed);
    case PolicyName::two_choices: return std::make_unique<TwoChoices>(machines, seed);
    case PolicyName::cocoon: return std::make_unique<ProductPolicy>(machines, seed);
  }
  return nullptr;
}

}  // namespace cocoon::sim
