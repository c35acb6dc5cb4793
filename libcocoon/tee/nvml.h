#pragma once
/// @file NVIDIA's management library (NVML), which comes with the driver: the way to the
/// attestation reports of this machine's GPUs. It is opened at run time, because most machines have
/// none.
///
/// Layouts and numbers are those of nvml.h (driver 535 and later), where they have no version and
/// have not changed; only what is used is declared (nvml.cpp).

#include <string>
#include <vector>

#include "attest/gpu_evidence.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::tee {

/// Has every GPU of this machine sign `nonce`. What comes back is checked for that and for its
/// form; its signature and what it claims are for its verifiers. Blocks, a second or so for each
/// GPU; any thread.
/// @param library a name for the dynamic linker, or a path
/// Errors, each with what to do: unavailable/nvml_missing (no library, or one too old),
/// unavailable/nvml_failed, unavailable/gpu_none, unavailable/gpu_not_confidential,
/// attestation/gpu_report_format, attestation/gpu_report_of_other_nonce.
Result<std::vector<attest::GpuEvidence>> nvml_evidence(const std::string& library,
                                                       const Hash& nonce);

}  // namespace cocoon::tee
