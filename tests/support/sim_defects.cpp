#include "support/sim_defects.h"

namespace cocoon::test {

using namespace attest;
using namespace attest::sim;

namespace {

// Offsets in a version 4 quote of a TD 1.0 body (attestation.md section 1.1).
constexpr std::size_t kVersion = 0;
constexpr std::size_t kKeyType = 2;
constexpr std::size_t kTeeType = 4;
constexpr std::size_t kVendor = 12;
constexpr std::size_t kBody = 48;
constexpr std::size_t kSignatureSize = kBody + 584;
constexpr std::size_t kSignature = kSignatureSize + 4;
constexpr std::size_t kAttestationKey = kSignature + 64;
constexpr std::size_t kQeReport = kAttestationKey + 64 + 6;
constexpr std::size_t kQeSignature = kQeReport + 384;

using W = SimWorkshop;
using M = SimMaterial;

void set_status(W& w, TcbStatus status) {
  w.tcb_info.levels[0].verdict.status = status;
}

/// The same guest as a version 5 quote with a TD 1.5 body.
void use_td15(W& w) {
  w.quote.version = 5;
  w.quote.body_type = BodyType::td15;
  w.report.current = TdCurrent{w.report.tee_tcb_svn, {}};
}

/// A change of the finished quote.
SimDefect malformed(std::string_view id, void (*edit)(Bytes&)) {
  return {id, "QUOTE_FORMAT", false,
          [edit](W& w) { w.edit_all = [edit](M& m) { edit(m.quote); }; }};
}

std::vector<SimDefect> statuses() {
  return {
      {"s01-tdx4-uptodate", "UpToDate", true, [](W&) {}},
      {"s02-tdx5-td15-uptodate", "UpToDate", true, use_td15},
      {"s04-config-needed", "ConfigurationNeeded", false,
       [](W& w) { set_status(w, TcbStatus::configuration_needed); }},
      {"s05-outofdate-config-needed", "OutOfDateConfigurationNeeded", false,
       [](W& w) { set_status(w, TcbStatus::out_of_date_configuration_needed); }},
      {"s06-platform-revoked", "Revoked", false, [](W& w) { set_status(w, TcbStatus::revoked); }},
      {"s07-qe-outofdate-on-swhardening", "OutOfDate", false,
       [](W& w) {
         set_status(w, TcbStatus::sw_hardening_needed);
         w.quote.qe_report.isv_svn = w.qe_identity.levels[1].isv_svn;
       }},
      {"s08-qe-outofdate-on-config", "OutOfDateConfigurationNeeded", false,
       [](W& w) {
         set_status(w, TcbStatus::configuration_needed);
         w.quote.qe_report.isv_svn = w.qe_identity.levels[1].isv_svn;
       }},
      {"s23-debug-td", "UpToDate", false, [](W& w) { w.report.td_attributes |= 1; }},
      {"s25-unknown-tcb-status", "TCB_UNRECOGNIZED_STATUS", false,
       [](W& w) { w.tcb_info.levels[0].verdict.status.reset(); }},
      {"s26-relaunch-advised-config-needed", "TDRelaunchAdvisedConfigurationNeeded", false,
       [](W& w) {
         use_td15(w);
         set_status(w, TcbStatus::configuration_needed);
         --w.report.tee_tcb_svn[0];
       }},
      {"s29-lower-level-outofdate", "OutOfDate", false,
       [](W& w) { w.pck.sgx_components = w.tcb_info.levels[1].sgx_components; }},
      {"t02-qe-revoked", "Revoked", false,
       [](W& w) { w.qe_identity.levels[0].verdict.status = TcbStatus::revoked; }},
      {"t08-tdx5-body-td10", "UpToDate", true, [](W& w) { w.quote.version = 5; }},
      {"t17-fmspc-uppercase", "UpToDate", true,
       [](W& w) {
         w.edit_tcb_info = [](std::string& text) {
           const std::size_t at = text.find("434f53494d00");
           text.replace(at, 12, "434F53494D00");
         };
       }},
      {"t18-pcesvn-300", "UpToDate", true,
       [](W& w) {
         w.pck.pce_svn = 300;
         w.tcb_info.levels[0].pce_svn = 300;
       }},
      {"t24-advisories-of-qe-and-platform", "SWHardeningNeeded", false,
       [](W& w) {
         set_status(w, TcbStatus::sw_hardening_needed);
         w.tcb_info.levels[0].verdict.advisories = {"INTEL-SA-00615", "INTEL-SA-00657"};
         w.qe_identity.levels[0].verdict.advisories = {"INTEL-SA-00477"};
       }},
      {"r09-tcb-not-supported", "TCB_NOT_SUPPORTED", false,
       [](W& w) { w.pck.sgx_components[0] = 0; }},
  };
}

std::vector<SimDefect> chains() {
  return {
      {"s09-pck-revoked", "PCK_REVOKED", false, [](W& w) { w.revoked_by_ca = {W::kPckSerial}; }},
      {"s10-intermediate-revoked", "CA_REVOKED", false,
       [](W& w) { w.revoked_by_root = {W::kCaSerial}; }},
      {"tcb-signer-revoked", "TCB_SIGNER_REVOKED", false,
       [](W& w) { w.revoked_by_root = {W::kTcbSignerSerial}; }},
      {"s18-untrusted-root-same-name", "PCK_CHAIN_UNTRUSTED", false,
       [](W& w) { w.chain_root = &w.keys.attestation; }},
      {"t05-crl-signed-by-wrong-key", "CRL_INVALID", false,
       [](W& w) { w.crl_signer = &w.keys.tcb_signer; }},
      {"t14-pck-expired", "EXPIRED", false, [](W& w) { w.pck_not_after = w.issued; }},
      {"r11-collateral-expired", "EXPIRED", false,
       [](W& w) { w.tcb_info.head.next_update = w.issued; }},
      {"r12-collateral-not-yet-valid", "NOT_YET_VALID", false,
       [](W& w) { w.qe_identity.head.issue_date = w.next; }},
      {"r14-no-crls", "CRL_MISSING", false,
       [](W& w) {
         w.edit_all = [](M& m) {
           m.collateral.root_crl.reset();
           m.collateral.pck_crl.reset();
         };
       }},
      {"r16-wrong-tcb-signer-chain", "TCB_INFO_SIGNATURE", false,
       [](W& w) {
         w.edit_all = [](M& m) {
           // CA and root of the quote's own chain, without the leaf.
           const std::string quote(as_text(m.quote));
           m.collateral.tcb_info.chain =
               quote.substr(quote.find("-----BEGIN", quote.find("-----END")));
         };
       }},
  };
}

std::vector<SimDefect> signatures() {
  return {
      {"s11-tcbinfo-bad-signature", "TCB_INFO_SIGNATURE", false,
       [](W& w) {
         w.edit_all = [](M& m) {
           const std::string one = std::string(63, '0') + "1";
           m.collateral.tcb_info.signature = one + one;
         };
       }},
      {"s12-qeid-tampered", "QE_IDENTITY_SIGNATURE", false,
       [](W& w) {
         w.edit_all = [](M& m) {
           std::string& text = *m.collateral.qe_identity.text;
           text.replace(text.find("\"isvprodid\":2"), 13, "\"isvprodid\":3");
         };
       }},
      {"s15-qe-report-bad-signature", "QE_REPORT_SIGNATURE", false,
       [](W& w) { w.edit_all = [](M& m) { m.quote[kQeSignature + 9] ^= 1; }; }},
      {"s16-quote-bad-signature", "QUOTE_SIGNATURE", false,
       [](W& w) { w.edit_all = [](M& m) { m.quote[kSignature + 9] ^= 1; }; }},
      {"s17-attestation-key-not-bound", "QE_REPORT_DATA", false,
       [](W& w) { w.edit_all = [](M& m) { m.quote[kAttestationKey + 9] ^= 1; }; }},
      {"t19-signature-r-zero", "QUOTE_SIGNATURE", false,
       [](W& w) {
         w.edit_all = [](M& m) { std::fill_n(m.quote.begin() + kSignature, 32, std::uint8_t{0}); };
       }},
      {"body-tampered", "QUOTE_SIGNATURE", false,
       [](W& w) { w.edit_all = [](M& m) { m.quote[kBody + 136] ^= 1; }; }},
  };
}

std::vector<SimDefect> matching() {
  return {
      {"s13-qe-mrsigner-mismatch", "QE_IDENTITY_MISMATCH", false,
       [](W& w) { w.quote.qe_report.mr_signer[0] ^= 1; }},
      {"s14-qe-prodid-mismatch", "QE_IDENTITY_MISMATCH", false,
       [](W& w) { w.quote.qe_report.isv_prod_id = 1; }},
      {"s19-pceid-mismatch", "TCB_INFO_MISMATCH", false,
       [](W& w) {
         w.pck.pce_id = {0, 1};
       }},
      {"s20-module-identity-missing", "TDX_MODULE_MISMATCH", false,
       [](W& w) { w.tcb_info.module_identities[0].id = "TDX_03"; }},
      {"s21-mrsignerseam-mismatch", "TDX_MODULE_MISMATCH", false,
       [](W& w) { w.report.mr_signer_seam[0] = 1; }},
      {"s22-seamattributes-nonzero", "TDX_MODULE_MISMATCH", false,
       [](W& w) { w.report.seam_attributes[0] = 1; }},
      {"s24-tcbinfo-of-other-tee", "TCB_INFO_MISMATCH", false,
       [](W& w) { w.tcb_info.head.id = "SGX"; }},
      {"s27-qe-misselect-mismatch", "QE_IDENTITY_MISMATCH", false,
       [](W& w) { w.quote.qe_report.misc_select = 1; }},
      {"s28-qe-debug-attribute", "QE_IDENTITY_MISMATCH", false,
       [](W& w) { w.quote.qe_report.attributes[0] |= 2; }},
      {"r13-fmspc-mismatch", "TCB_INFO_MISMATCH", false, [](W& w) { w.tcb_info.fmspc[0] ^= 1; }},
      {"real-fmspc-under-simulated-root", "FMSPC_RESERVED", false,
       [](W& w) {
         w.pck.fmspc = {0x90, 0xC0, 0x6F, 0, 0, 0};
         w.tcb_info.fmspc = w.pck.fmspc;
       }},
  };
}

std::vector<SimDefect> formats() {
  std::vector<SimDefect> out{
      malformed("m01-empty", [](Bytes& quote) { quote.clear(); }),
      malformed("m02-header-only", [](Bytes& quote) { quote.resize(kBody); }),
      malformed("m03-truncated-body", [](Bytes& quote) { quote.resize(400); }),
      malformed("m04-truncated-signature", [](Bytes& quote) { quote.resize(quote.size() - 1000); }),
      malformed(
          "m05-siglen-too-big",
          [](Bytes& quote) { std::fill_n(quote.begin() + kSignatureSize, 4, std::uint8_t{0xFF}); }),
      malformed("m06-version-2", [](Bytes& quote) { quote[kVersion] = 2; }),
      malformed("m07-version-6", [](Bytes& quote) { quote[kVersion] = 6; }),
      malformed("m08-key-type-3", [](Bytes& quote) { quote[kKeyType] = 3; }),
      malformed("m09-bad-tee-type", [](Bytes& quote) { quote[kTeeType] = 0x82; }),
      malformed("m10-bad-vendor", [](Bytes& quote) { quote[kVendor] ^= 1; }),
      malformed("u03-siglen-small",
                [](Bytes& quote) {
                  std::fill_n(quote.begin() + kSignatureSize + 1, 3, std::uint8_t{0});
                }),
      malformed(
          "u05-siglen-zero",
          [](Bytes& quote) { std::fill_n(quote.begin() + kSignatureSize, 4, std::uint8_t{0}); }),
  };
  out.push_back({"t10-tdx5-body-size-lies", "QUOTE_FORMAT", false, [](W& w) {
                   use_td15(w);
                   w.edit_all = [](M& m) {
                     m.quote[50] = 584 & 0xFF;
                     m.quote[51] = 584 >> 8;
                   };
                 }});
  out.push_back({"u01-v5-truncated-descriptor", "QUOTE_FORMAT", false, [](W& w) {
                   use_td15(w);
                   w.edit_all = [](M& m) { m.quote.resize(50); };
                 }});
  return out;
}

}  // namespace

const std::vector<SimDefect>& sim_defects() {
  static const std::vector<SimDefect> all = [] {
    std::vector<SimDefect> out;
    for (std::vector<SimDefect>& group :
         std::array{statuses(), chains(), signatures(), matching(), formats()}) {
      out.insert(out.end(), group.begin(), group.end());
    }
    return out;
  }();
  return all;
}

}  // namespace cocoon::test
