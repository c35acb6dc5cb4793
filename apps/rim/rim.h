#pragma once
/// @file Makes a GPU measurement set from one of NVIDIA's reference integrity manifests (RIM): an
/// SWID tag (ISO 19770-2) with an enveloped XML signature. The only place that knows XML; verifiers
/// work with the sets.

#include <string_view>
#include <vector>

#include "attest/gpu_measurements.h"
#include "attest/sha384_certificate.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// SHA-256 of the SubjectPublicKeyInfo of NVIDIA CoRIM signing Root CA.
Hash nvidia_rim_root();

/// A manifest that was read.
struct Rim {
  attest::GpuMeasurementSet set;
  std::vector<attest::Sha384CertificatePtr> signers;  ///< leaf first, root last
};

/// Reads a manifest. Before anything in it is believed: no document type, no entities, no other
/// document; exactly one signature, below the root element, with one reference to the whole
/// document and no transforms but "enveloped" and canonicalisation 1.1, ECDSA P-384 with SHA-384;
/// its certificates form a chain to `root` and are valid at `now`. The active measurements become
/// the set.
/// @param part what the manifest is about; it does not say so itself
/// Errors: attestation/rim_format, attestation/rim_signature, attestation/rim_chain,
/// attestation/rim_expired, and those of GpuMeasurementSet::create.
Result<Rim> read_rim(std::string_view xml, attest::GpuPart part, const Hash& root, UnixTime now);

}  // namespace cocoon::app
