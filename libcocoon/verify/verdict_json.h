#pragma once
/// @file Evidence and verdict as JSON, for people and for `cocoon-attest`.

#include <string>

#include "attest/evidence.h"
#include "attest/verdict.h"
#include "ports/evidence.h"

namespace cocoon::verify {

/// One object: who, which measurements, what was found, until when, and the certificate itself
/// (base64 DER), which carries quote and claims.
std::string verdict_json(const ports::VerifiedEvidence& verified, const attest::Evidence& evidence,
                         const attest::Verdict& verdict, ByteView certificate);

}  // namespace cocoon::verify
