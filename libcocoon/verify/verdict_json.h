#pragma once
/// @file Evidence and verdict as JSON, for people and for `cocoon-attest`.

#include <span>
#include <string>

#include "attest/evidence.h"
#include "attest/gpu_verify.h"
#include "attest/verdict.h"
#include "ports/evidence.h"

namespace cocoon::verify {

/// Who, which measurements, which GPUs, what was found, until when: the members of an object, to
/// which the certificate itself can be added where it is shown.
std::string verdict_json(const ports::VerifiedEvidence& verified, const attest::Evidence& evidence,
                         const attest::Verdict& verdict, std::span<const attest::GpuVerdict> gpus);

}  // namespace cocoon::verify
