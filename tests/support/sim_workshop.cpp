#include "attest/chain.h"
#include "attest/sim/issue.h"
#include "attest/text.h"
#include "support/sim_defects.h"

namespace cocoon::test {

using namespace attest;
using namespace attest::sim;

namespace {

constexpr Seconds kDay{24 * 3600};

ByteArray<16> serial_number(const Bytes& serial) {
  ByteArray<16> out{};
  std::copy(serial.begin(), serial.end(), out.end() - static_cast<std::ptrdiff_t>(serial.size()));
  return out;
}

std::string certificate(const CertificateSpec& spec, const SigningKey& issuer) {
  return encode_pem_certificate(issue_certificate(spec, issuer).value());
}

}  // namespace

const Bytes SimWorkshop::kPckSerial{0x71};
const Bytes SimWorkshop::kCaSerial{0x72};
const Bytes SimWorkshop::kTcbSignerSerial{0x73};

SimWorkshop::SimWorkshop(const SimPlatform& platform, const SimTdReport& guest, UnixTime now)
    : keys(platform.keys()),
      pck(sim_pck_extension({}, {})),
      pck_not_after(now + 1000 * kDay),
      tcb_info(sim_tcb_info(now - kDay, now + 30 * kDay)),
      qe_identity(sim_qe_identity(now - kDay, now + 30 * kDay)),
      report(sim_td_report(guest)),
      quote(sim_quote_spec(report, "")),
      issued(now - kDay),
      next(now + 30 * kDay) {}

SimMaterial SimWorkshop::build() const {
  const SigningKey& quote_root = chain_root != nullptr ? *chain_root : keys.root;
  const auto issue = [&](std::string_view which, CertificateSpec spec, const SigningKey& issuer) {
    if (edit_certificate) edit_certificate(which, spec);
    return certificate(spec, issuer);
  };
  CertificateSpec spec;
  spec.not_before = issued - 1000 * kDay;
  spec.not_after = issued + 1000 * kDay;
  spec.is_ca = true;
  spec.issuer_name = kRootName;
  spec.common_name = kRootName;
  spec.key = keys.root.point();
  spec.serial = {1};
  const std::string root = issue("root", spec, keys.root);
  spec.key = quote_root.point();
  const std::string embedded_root = issue("root", spec, quote_root);
  spec.common_name = kPlatformCaName;
  spec.key = keys.pck_ca.point();
  spec.serial = serial_number(kCaSerial);
  const std::string ca = issue("pck_ca", spec, quote_root);
  spec.is_ca = false;
  spec.common_name = kTcbSignerName;
  spec.key = keys.tcb_signer.point();
  spec.serial = serial_number(kTcbSignerSerial);
  const std::string tcb_chain = issue("tcb_signer", spec, keys.root) + root;
  spec.issuer_name = kPlatformCaName;
  spec.common_name = kPckName;
  spec.key = keys.pck.point();
  spec.serial = serial_number(kPckSerial);
  spec.not_after = pck_not_after;
  spec.sgx_extension = encode_pck_extension(pck);
  const std::string pck_chain = issue("pck", spec, keys.pck_ca) + ca + embedded_root;

  SimMaterial out;
  QuoteSpec quote_spec = quote;
  quote_spec.body = enclave ? encode_sgx_report(*enclave) : encode_td_report(report);
  quote_spec.certification_data = to_bytes(as_bytes(pck_chain));
  out.quote = make_quote(quote_spec, keys.attestation, keys.pck).value();
  std::string tcb_text = encode_tcb_info(tcb_info);
  if (edit_tcb_info) edit_tcb_info(tcb_text);
  out.collateral.tcb_info = sign_document(tcb_text, keys.tcb_signer, tcb_chain).value();
  out.collateral.qe_identity =
      sign_document(encode_qe_identity(qe_identity), keys.tcb_signer, tcb_chain).value();
  const auto issue_list = [&](std::string_view which, CrlSpec list, const SigningKey& issuer) {
    if (edit_crl) edit_crl(which, list);
    return encode_hex(issue_crl(list, issuer).value());
  };
  const SigningKey& pck_crl_signer = crl_signer != nullptr ? *crl_signer : keys.pck_ca;
  out.collateral.root_crl =
      issue_list("root_crl", {kRootName, issued, next, revoked_by_root}, keys.root);
  out.collateral.pck_crl =
      issue_list("pck_crl", {kPlatformCaName, issued, next, revoked_by_ca}, pck_crl_signer);
  if (edit_all) edit_all(out);
  return out;
}

SimMaterial make_sim_defect(const SimDefect& defect, const SimPlatform& platform,
                            const SimTdReport& guest, UnixTime now) {
  SimWorkshop workshop(platform, guest, now);
  defect.apply(workshop);
  return workshop.build();
}

}  // namespace cocoon::test
