#pragma once
/// @file What verification found out about a quote or a SEV-SNP report: a value, with no opinion on
/// whether it is good enough. policy.h has that.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "attest/quote.h"
#include "attest/snp_report.h"
#include "attest/tcb.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/attestation.h"

namespace cocoon::attest {

/// Everything that can be wrong, in the order in which it is reported (attestation.md "Verdict
/// classes"): format; signatures and roles; missing parts; revocation; dates; matching; TCB status.
enum class Fault : std::uint8_t {
  quote_format,
  tcb_info_format,
  qe_identity_format,
  snp_report_format,

  pck_chain_untrusted,
  tcb_info_signature,
  qe_identity_signature,
  crl_invalid,
  qe_report_signature,
  qe_report_data,
  snp_chain_untrusted,
  snp_report_signature,
  quote_signature,

  pck_chain_missing,
  tcb_info_missing,
  qe_identity_missing,
  crl_missing,

  pck_revoked,
  ca_revoked,
  tcb_signer_revoked,

  expired,
  not_yet_valid,

  fmspc_reserved,  ///< a simulated platform under a real root, or the other way round
  tcb_info_mismatch,
  qe_identity_mismatch,
  tdx_module_mismatch,
  snp_mismatch,  ///< the report and the certificate of the key that signed it disagree

  tcb_unrecognized_status,
  tcb_not_supported
};

/// The class as written in reports and test vectors, for example "TCB_INFO_MISMATCH".
std::string_view to_string(Fault fault);

/// One fault with the part that it concerns ("fmspc", "tcb_info,pck_crl"; may be empty).
struct Finding {
  Fault fault;
  std::string part;
};

/// What AMD's certificate says about the platform of a SEV-SNP guest.
struct SnpPlatform {
  SnpProduct product{};
  SnpTcb tcb;  ///< reported by the platform and certified
  /// The chip; nothing where a VLEK signed.
  std::optional<PlatformId> chip;
  std::string provider;             ///< CSP_ID; empty where a VCEK signed
  bool revocation_checked = false;  ///< against a list of the ARK
};

/// The result of verify_quote and verify_snp_report.
struct Verdict {
  /// Which kind of root was trusted. `simulated` says that nothing here is real.
  TrustedRootKind root{};
  /// In the order of Fault; empty where the quote is genuine and its status known.
  std::vector<Finding> faults;

  // From the quote. Worth nothing unless trusted().
  TeeKind tee{};
  /// Nothing where it did not parse.
  std::optional<std::variant<SgxReport, TdReport, SnpReport>> body;
  bool debug = false;  ///< the host can read the environment
  ImageHash image;
  ByteArray<64> report_data{};

  // From the PCK certificate.
  std::optional<PckExtension> platform;
  // From the VCEK or VLEK certificate.
  std::optional<SnpPlatform> snp;

  // From the collateral. Also set beside faults of parts that are missing, revoked or out of
  // their dates, to tell an operator what would be.
  std::optional<TcbStatus> status;
  TcbEvaluation launch;
  std::optional<TcbEvaluation> current;  ///< TD 1.5 on: with TEE_TCB_SVN2
  std::vector<std::string> advisories;   ///< of both evaluations, sorted
  UnixTime tcb_date{};                   ///< the earlier of both evaluations'
  /// The smaller of the two documents'.
  std::uint32_t tcb_evaluation_number = 0;
  /// The earlier issue date of the two documents. (The root's revocation list is yearly.) SEV-SNP:
  /// of the revocation list, 1970 where there is none.
  UnixTime collateral_issued{};
  /// The earliest end of everything that the verdict rests on: it must not be used after that.
  UnixTime expires{};

  /// The quote is genuine, all collateral is in order, and `status` says how current it is; or the
  /// SEV-SNP report is genuine, and `snp` says so.
  bool trusted() const { return faults.empty() && (status.has_value() || snp.has_value()); }
  /// "UpToDate", "OutOfDate+DEBUG", "TCB_INFO_MISMATCH:fmspc": the TCB status, or the first fault.
  /// SEV-SNP has no status: "Genuine".
  std::string text() const;
};

/// The hash that the allow-list of images is made of; see ImageHash.
ImageHash image_hash(const SgxReport& report);
ImageHash image_hash(const TdReport& report);
ImageHash image_hash(const SnpReport& report);

/// The platform of a chip; see PlatformId.
PlatformId snp_platform_id(const ByteArray<64>& chip_id);

}  // namespace cocoon::attest
