#pragma once
/// @file Asks Intel's Quote Generation Service for a quote.

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::tee {

/// Has the service make a quote of a TDREPORT. Blocks up to `deadline`, all in all; any thread.
/// Errors: unavailable/qgs_unreachable, timeout/qgs_timeout, unavailable/qgs_connection_lost; those
/// of parse_quote_answer(). Each names the address.
Result<Bytes> qgs_quote(const QgsAddress& address, ByteView td_report,
                        Millis deadline = limits::kQgsDeadline);

}  // namespace cocoon::tee
