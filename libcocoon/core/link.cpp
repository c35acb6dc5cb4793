#include "core/link.h"

#include <algorithm>

#include "base/limits.h"

namespace cocoon::core {

MonoTime renewal_time(const Link& link, Random& random, Now now) {
  const Millis spread(static_cast<Millis::rep>(
      random.below(static_cast<std::uint64_t>(Millis(limits::kRenewalSpread).count()))));
  const Millis left = link.identity.evidence->expires - now.unix;
  return now.mono + std::clamp<Millis>(left - limits::kRenewalMargin - spread,
                                       limits::kRenewalPause, limits::kCertificateLifetime);
}

}  // namespace cocoon::core
