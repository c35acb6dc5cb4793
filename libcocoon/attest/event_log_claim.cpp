#include "attest/event_log_claim.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace cocoon::attest {

Result<Bytes> claimable_event_log(ByteView log) {
  COCOON_TRY(const auto events, parse_event_log(log));
  if (events.empty()) {
    return Error(ErrorKind::attestation, "event_log_malformed",
                 "The event log is refused: it has no events.");
  }
  const ByteView last = events.back().data;
  const auto size = static_cast<std::size_t>(last.data() + last.size() - log.data());
  if (size > limits::kMaxClaimedEventLogBytes) {
    return Error(ErrorKind::too_large, "event_log_too_large",
                 fmt::format("the events of the log have {} bytes, and a certificate may carry {}",
                             size, limits::kMaxClaimedEventLogBytes));
  }
  return to_bytes(log.first(size));
}

Status check_event_log(ByteView log, const Rtmrs& registers) {
  COCOON_TRY(const auto events, parse_event_log(log));
  const Rtmrs replayed = replay(events);
  for (std::size_t i = 0; i < registers.size(); ++i) {
    if (replayed[i] == registers[i]) continue;
    return Error(ErrorKind::attestation, "event_log_mismatch",
                 fmt::format("The event log does not explain the quote: its events do not give "
                             "RTMR{}. Either it is of another boot, or something was measured "
                             "that it does not list.",
                             i));
  }
  return ok();
}

}  // namespace cocoon::attest
