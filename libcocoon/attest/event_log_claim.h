#pragma once
/// @file The boot event log among a node's claims (evidence.h): there so that outsiders can tell
/// from a quote's registers what booted.

#include "attest/event_log.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The part of `log` that a node claims: its events, without what fills the buffer behind them.
/// Errors: attestation/event_log_malformed; too_large/event_log_too_large
/// (limits::kMaxClaimedEventLogBytes), which no certificate could carry.
Result<Bytes> claimable_event_log(ByteView log);

/// Whether `log` is one whose events gave these registers, all four.
/// Errors: attestation/event_log_malformed, attestation/event_log_mismatch.
Status check_event_log(ByteView log, const Rtmrs& registers);

}  // namespace cocoon::attest
