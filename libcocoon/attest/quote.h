#pragma once
/// @file Quotes of Intel DCAP, versions 3, 4 and 5, as values. Parsing checks form only; verify.h
/// checks what a quote claims.
///
/// Layouts: Intel "SGX ECDSA QuoteLibReference DCAP API" appendix A.4 (version 3) and "TDX DCAP
/// Quoting Library API" appendix A.3 (versions 4 and 5); summary in attestation.md section 1.1.
/// All integers are little-endian.

#include <cstdint>
#include <optional>
#include <variant>

#include "attest/p256.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// What is attested, by the body type numbers of version 5 quotes.
enum class BodyType : std::uint16_t { sgx = 1, td10 = 2, td15 = 3, td15ex = 4 };

/// Certification data types (same documents, table 9): what vouches for the QE report.
enum class CertificationType : std::uint16_t {
  ppid_clear = 1,
  ppid_rsa2048 = 2,
  ppid_rsa3072 = 3,
  pck_leaf = 4,
  pck_chain = 5,
  qe_report = 6,
  platform_manifest = 7
};

/// The size of a body; 0 where the type is unknown.
std::size_t body_size(BodyType type);

/// A report of an SGX enclave, 384 bytes.
struct SgxReport {
  ByteArray<16> cpu_svn{};
  std::uint32_t misc_select = 0;
  ByteArray<16> attributes{};
  Hash mr_enclave{};
  Hash mr_signer{};
  std::uint16_t isv_prod_id = 0;
  std::uint16_t isv_svn = 0;
  ByteArray<64> report_data{};

  /// ATTRIBUTES.DEBUG: the host can read the enclave.
  bool debug() const { return (attributes[0] & 0x02) != 0; }
};

/// What a TD report has from TD 1.5 on: the TDX module now, after updates that kept the guest
/// running.
struct TdCurrent {
  ByteArray<16> tee_tcb_svn2{};
  TdxMeasurement mr_service_td{};
};

/// What a TD report has from TD 1.5Ex on: identity and origin of a migrated guest.
struct TdExtended {
  std::uint8_t vm_id = 0;
  Hash td_id{};
  TdxMeasurement dev_info{};
  TdxMeasurement init_service_td_hash{};
  std::uint64_t init_attributes = 0;
  ByteArray<16> init_cpu_svn{};
  ByteArray<16> init_tee_tcb_svn{};
  ByteArray<12> init_fmspc{};
  TdxMeasurement current_service_td_hash{};
  std::uint64_t current_attributes = 0;
};

/// A report of a TDX guest: 584 bytes (TD 1.0), 648 (1.5) or 885 (1.5Ex).
struct TdReport {
  ByteArray<16> tee_tcb_svn{};
  TdxMeasurement mr_seam{};
  TdxMeasurement mr_signer_seam{};
  ByteArray<8> seam_attributes{};
  std::uint64_t td_attributes = 0;
  std::uint64_t xfam = 0;
  TdxMeasurement mr_td{};
  TdxMeasurement mr_config_id{};
  TdxMeasurement mr_owner{};
  TdxMeasurement mr_owner_config{};
  std::array<TdxMeasurement, 4> rtmr{};
  ByteArray<64> report_data{};

  std::optional<TdCurrent> current;    ///< from TD 1.5 on
  std::optional<TdExtended> extended;  ///< from TD 1.5Ex on
};

/// The signature block that the quoting enclave adds.
struct QeSignature {
  P256Signature quote_signature{};
  P256Point attestation_key{};
  ByteView qe_report_bytes;  ///< what `qe_report_signature` covers
  SgxReport qe_report;
  P256Signature qe_report_signature{};
  ByteView auth_data;
  CertificationType certification_type{};
  ByteView certification_data;  ///< for pck_chain: PEM, leaf first, usually with a zero at its end
};

/// A parsed quote. Its views are into the bytes that were parsed.
struct Quote {
  std::uint16_t version = 0;
  TeeKind tee{};
  BodyType body_type{};
  ByteView signed_bytes;  ///< header, descriptor (version 5) and body
  std::variant<SgxReport, TdReport> body;
  QeSignature signature;

  const ByteArray<64>& report_data() const;
};

/// Reads a 384-byte report. @pre `bytes.size() == 384`
SgxReport parse_sgx_report(ByteView bytes);
/// Reads the report of a guest. @pre `bytes.size() == body_size(type)`, `type` is no SGX body
TdReport parse_td_report(ByteView bytes, BodyType type);

/// What the report of a guest and a TDREPORT lay out alike: the TDX module (of TEE_TCB_INFO), and
/// the guest from its attributes to its RTMRs (of TDINFO).
void read_module_fields(ByteReader& in, TdReport& out);
void read_guest_fields(ByteReader& in, TdReport& out);

/// Reads a quote. Bytes after its end are ignored: real platforms leave buffer padding there, and
/// nothing signs its length. Every length inside must be used up exactly.
/// Errors: attestation/quote_format.
Result<Quote> parse_quote(ByteView bytes);

}  // namespace cocoon::attest
