#include "routing/standing.h"

#include <algorithm>

#include "base/limits.h"

namespace cocoon::routing {
namespace {

/// An answer in no measurable time is no reason to send everything there.
constexpr double kLeastSeconds = 0.001;

double expected_seconds(const Standing& s, const ServiceAverages* of_model) {
  if (s.measured) {
    const double tokens = of_model == nullptr ? 0 : of_model->tokens_per_answer();
    return (s.first_token_s + tokens * s.seconds_per_token) / s.success_squared;
  }
  const bool known = of_model != nullptr && of_model->samples() > 0;
  const double usual = known ? of_model->expected_seconds(of_model->tokens_per_answer()) : 1;
  return usual / s.success_squared;
}

}  // namespace

Standing standing_of(const WorkerEntry& entry, const ServiceAverages* own) {
  Standing s;
  s.account = entry.identity.account;
  s.not_after = entry.record.not_after;
  s.load = static_cast<float>(1 + entry.utilisation());
  s.coefficient_e3 = entry.record.coefficient_e3;
  const std::uint32_t samples = own == nullptr ? 0 : own->samples();
  if (own != nullptr) {
    s.success_squared = static_cast<float>(own->success_rate() * own->success_rate());
    s.first_token_s = static_cast<float>(own->first_token_seconds());
    const double speed = own->tokens_per_second();
    s.seconds_per_token = speed > 0 ? static_cast<float>(1 / speed) : 0;
  }
  s.measured = samples > 0;
  s.on_trial = entry.breaker.state != BreakerState::closed ||
               (!entry.tried && entry.running >= limits::kTrialRequests);
  return s;
}

double burden(const Standing& standing, wire::Preference preference,
              const ServiceAverages* of_model, double waiting) {
  const double seconds = std::max(expected_seconds(standing, of_model), kLeastSeconds);
  const double time = seconds * (standing.load + waiting);
  const double price = standing.coefficient_e3;
  switch (preference) {
    case wire::Preference::balanced: break;
    case wire::Preference::cheapest: return time * price * price * price * price;
    case wire::Preference::fastest: return time * time;
  }
  return time * price;
}

}  // namespace cocoon::routing
