#pragma once
/// @file The evidence of a node's GPUs as bytes: how it travels, and what binds it to the node.
///
/// Two things bind it. The nonce that every GPU signs is derived from the key in the node's TLS
/// certificate, so that evidence made for another node's key is of no use; and the claims in the
/// node's own evidence (evidence.h, "gpu") hold the digest of the whole. What this does not prove
/// is that the GPU is attached to the guest: see docs/attestation.md.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// One GPU's evidence. Nothing in it is checked yet.
struct GpuEvidence {
  Bytes report;              ///< SPDM request ‖ response (gpu_report.h)
  std::string certificates;  ///< PEM, leaf first, root last
  /// The nonce that a file says it was made for; for tools that have no node's key at hand.
  std::optional<Hash> stated_nonce;
};

/// Reads the JSON form that NVIDIA's tools write: an array of objects with "evidence" and
/// "certificate" (base64) and, optionally, "nonce" (hexadecimal). Other members are passed over.
/// Errors: too_large/gpu_evidence_too_large, attestation/gpu_evidence_format.
Result<std::vector<GpuEvidence>> parse_gpu_evidence(std::string_view json);

/// Writes that form.
std::string gpu_evidence_json(std::span<const GpuEvidence> gpus);

/// The nonce of a node's GPUs: SHA-256("cocoon-gpu-nonce-v1" ‖ 0x00 ‖ SPKI), where SPKI is the DER
/// SubjectPublicKeyInfo in the node's TLS certificate.
Hash gpu_nonce(ByteView spki);

/// What the claims hold: SHA-256("cocoon-gpu-evidence-v1" ‖ 0x00 ‖ for each GPU, in order, its
/// report and its certificates, each after its size as 32 bits, big-endian).
Hash gpu_evidence_digest(std::span<const GpuEvidence> gpus);

}  // namespace cocoon::attest
