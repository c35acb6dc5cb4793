#pragma once
/// @file Reports of the evidence in RA-TLS certificates.

#include "attest/evidence.h"
#include "report.h"

namespace cocoon::app {

/// What the claims say, ours or others'.
Report claims_report(const attest::Evidence& evidence);

/// What the quote says, unverified; empty where it cannot be read.
Report evidence_measurements(const attest::Evidence& evidence);

}  // namespace cocoon::app
