#pragma once
/// @file What weighing a worker takes.

#include <cstdint>

#include "base/ids.h"
#include "base/time.h"
#include "routing/directory.h"
#include "routing/reputation.h"
#include "wire/messages.h"

namespace cocoon::routing {

/// Directory and reputation know more, in many places; a choice among thousands touches one cache
/// line of each worker that it draws.
struct alignas(64) Standing {
  AccountId account;
  UnixTime not_after{};  ///< of its record
  float first_token_s = 0;
  float seconds_per_token = 0;
  float success_squared = 1;
  float load = 1;  ///< 1 + utilisation
  std::uint32_t coefficient_e3 = 0;
  bool measured = false;  ///< the two speeds say something
  bool on_trial = false;  ///< it is to get next to nothing more for now
};
static_assert(sizeof(Standing) == 64);

/// @param own what was measured of it; null: nothing
Standing standing_of(const WorkerEntry& entry, const ServiceAverages* own);

/// What a request costs its caller there, in time and money as it prefers; only ratios count.
/// @param of_model all workers of the model together: what an unmeasured one is taken for, and the
///        length of an answer; null: nothing is known
/// @param waiting requests that wait for the worker ÷ its capacity
double burden(const Standing& standing, wire::Preference preference,
              const ServiceAverages* of_model, double waiting);

}  // namespace cocoon::routing
