#include "attest/verdict.h"

#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

ByteArray<2> little_endian(std::uint16_t value) {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8)};
}

/// A domain name of the hash with the zero that ends it.
template <std::size_t N>
ByteView domain(const char (&name)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(name), N};
}

}  // namespace

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::quote_format: return "QUOTE_FORMAT";
    case Fault::tcb_info_format: return "TCB_INFO_FORMAT";
    case Fault::qe_identity_format: return "QE_IDENTITY_FORMAT";
    case Fault::snp_report_format: return "SNP_REPORT_FORMAT";
    case Fault::pck_chain_untrusted: return "PCK_CHAIN_UNTRUSTED";
    case Fault::tcb_info_signature: return "TCB_INFO_SIGNATURE";
    case Fault::qe_identity_signature: return "QE_IDENTITY_SIGNATURE";
    case Fault::crl_invalid: return "CRL_INVALID";
    case Fault::qe_report_signature: return "QE_REPORT_SIGNATURE";
    case Fault::qe_report_data: return "QE_REPORT_DATA";
    case Fault::snp_chain_untrusted: return "SNP_CHAIN_UNTRUSTED";
    case Fault::snp_report_signature: return "SNP_REPORT_SIGNATURE";
    case Fault::quote_signature: return "QUOTE_SIGNATURE";
    case Fault::pck_chain_missing: return "PCK_CHAIN_MISSING";
    case Fault::tcb_info_missing: return "TCB_INFO_MISSING";
    case Fault::qe_identity_missing: return "QE_IDENTITY_MISSING";
    case Fault::crl_missing: return "CRL_MISSING";
    case Fault::pck_revoked: return "PCK_REVOKED";
    case Fault::ca_revoked: return "CA_REVOKED";
    case Fault::tcb_signer_revoked: return "TCB_SIGNER_REVOKED";
    case Fault::expired: return "EXPIRED";
    case Fault::not_yet_valid: return "NOT_YET_VALID";
    case Fault::fmspc_reserved: return "FMSPC_RESERVED";
    case Fault::tcb_info_mismatch: return "TCB_INFO_MISMATCH";
    case Fault::qe_identity_mismatch: return "QE_IDENTITY_MISMATCH";
    case Fault::tdx_module_mismatch: return "TDX_MODULE_MISMATCH";
    case Fault::snp_mismatch: return "SNP_MISMATCH";
    case Fault::tcb_unrecognized_status: return "TCB_UNRECOGNIZED_STATUS";
    case Fault::tcb_not_supported: return "TCB_NOT_SUPPORTED";
  }
  return "UNKNOWN";
}

std::string Verdict::text() const {
  if (!faults.empty()) {
    std::string out(to_string(faults.front().fault));
    if (!faults.front().part.empty()) out += ":" + faults.front().part;
    return out;
  }
  std::string out(to_string(Fault::tcb_not_supported));
  if (status) out = cocoon::to_string(*status);
  if (snp) out = "Genuine";
  if (debug) out += "+DEBUG";
  return out;
}

ImageHash image_hash(const SgxReport& report) {
  return {crypto::sha256({domain("cocoon-image-sgx-v1"), report.mr_enclave, report.mr_signer,
                          little_endian(report.isv_prod_id), little_endian(report.isv_svn)})};
}

ImageHash image_hash(const TdReport& report) {
  return {crypto::sha256({domain("cocoon-image-tdx-v1"), report.mr_td, report.rtmr[0],
                          report.rtmr[1], report.rtmr[2], report.mr_config_id})};
}

ImageHash image_hash(const SnpReport& report) {
  return {crypto::sha256({domain("cocoon-image-snp-v1"), report.measurement, report.host_data,
                          report.id_key_digest, report.author_key_digest})};
}

PlatformId snp_platform_id(const ByteArray<64>& chip_id) {
  const Hash hash = crypto::sha256({domain("cocoon-platform-snp-v1"), chip_id});
  return {*to_array<16>(ByteView(hash).first(16))};
}

}  // namespace cocoon::attest
