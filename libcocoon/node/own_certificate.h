#pragma once
/// @file A node's own certificate: fresh boot key, evidence over it.

#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/time.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "tee/source.h"

namespace cocoon::node {

/// A leaf certificate (DER) for `boot`, without evidence: what a client shows.
Result<Bytes> make_plain_certificate(const crypto::SigningKey& boot, UnixTime now);

/// The DER SubjectPublicKeyInfo of `boot` as it stands in its certificates.
Result<Bytes> certified_key(const crypto::SigningKey& boot, UnixTime now);

/// One with evidence: the claims are bound to the key, and the quote to the claims. `done` follows
/// on the loop. Errors: those of the source's quotes; too_large/evidence_too_large;
/// attestation/event_log_mismatch where the claimed log is not of the boot that is quoted.
void make_attested_certificate(const crypto::SigningKey& boot, const attest::Claims& claims,
                               tee::Source& source, UnixTime now,
                               Callback<void(Result<Bytes>)> done);

}  // namespace cocoon::node
