#pragma once
/// @file Evidence in TLS certificates (RA-TLS): the extension of the CCC's interoperable RA-TLS,
/// and the claims that a Cocoon node makes in it (protocol.md "Transport").
///
/// The extension's value is CBOR: tag 60000 [quote: bstr, claims: bstr]. The claims are a map:
///
///     "pubkey-hash": bstr, itself CBOR [algorithm, digest of the DER SubjectPublicKeyInfo]
///     "cocoon": {"role": "proxy" / "worker", "network": bstr 16, "account": bstr 32,
///                ? "gpu": bstr 32, "models": [* tstr], ? "event-log": bstr, "config": bstr 32,
///                "beacon": [row: uint, hash: bstr 32, unix time: uint]}
///
/// Members that are not named here are passed over. A worker's sealing key is none of them
/// (docs/adr/0050-evidence-names-no-sealing-key.md).
///
/// The quote's report_data is SHA-256(claims) followed by 32 zeros. Sources: CCC-Attestation/
/// interoperable-ra-tls (tag and "pubkey-hash"), TCG DICE Attestation Architecture (the extension's
/// identifier, tagged evidence); the map "cocoon" is ours.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The identifier of the certificate extension.
inline constexpr std::string_view kEvidenceOid = "2.23.133.5.4.9";
/// CBOR tag of [quote, claims].
inline constexpr std::uint64_t kQuoteEvidenceTag = 60000;

/// The roles that have evidence. A client has none.
enum class EvidenceRole : std::uint8_t { proxy, worker };
/// "proxy" or "worker".
std::string_view to_string(EvidenceRole role);

/// A recent block of the ledger: proof that the evidence is not older than it.
struct Beacon {
  std::uint64_t row = 0;
  Hash hash{};
  UnixTime time{};  ///< whole seconds
  friend bool operator==(const Beacon&, const Beacon&) = default;
};

/// What a Cocoon node claims about itself, bound to its quote.
struct Claims {
  EvidenceRole role{};
  NetworkId network;
  AccountId account;
  std::optional<Hash> gpu_evidence;  ///< SHA-256 of the GPUs' evidence
  std::vector<std::string> models;
  Bytes event_log;  ///< of the guest's boot (event_log_claim.h); empty: it shows none
  Hash config{};    ///< SHA-256 of the measured configuration
  Beacon beacon;
  friend bool operator==(const Claims&, const Claims&) = default;
};

/// A digest of a public key, by an algorithm of IANA's "Named Information Hash Algorithm" registry:
/// 1 SHA-256, 7 SHA-384, 8 SHA-512.
struct KeyHash {
  std::uint64_t algorithm = 0;
  Bytes digest;
};

/// What a certificate carries. Nothing in it is checked yet.
struct Evidence {
  Bytes quote;
  Bytes claims_bytes;  ///< what the quote binds
  KeyHash key_hash;
  std::optional<Claims> claims;       ///< absent in certificates of other software
  Bytes spki;                         ///< DER SubjectPublicKeyInfo of the certificate
  std::optional<BootKeyId> boot_key;  ///< the key in it, where that is Ed25519
  UnixTime not_before{};              ///< of the certificate; verify::Verifier checks it
  UnixTime not_after{};
};

/// Encodes the claims of a node whose certificate has the public key `spki` (DER). Deterministic
/// (RFC 8949 section 4.2.1).
Bytes encode_claims(const Claims& claims, ByteView spki);

/// The report_data that binds `claims`: SHA-256(claims), then 32 zeros.
ByteArray<64> report_data_for(ByteView claims);

/// The value of the certificate extension.
Bytes build_evidence_extension(ByteView quote, ByteView claims);

/// Reads the value of the extension. `spki` and `boot_key` of the result are empty.
/// Errors: attestation/evidence_malformed, attestation/evidence_unsupported (a tag for another kind
/// of evidence), too_large/evidence_too_large.
Result<Evidence> parse_evidence_extension(ByteView value);

/// Reads the evidence of a leaf certificate, of whatever key type and issuer. The key is read by
/// the same parser that TLS uses: evidence is never bound to a key that TLS did not see.
/// Errors: those above, and attestation/evidence_missing, attestation/certificate_invalid.
Result<Evidence> parse_certificate_evidence(ByteView leaf_der);

/// Whether a leaf certificate has the extension. Quick, for each connection that is taken in: it
/// looks at nothing else, and finds none in what is no DER.
bool has_evidence(ByteView leaf_der);

/// Checks certificate key ↔ claims ↔ report_data. For every connection, whatever was cached.
/// Errors: attestation/key_not_bound, attestation/claims_not_bound, attestation/quote_format.
Status check_binding(const Evidence& evidence);

/// What a connection expects of its peer's claims.
struct ExpectedClaims {
  EvidenceRole role{};
  NetworkId network;
  Seconds max_beacon_age = limits::kMaxBeaconAge;
};

/// Checks that the peer is a Cocoon node of that role and network, with a recent beacon. For every
/// connection. That the beacon is a block of the ledger is for the caller to ask the ledger.
/// Errors: attestation/claims_missing, attestation/wrong_role, attestation/wrong_network,
/// attestation/beacon_too_old, attestation/beacon_in_future.
Status check_claims(const Evidence& evidence, const ExpectedClaims& expected, UnixTime now);

}  // namespace cocoon::attest
