#include "core/link.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace cocoon::core {
namespace {

constexpr std::array<std::string_view, 22> kKnownCodes{
    "bad_receipt",       "body_truncated",     "cancelled",         "choices_over_header",
    "deadline_exceeded", "draining",           "engine_failed",     "engine_over_limit",
    "engine_silent",     "model_mismatch",     "model_not_found",   "no_candidate_free",
    "not_authorised",    "prompt_over_header", "request_expired",   "request_too_large",
    "too_many_requests", "unacknowledged",     "deposit_exhausted", "channel_not_open",
    "worker_full",       "worker_lost",
};

}  // namespace

MonoTime renewal_time(const Link& link, Random& random, Now now) {
  const Millis spread(static_cast<Millis::rep>(
      random.below(static_cast<std::uint64_t>(Millis(limits::kRenewalSpread).count()))));
  const Millis left = link.identity.evidence->expires - now.unix;
  return now.mono + std::clamp<Millis>(left - limits::kRenewalMargin - spread,
                                       limits::kRenewalPause, limits::kCertificateLifetime);
}

Error error_from(const wire::Reset& reset) {
  const auto kind = reset.kind <= static_cast<std::uint8_t>(ErrorKind::internal)
                        ? static_cast<ErrorKind>(reset.kind)
                        : ErrorKind::upstream;
  const auto known = std::find(kKnownCodes.begin(), kKnownCodes.end(), reset.code);
  if (known != kKnownCodes.end()) return Error(kind, *known, std::string(reset.detail));
  return Error(kind, "peer_error",
               std::string(reset.detail) + " (" + std::string(reset.code) + ")");
}

}  // namespace cocoon::core
