/// cocoon-bench-routing: one run of the routing simulation, printed as a line of JSON. The same
/// arguments give the same line. benchmarks/routing/run makes the table and the plots of many.

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "simulation.h"

namespace {

using namespace cocoon::sim;

constexpr const char* kUsage =
    "usage: cocoon-bench-routing [--policy round_robin|least_loaded|two_choices|cocoon]\n"
    "         [--load PART] [--proxies N] [--workers N (per proxy)] [--links N] [--clients N]\n"
    "         [--bad PART] [--warm-up S] [--measured S] [--deadline S] [--seed N]\n"
    "         [--fresh S (candidates are held)] [--candidates N] [--unsealed 1]\n"
    "         [--queue 0 (nobody waits at a proxy)]\n"
    "         [--status-every S (workers tell their free slots)]\n";

[[noreturn]] void usage(std::string_view problem) {
  fmt::print(stderr, "cocoon-bench-routing: {}\n{}", problem, kUsage);
  std::exit(2);
}

struct Options {
  Shape shape;
  Rules rules;
  PolicyName policy = PolicyName::cocoon;
};

double number(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    usage(fmt::format("{} {}: expected a number that is not negative", option, text));
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  Shape& shape = options.shape;
  Rules& rules = options.rules;
  const std::map<std::string_view, std::uint32_t*> counts{{"--proxies", &shape.proxies},
                                                          {"--workers", &shape.workers_per_proxy},
                                                          {"--links", &shape.links_per_worker},
                                                          {"--clients", &shape.clients}};
  const std::map<std::string_view, double*> numbers{{"--load", &shape.load},
                                                    {"--bad", &shape.bad_share},
                                                    {"--warm-up", &shape.warm_up_s},
                                                    {"--measured", &shape.measured_s},
                                                    {"--deadline", &shape.deadline_s},
                                                    {"--fresh", &rules.candidates_fresh_s},
                                                    {"--status-every", &rules.status_every_s}};
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc) usage(fmt::format("{} needs a value", option));
    const std::string_view text = argv[i + 1];
    if (const auto at = numbers.find(option); at != numbers.end()) {
      *at->second = number(option, text);
    } else if (const auto count = counts.find(option); count != counts.end()) {
      *count->second = static_cast<std::uint32_t>(number(option, text));
      if (*count->second == 0) usage(fmt::format("{} 0: expected at least 1", option));
    } else if (option == "--seed") {
      shape.seed = static_cast<std::uint64_t>(number(option, text));
    } else if (option == "--candidates") {
      rules.candidates = static_cast<std::size_t>(number(option, text));
    } else if (option == "--unsealed") {
      rules.sealed = number(option, text) == 0;
    } else if (option == "--queue") {
      rules.queue = number(option, text) != 0;
    } else if (option == "--policy") {
      const auto policy = policy_from(text);
      if (!policy) usage(fmt::format("no policy \"{}\"", text));
      options.policy = *policy;
    } else {
      usage(fmt::format("unknown option {}", option));
    }
  }
  if (shape.measured_s <= 0) usage("--measured 0: expected some seconds");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Shape& shape = options.shape;
  const Rules& rules = options.rules;
  Simulation simulation(shape, rules, options.policy);
  const Tally& tally = simulation.run();
  fmt::print(
      R"({{"policy":"{}","sealed":{},"queue":{},"load":{},"seed":{},"proxies":{},"workers_per_proxy":{},)"
      R"("links_per_worker":{},"clients":{},"bad_share":{},"warm_up_s":{},"measured_s":{},)"
      R"("deadline_s":{},"candidates_fresh_s":{},"candidates":{},"status_every_s":{})",
      to_string(options.policy), rules.sealed, rules.queue, shape.load, shape.seed, shape.proxies,
      shape.workers_per_proxy, shape.links_per_worker, shape.clients, shape.bad_share,
      shape.warm_up_s, shape.measured_s, shape.deadline_s, rules.candidates_fresh_s,
      rules.candidates, rules.status_every_s);
  for (const auto& [name, value] : tally.figures()) fmt::print(R"(,"{}":{:.6g})", name, value);
  fmt::print("}}\n");
}
