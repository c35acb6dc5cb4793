#pragma once
/// @file The requests of the ledger port, answered by a local ledger: blocking, without a clock.
/// LocalLedgerPort puts this behind a thread; simulations use it as it is.

#include <optional>
#include <variant>

#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "ledger/local_ledger.h"
#include "ports/ledger.h"

namespace cocoon::ledger {

/// Either the answer, or the message whose fate will be the answer.
using CallStart = std::variant<ports::LedgerReply, MessageId>;

/// Reads at once; a write is sent as `self` and, where the ledger has no delay, carried out.
/// Errors: io; not_found/beacon_unknown.
Result<CallStart> start_call(LocalLedger& ledger, const AccountId& self,
                             const ports::LedgerRequest& request, UnixTime now);

/// The answer to a write, once its message is no longer under way. advance() the ledger first.
Result<std::optional<ports::LedgerReply>> finish_call(LocalLedger& ledger, MessageId message);

}  // namespace cocoon::ledger
