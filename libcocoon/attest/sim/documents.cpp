#include "attest/sim/documents.h"

#include "attest/text.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace cocoon::attest::sim {

namespace {

void write_head(json::Writer& out, const DocumentHead& head) {
  out.key("id").string(head.id).key("version").u64(head.version);
  out.key("issueDate").string(format_utc(head.issue_date));
  out.key("nextUpdate").string(format_utc(head.next_update));
}

void write_evaluation_number(json::Writer& out, const DocumentHead& head) {
  out.key("tcbEvaluationDataNumber").u64(head.tcb_evaluation_number);
}

void write_verdict(json::Writer& out, const LevelVerdict& verdict) {
  out.key("tcbDate").string(format_utc(verdict.date));
  // A status that no verifier knows stands for one that does not exist yet.
  out.key("tcbStatus").string(verdict.status ? to_string(*verdict.status) : "Unheard");
  if (verdict.advisories.empty()) return;
  out.key("advisoryIDs").begin_array();
  for (const std::string& id : verdict.advisories) out.string(id);
  out.end_array();
}

void write_isv_levels(json::Writer& out, const std::vector<IsvLevel>& levels) {
  out.key("tcbLevels").begin_array();
  for (const IsvLevel& level : levels) {
    out.begin_object().key("tcb").begin_object().key("isvsvn").u64(level.isv_svn).end_object();
    write_verdict(out, level.verdict);
    out.end_object();
  }
  out.end_array();
}

void write_module(json::Writer& out, const TdxModuleIdentity& module) {
  out.key("mrsigner").string(encode_hex(module.mr_signer));
  out.key("attributes").string(encode_hex(module.attributes));
  out.key("attributesMask").string(encode_hex(module.attributes_mask));
}

void write_modules(json::Writer& out, const TcbInfo& info) {
  if (info.module) {
    out.key("tdxModule").begin_object();
    write_module(out, *info.module);
    out.end_object();
  }
  out.key("tdxModuleIdentities").begin_array();
  for (const TdxModuleIdentity& module : info.module_identities) {
    out.begin_object().key("id").string(module.id);
    write_module(out, module);
    write_isv_levels(out, module.levels);
    out.end_object();
  }
  out.end_array();
}

void write_components(json::Writer& out, std::string_view name, const ByteArray<16>& svns) {
  out.key(name).begin_array();
  for (const std::uint8_t svn : svns) out.begin_object().key("svn").u64(svn).end_object();
  out.end_array();
}

std::string hex_big_endian(std::uint32_t value) {
  ByteWriter bytes;
  bytes.u32be(value);
  return encode_hex(bytes.take());
}

/// QE_VENDOR_ID of Intel, which the verifier asks for.
constexpr ByteArray<16> kIntelQeVendor{0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                       0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

Bytes encode_signed_part(const QuoteSpec& spec) {
  const bool sgx = spec.body_type == BodyType::sgx;
  ByteWriter out;
  out.u16le(spec.version).u16le(2).u32le(sgx ? 0x00 : 0x81).u16le(0).u16le(0);
  out.bytes(kIntelQeVendor).bytes(ByteArray<20>{});
  if (spec.version >= 5) {
    out.u16le(static_cast<std::uint16_t>(spec.body_type));
    out.u32le(static_cast<std::uint32_t>(spec.body.size()));
  }
  return out.bytes(spec.body).take();
}

}  // namespace

std::string encode_tcb_info(const TcbInfo& info) {
  json::Writer out;
  out.begin_object();
  write_head(out, info.head);
  out.key("fmspc").string(encode_hex(info.fmspc)).key("pceId").string(encode_hex(info.pce_id));
  out.key("tcbType").u64(0);
  write_evaluation_number(out, info.head);
  const bool tdx = info.head.id == "TDX";
  if (tdx) write_modules(out, info);
  out.key("tcbLevels").begin_array();
  for (const PlatformLevel& level : info.levels) {
    out.begin_object().key("tcb").begin_object();
    write_components(out, "sgxtcbcomponents", level.sgx_components);
    out.key("pcesvn").u64(level.pce_svn);
    if (tdx) write_components(out, "tdxtcbcomponents", level.tdx_components);
    out.end_object();
    write_verdict(out, level.verdict);
    out.end_object();
  }
  return out.end_array().end_object().take();
}

std::string encode_qe_identity(const QeIdentity& identity) {
  json::Writer out;
  out.begin_object();
  write_head(out, identity.head);
  write_evaluation_number(out, identity.head);
  out.key("miscselect").string(hex_big_endian(identity.misc_select));
  out.key("miscselectMask").string(hex_big_endian(identity.misc_select_mask));
  out.key("attributes").string(encode_hex(identity.attributes));
  out.key("attributesMask").string(encode_hex(identity.attributes_mask));
  out.key("mrsigner").string(encode_hex(identity.mr_signer));
  out.key("isvprodid").u64(identity.isv_prod_id);
  write_isv_levels(out, identity.levels);
  return out.end_object().take();
}

Result<CollateralText::Document> sign_document(std::string text, const SigningKey& signer,
                                               std::string chain_pem) {
  COCOON_TRY(const P256Signature signature, signer.sign({as_bytes(text)}));
  return CollateralText::Document{std::move(text), encode_hex(signature), std::move(chain_pem)};
}

Bytes encode_sgx_report(const SgxReport& report) {
  ByteWriter out;
  out.bytes(report.cpu_svn).u32le(report.misc_select).bytes(Bytes(28)).bytes(report.attributes);
  out.bytes(report.mr_enclave).bytes(Bytes(32)).bytes(report.mr_signer).bytes(Bytes(96));
  out.u16le(report.isv_prod_id).u16le(report.isv_svn).bytes(Bytes(60)).bytes(report.report_data);
  return out.take();
}

Bytes encode_td_report(const TdReport& report) {
  ByteWriter out;
  out.bytes(report.tee_tcb_svn).bytes(report.mr_seam).bytes(report.mr_signer_seam);
  out.bytes(report.seam_attributes).u64le(report.td_attributes).u64le(report.xfam);
  out.bytes(report.mr_td).bytes(report.mr_config_id).bytes(report.mr_owner);
  out.bytes(report.mr_owner_config);
  for (const TdxMeasurement& rtmr : report.rtmr) out.bytes(rtmr);
  out.bytes(report.report_data);
  if (!report.current) return out.take();
  out.bytes(report.current->tee_tcb_svn2).bytes(report.current->mr_service_td);
  if (!report.extended) return out.take();
  const TdExtended& x = *report.extended;
  out.u8(x.vm_id).bytes(x.td_id).bytes(x.dev_info).bytes(x.init_service_td_hash);
  out.u64le(x.init_attributes).bytes(x.init_cpu_svn).bytes(x.init_tee_tcb_svn);
  out.bytes(x.init_fmspc).bytes(x.current_service_td_hash).u64le(x.current_attributes);
  return out.take();
}

Result<Bytes> make_quote(const QuoteSpec& spec, const SigningKey& attestation,
                         const SigningKey& pck) {
  const Bytes signed_part = encode_signed_part(spec);
  COCOON_TRY(const P256Signature quote_signature, attestation.sign({signed_part}));
  SgxReport qe_report = spec.qe_report;
  const Hash binding = crypto::sha256({attestation.point(), spec.auth_data});
  qe_report.report_data = {};
  std::copy(binding.begin(), binding.end(), qe_report.report_data.begin());
  const Bytes qe_bytes = encode_sgx_report(qe_report);
  COCOON_TRY(const P256Signature qe_signature, pck.sign({qe_bytes}));

  ByteWriter qe;
  qe.bytes(qe_bytes).bytes(qe_signature);
  qe.u16le(static_cast<std::uint16_t>(spec.auth_data.size())).bytes(spec.auth_data);
  qe.u16le(static_cast<std::uint16_t>(spec.certification_type));
  qe.u32le(static_cast<std::uint32_t>(spec.certification_data.size()));
  qe.bytes(spec.certification_data);
  const Bytes qe_block = qe.take();

  ByteWriter signature;
  signature.bytes(quote_signature).bytes(attestation.point());
  if (spec.version >= 4) {
    signature.u16le(static_cast<std::uint16_t>(CertificationType::qe_report));
    signature.u32le(static_cast<std::uint32_t>(qe_block.size()));
  }
  const Bytes signature_data = signature.bytes(qe_block).take();
  ByteWriter out;
  out.bytes(signed_part).u32le(static_cast<std::uint32_t>(signature_data.size()));
  return out.bytes(signature_data).take();
}

}  // namespace cocoon::attest::sim
