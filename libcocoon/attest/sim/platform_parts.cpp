#include "attest/sim/platform.h"
#include "attest/trusted_root.h"
#include "crypto/hash.h"

namespace cocoon::attest::sim {

namespace {

constexpr std::uint32_t kEvaluationNumber = 1;
constexpr std::uint16_t kPceSvn = 13;
constexpr std::uint16_t kQeSvn = 6;
constexpr std::uint16_t kTdQeProdId = 2;  // Intel's number of the TD quoting enclave
constexpr std::uint8_t kModuleMinor = 5;
constexpr std::uint8_t kModuleMajor = 1;

constexpr ByteArray<16> kSgxComponents{5, 5, 2, 2, 3, 1, 0, 3};
constexpr ByteArray<16> kOldSgxComponents{2, 2, 2, 2, 3, 1, 0, 3};
constexpr ByteArray<16> kTeeTcbSvn{kModuleMinor, kModuleMajor, 3};
/// ATTRIBUTES of a production enclave: INIT and PROVISION_KEY.
constexpr ByteArray<16> kQeAttributes{0x11};
/// Everything but the bit that says whether AEX notification is on; XFRM is not compared.
constexpr ByteArray<16> kQeAttributesMask{0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

UnixTime day(int y, unsigned m, unsigned d) {
  using namespace std::chrono;
  return UnixTime(sys_days{year{y} / static_cast<int>(m) / static_cast<int>(d)}.time_since_epoch());
}

LevelVerdict verdict(TcbStatus status, UnixTime date) {
  return {status, date, {}};
}

Hash sim_qe_signer() {
  return crypto::sha256(as_bytes("cocoon simulated quoting enclave"));
}

}  // namespace

PckExtension sim_pck_extension(const PlatformId& ppid, const PlatformId& instance) {
  PckExtension out;
  out.ppid = ppid;
  out.sgx_components = kSgxComponents;
  out.pce_svn = kPceSvn;
  out.cpu_svn = kSgxComponents;
  out.fmspc = kSimulatedFmspc;
  out.sgx_type = 1;
  out.platform_instance_id = instance;
  out.dynamic_platform = false;
  out.cached_keys = false;
  out.smt_enabled = true;
  return out;
}

TcbInfo sim_tcb_info(UnixTime issued, UnixTime next) {
  TcbInfo out;
  out.head = {"TDX", kTcbInfoVersion, issued, next, kEvaluationNumber, true};
  out.fmspc = kSimulatedFmspc;
  TdxModuleIdentity module;
  module.attributes_mask.fill(0xFF);
  out.module = module;
  module.id = "TDX_01";
  module.levels = {{kModuleMinor, verdict(TcbStatus::up_to_date, day(2024, 11, 13))},
                   {kModuleMinor - 1, verdict(TcbStatus::out_of_date, day(2024, 3, 13))}};
  out.module_identities = {module};
  ByteArray<16> tdx = kTeeTcbSvn;
  tdx[1] = 0;
  out.levels = {
      {kSgxComponents, kPceSvn, tdx, verdict(TcbStatus::up_to_date, day(2024, 11, 13))},
      {kOldSgxComponents, kPceSvn - 8, {}, verdict(TcbStatus::out_of_date, day(2018, 1, 4))}};
  return out;
}

QeIdentity sim_qe_identity(UnixTime issued, UnixTime next) {
  QeIdentity out;
  out.head = {"TD_QE", kQeIdentityVersion, issued, next, kEvaluationNumber, true};
  out.misc_select_mask = 0xFFFFFFFF;
  out.attributes = kQeAttributes;
  out.attributes_mask = kQeAttributesMask;
  out.mr_signer = sim_qe_signer();
  out.isv_prod_id = kTdQeProdId;
  out.levels = {{kQeSvn, verdict(TcbStatus::up_to_date, day(2024, 11, 13))},
                {kQeSvn - 2, verdict(TcbStatus::out_of_date, day(2023, 8, 9))}};
  return out;
}

SgxReport sim_qe_report() {
  SgxReport out;
  out.cpu_svn = kSgxComponents;
  out.attributes = kQeAttributes;
  out.mr_enclave = crypto::sha256(as_bytes("cocoon simulated quoting enclave, code"));
  out.mr_signer = sim_qe_signer();
  out.isv_prod_id = kTdQeProdId;
  out.isv_svn = kQeSvn;
  return out;
}

TdReport sim_td_report(const SimTdReport& guest) {
  TdReport out;
  out.tee_tcb_svn = kTeeTcbSvn;
  out.mr_seam = crypto::sha384(as_bytes("cocoon simulated TDX module"));
  out.td_attributes = guest.td_attributes;
  out.xfam = guest.xfam;
  out.mr_td = guest.mr_td;
  out.mr_config_id = guest.mr_config_id;
  out.mr_owner = guest.mr_owner;
  out.mr_owner_config = guest.mr_owner_config;
  out.rtmr = guest.rtmr;
  out.report_data = guest.report_data;
  return out;
}

QuoteSpec sim_quote_spec(const TdReport& report, std::string_view pck_chain_pem) {
  QuoteSpec out;
  out.body = encode_td_report(report);
  out.qe_report = sim_qe_report();
  // As Intel's quoting enclave has it: the bytes 0 to 31.
  for (std::uint8_t i = 0; i < 32; ++i) out.auth_data.push_back(i);
  out.certification_data = to_bytes(as_bytes(pck_chain_pem));
  out.certification_data.push_back(0);
  return out;
}

}  // namespace cocoon::attest::sim
