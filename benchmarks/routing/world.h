#pragma once
/// @file Who takes part: workers with their GPUs and faults, clients with their activity, and who
/// is connected to which proxy. All of it follows from a Shape and its seed.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dice.h"

namespace cocoon::sim {

/// Size, load and length of one run.
struct Shape {
  std::uint32_t proxies = 100;
  std::uint32_t workers_per_proxy = 1000;  ///< connected to each
  std::uint32_t links_per_worker = 3;      ///< proxies that each worker is connected to
  std::uint32_t clients = 10'000;
  double load = 0.8;       ///< offered requests as a part of capacity()
  double bad_share = 0.1;  ///< of workers, spread over the kinds of fault
  double warm_up_s = 40;   ///< before anything is counted
  double measured_s = 40;
  double deadline_s = 60;  ///< of each request, as its caller gives it
  std::uint64_t seed = 1;
};

enum class Fault : std::uint8_t {
  none,
  hole,    ///< fails every request at once: before its engine starts, or right after
  stalls,  ///< 3 in 10 requests never get a token
  slows,   ///< runs at an eighth of its speed from the middle of the measured time on
  crashes  ///< goes away again and again, with all that it runs, and comes back
};

/// A worker as it is, which no proxy is told.
struct Machine {
  std::uint32_t slots = 0;
  std::uint32_t coefficient_e3 = 1000;
  double alone_tokens_per_s = 0;  ///< of a stream that runs alone
  double prompt_tokens_per_s = 0;
  Fault fault = Fault::none;
  std::vector<std::uint32_t> proxies;

  /// Of each of `streams` that run together: batching costs each of them up to 60 %.
  double tokens_per_s(std::uint32_t streams) const;
};

struct Caller {
  std::uint32_t proxy = 0;
  double requests_per_s = 0;
  bool heavy = false;  ///< among the most active tenth of its proxy's clients
};

/// What one request asks for.
struct Job {
  double prompt_tokens = 0;
  double answer_tokens = 0;
};

struct World {
  std::vector<Machine> machines;
  std::vector<Caller> callers;
  double capacity_per_s = 0;  ///< see capacity()
};

World make_world(const Shape& shape);

/// Prompts have 500 tokens in the median, answers 250; both are log-normal and bounded.
Job draw_job(Dice& dice);

/// Requests per second that a machine finishes with all its slots taken; a faulty one as far as it
/// serves. Their sum is what loads are parts of.
double capacity(const Machine& machine);

/// Seconds from a request's start at a worker to its first token, without noise.
double prompt_seconds(const Machine& machine, double prompt_tokens, std::uint32_t running);

}  // namespace cocoon::sim
