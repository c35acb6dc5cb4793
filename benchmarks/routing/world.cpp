#include "world.h"

#include <algorithm>

namespace cocoon::sim {
namespace {

/// Made-up classes of GPU, with the ratios that published figures of engines with continuous
/// batching have for one model.
struct Gpu {
  double share;
  double tokens_per_s;
  double prompt_tokens_per_s;
  std::uint32_t least_slots, most_slots;
  double least_price, most_price;
};
constexpr std::array<Gpu, 4> kGpus{{{0.40, 30, 3'000, 4, 8, 700, 900},
                                    {0.38, 50, 6'000, 8, 16, 800, 1'100},
                                    {0.17, 80, 12'000, 16, 32, 950, 1'300},
                                    {0.05, 120, 25'000, 32, 64, 1'100, 1'600}}};
/// Machines of one class differ by so much.
constexpr double kMachineSigma = 0.15;
/// What a full batch costs each of its streams, relative to one that runs alone.
constexpr double kBatchCost = 1.5;
constexpr double kLeastPromptSeconds = 0.05;

constexpr double kPromptMedian = 500, kPromptSigma = 1.0, kLongestPrompt = 16'000;
constexpr double kAnswerMedian = 250, kAnswerSigma = 0.8, kLongestAnswer = 1'024;
/// Means of the above, with their bounds (by two million draws).
constexpr double kMeanPrompt = 822, kMeanAnswer = 327;

constexpr double kZipfExponent = 1.0;
constexpr double kHeavyShare = 0.1;
/// How much proxies differ in what their clients ask.
constexpr double kProxySigma = 0.15;

Machine draw_machine(const Shape& shape, Dice& dice) {
  double pick = dice.unit();
  std::size_t kind = 0;
  while (kind + 1 < kGpus.size() && pick > kGpus[kind].share) pick -= kGpus[kind++].share;
  const Gpu& gpu = kGpus[kind];
  const double speed = dice.log_normal(1, kMachineSigma);
  Machine machine;
  machine.slots = gpu.least_slots + dice.index(gpu.most_slots - gpu.least_slots + 1);
  machine.coefficient_e3 =
      static_cast<std::uint32_t>(dice.between(gpu.least_price, gpu.most_price));
  machine.alone_tokens_per_s = gpu.tokens_per_s * speed;
  machine.prompt_tokens_per_s = gpu.prompt_tokens_per_s * speed;
  if (dice.chance(shape.bad_share)) {
    constexpr std::array kFaults{Fault::hole, Fault::stalls, Fault::slows, Fault::crashes};
    machine.fault = kFaults[dice.index(kFaults.size())];
  }
  while (machine.proxies.size() < std::min(shape.links_per_worker, shape.proxies)) {
    const std::uint32_t proxy = dice.index(shape.proxies);
    const auto& known = machine.proxies;
    if (std::find(known.begin(), known.end(), proxy) == known.end()) {
      machine.proxies.push_back(proxy);
    }
  }
  return machine;
}

/// Part of its nominal work that a machine with such a fault does.
double serves(Fault fault) {
  switch (fault) {
    case Fault::none: return 1;
    case Fault::hole: return 0;
    case Fault::stalls: return 0.3;
    case Fault::slows: return 0.5;
    case Fault::crashes: return 0.6;
  }
  return 1;
}

/// Each proxy's clients share its load by Zipf's law.
std::vector<Caller> draw_callers(const Shape& shape, double requests_per_s, Dice& dice) {
  std::vector<Caller> callers;
  double sum = 0;
  const std::uint32_t each = shape.clients / shape.proxies;
  for (std::uint32_t proxy = 0; proxy < shape.proxies; ++proxy) {
    const double popularity = dice.log_normal(1, kProxySigma);
    for (std::uint32_t rank = 1; rank <= each; ++rank) {
      Caller caller;
      caller.proxy = proxy;
      caller.requests_per_s = popularity * std::pow(rank, -kZipfExponent);
      caller.heavy = rank <= kHeavyShare * each;
      sum += caller.requests_per_s;
      callers.push_back(caller);
    }
  }
  for (Caller& caller : callers) caller.requests_per_s *= requests_per_s / sum;
  return callers;
}

}  // namespace

double Machine::tokens_per_s(std::uint32_t streams) const {
  return alone_tokens_per_s / (1 + kBatchCost * (streams - 1.0) / slots);
}

World make_world(const Shape& shape) {
  Dice dice(shape.seed);
  World world;
  const std::uint32_t machines =
      shape.proxies * shape.workers_per_proxy / std::min(shape.links_per_worker, shape.proxies);
  for (std::uint32_t i = 0; i < machines; ++i) {
    world.machines.push_back(draw_machine(shape, dice));
    world.capacity_per_s += capacity(world.machines.back());
  }
  world.callers = draw_callers(shape, shape.load * world.capacity_per_s, dice);
  return world;
}

Job draw_job(Dice& dice) {
  return {std::min(dice.log_normal(kPromptMedian, kPromptSigma), kLongestPrompt),
          std::ceil(std::min(dice.log_normal(kAnswerMedian, kAnswerSigma), kLongestAnswer))};
}

double capacity(const Machine& machine) {
  const double seconds = prompt_seconds(machine, kMeanPrompt, machine.slots) +
                         kMeanAnswer / machine.tokens_per_s(machine.slots);
  return serves(machine.fault) * machine.slots / seconds;
}

double prompt_seconds(const Machine& machine, double prompt_tokens, std::uint32_t running) {
  const double share = 1.0 + static_cast<double>(running) / machine.slots;
  return kLeastPromptSeconds + prompt_tokens / machine.prompt_tokens_per_s * share;
}

}  // namespace cocoon::sim
