#pragma once
/// @file What a worker with GPUs shows: its certificate, and behind it, because a certificate is
/// too small for that, the evidence of its GPUs with the measurement sets that they fit.
///
/// The part behind the certificate is CBOR:
///
///     [[+ [report: bstr, certificates: bstr]], [* set: bstr]]
///
/// The claims in the certificate hold the digest of the first list (gpu_evidence_digest()). Nothing
/// holds the sets: a set is known by its hash, and only those that a verifier admits count.

#include <string_view>
#include <vector>

#include "attest/gpu_evidence.h"
#include "attest/gpu_measurements.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The GPUs of one node. Nothing in it is checked yet.
struct GpuBundle {
  std::vector<GpuEvidence> gpus;
  std::vector<GpuMeasurementSet> sets;
};

/// Encodes a bundle. Errors: too_large/gpu_evidence_too_large (limits::kMaxGpuBundleBytes), which
/// nobody would read.
Result<Bytes> encode_gpu_bundle(const GpuBundle& bundle);

/// Reads a bundle: 1 to limits::kMaxGpus GPUs and at most limits::kMaxGpuSets sets, each in its
/// canonical form. Errors: too_large/gpu_evidence_too_large, attestation/gpu_evidence_format.
Result<GpuBundle> parse_gpu_bundle(ByteView bytes);

/// What a node shows, in its two parts; views into it.
struct ShownEvidence {
  ByteView certificate;
  ByteView gpu;  ///< empty where there is none
};

/// Cuts behind the certificate, by the size that its DER begins with. Where that cannot be read,
/// all of it is taken for the certificate: who reads that will say what is wrong.
ShownEvidence split_shown(ByteView shown);

}  // namespace cocoon::attest
