/// The policies to compare with: all they know is what the proxy itself has running.

#include <algorithm>

#include "base/limits.h"
#include "policy.h"
#include "product_policy.h"

namespace cocoon::sim {
namespace {

/// Counts of each worker, and the rest after a refusal.
class CountingPolicy : public Policy {
 public:
  explicit CountingPolicy(const std::vector<const Machine*>& machines) {
    for (const Machine* machine : machines) {
      workers_.push_back({machine->slots, machine->coefficient_e3});
    }
  }

  void join(Place place, Now) override {
    Worker& worker = workers_[place];
    worker.here = true;
    worker.running = 0;
    worker.free = worker.slots;
    worker.rest_until = {};
    ++worker.generation;
  }
  void leave(Place place, Now) override { workers_[place].here = false; }
  void report(Place place, std::uint32_t free_slots, Now) override {
    workers_[place].free = free_slots;
    workers_[place].rest_until = {};
  }

  std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) override {
    std::vector<Place> chosen;
    while (chosen.size() < ask.count) {
      const auto next = choose(ask, chosen, dice, now);
      if (!next) break;
      chosen.push_back(*next);
    }
    return chosen;
  }
  std::optional<std::uint64_t> start(Place place, Now now) override {
    Worker& worker = workers_[place];
    if (!takes(worker, now)) return std::nullopt;
    ++worker.running;
    --worker.free;
    return worker.generation;
  }
  void finish(Place place, std::uint64_t ticket, const routing::Observation& seen,
              Now now) override {
    Worker& worker = workers_[place];
    if (ticket != worker.generation) return;
    --worker.running;
    ++worker.free;
    if (seen.outcome == routing::Outcome::refused) {
      worker.rest_until = now.mono + limits::kRefusalRest;
    }
  }

 protected:
  struct Worker {
    std::uint32_t slots = 0;
    std::uint32_t coefficient_e3 = 0;
    std::uint32_t running = 0;
    std::uint32_t free = 0;  // its own word, and what was given and came back since
    bool here = false;
    std::uint64_t generation = 0;
    MonoTime rest_until{};

    double utilisation() const { return static_cast<double>(running) / slots; }
  };

  virtual std::optional<Place> choose(const Ask& ask, const std::vector<Place>& but, Dice& dice,
                                      Now now) = 0;

  static bool takes(const Worker& worker, Now now) {
    return worker.here && worker.running < worker.slots && worker.free > 0 &&
           worker.rest_until <= now.mono;
  }
  bool may_name(Place place, const Ask& ask, const std::vector<Place>& but, Now now) const {
    const Worker& worker = workers_[place];
    return takes(worker, now) &&
           (ask.max_coefficient_e3 == 0 || worker.coefficient_e3 <= ask.max_coefficient_e3) &&
           std::find(but.begin(), but.end(), place) == but.end();
  }
  Place place_of(std::uint64_t number) const {
    return static_cast<Place>(number % workers_.size());
  }

  std::vector<Worker> workers_;
};

class RoundRobin final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Ask& ask, const std::vector<Place>& but, Dice&,
                              Now now) override {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      const Place place = place_of(turn_++);
      if (may_name(place, ask, but, now)) return place;
    }
    return std::nullopt;
  }
  std::uint64_t turn_ = 0;
};

/// The least utilised of all; of equal ones the first after a place that is drawn.
class LeastLoaded final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Ask& ask, const std::vector<Place>& but, Dice& dice,
                              Now now) override {
    std::optional<Place> best;
    const std::uint64_t first = dice.next() >> 1;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      const Place place = place_of(first + i);
      if (best && workers_[place].utilisation() >= workers_[*best].utilisation()) continue;
      if (may_name(place, ask, but, now)) best = place;
    }
    return best;
  }
};

/// The less utilised of two that are drawn (Mitzenmacher, 2001).
class TwoChoices final : public CountingPolicy {
 public:
  using CountingPolicy::CountingPolicy;

 private:
  std::optional<Place> choose(const Ask& ask, const std::vector<Place>& but, Dice& dice,
                              Now now) override {
    const auto one = draw(ask, but, dice, now);
    const auto other = draw(ask, but, dice, now);
    if (!one || !other) return one;
    return workers_[*other].utilisation() < workers_[*one].utilisation() ? other : one;
  }

  std::optional<Place> draw(const Ask& ask, const std::vector<Place>& but, Dice& dice,
                            Now now) const {
    constexpr int kDraws = 32;
    for (int i = 0; i < kDraws; ++i) {
      const Place place = place_of(dice.next());
      if (may_name(place, ask, but, now)) return place;
    }
    // Hardly anybody is free: the first one after a place that is drawn.
    const std::uint64_t first = dice.next() >> 1;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      const Place place = place_of(first + i);
      if (may_name(place, ask, but, now)) return place;
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

std::unique_ptr<Policy> make_policy(PolicyName name, std::vector<const Machine*> machines,
                                    std::uint64_t seed) {
  switch (name) {
    case PolicyName::round_robin: return std::make_unique<RoundRobin>(machines);
    case PolicyName::least_loaded: return std::make_unique<LeastLoaded>(machines);
    case PolicyName::two_choices: return std::make_unique<TwoChoices>(machines);
    case PolicyName::cocoon: return std::make_unique<ProductPolicy>(machines, seed);
  }
  return nullptr;
}

}  // namespace cocoon::sim
