#include "attest/quote.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace cocoon::attest {

namespace {

constexpr std::size_t kSgxReportBytes = 384;
constexpr std::uint16_t kEcdsaP256 = 2;
constexpr std::uint32_t kTeeTypeSgx = 0x00;
constexpr std::uint32_t kTeeTypeTdx = 0x81;
/// QE_VENDOR_ID of Intel's quoting enclaves (both documents, quote header).
constexpr ByteArray<16> kIntelQeVendor{0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                       0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

Error refuse(std::string detail) {
  return Error(ErrorKind::attestation, "quote_format", std::move(detail));
}

struct Header {
  std::uint16_t version = 0;
  TeeKind tee{};
};

Result<Header> read_header(ByteReader& in) {
  Header header;
  header.version = in.u16le();
  const std::uint16_t key_type = in.u16le();
  const std::uint32_t tee_type = in.u32le();
  (void)in.take(4);  // QE and PCE SVN: the signed QE report and the PCK certificate say them
  const ByteArray<16> vendor = in.array<16>();
  (void)in.take(20);  // user data
  if (in.failed()) return refuse("The quote ends within its 48-byte header.");
  if (header.version < 3 || header.version > 5) {
    return refuse(
        fmt::format("Quote version {} is not supported; 3, 4 and 5 are.", header.version));
  }
  if (key_type != kEcdsaP256) {
    return refuse(
        fmt::format("Attestation key type {} is not supported; 2 (ECDSA P-256) is.", key_type));
  }
  if (vendor != kIntelQeVendor) return refuse("The quoting enclave's vendor is not Intel.");
  if (tee_type != kTeeTypeSgx && tee_type != kTeeTypeTdx) {
    return refuse(fmt::format("TEE type {:#x} is neither SGX (0) nor TDX (0x81).", tee_type));
  }
  header.tee = tee_type == kTeeTypeSgx ? TeeKind::sgx : TeeKind::tdx;
  if (header.version == 3 && header.tee != TeeKind::sgx) {
    return refuse("A version 3 quote cannot come from TDX.");
  }
  return header;
}

/// The body's type: told by the TEE type before version 5, and by a descriptor from then on.
Result<BodyType> read_body_type(ByteReader& in, const Header& header) {
  if (header.version < 5) return header.tee == TeeKind::sgx ? BodyType::sgx : BodyType::td10;
  const auto type = static_cast<BodyType>(in.u16le());
  const std::uint32_t size = in.u32le();
  if (in.failed()) return refuse("The quote ends within its body descriptor.");
  if (body_size(type) == 0) {
    return refuse(fmt::format("Body type {} is unknown.", static_cast<unsigned>(type)));
  }
  if (body_size(type) != size) {
    return refuse(fmt::format("Body type {} has {} bytes, and the descriptor says {}.",
                              static_cast<unsigned>(type), body_size(type), size));
  }
  if ((type == BodyType::sgx) != (header.tee == TeeKind::sgx)) {
    return refuse("The body type and the header's TEE type do not agree.");
  }
  return type;
}

bool known(CertificationType type) {
  switch (type) {
    case CertificationType::ppid_clear:
    case CertificationType::ppid_rsa2048:
    case CertificationType::ppid_rsa3072:
    case CertificationType::pck_leaf:
    case CertificationType::pck_chain:
    case CertificationType::platform_manifest: return true;
    case CertificationType::qe_report: return false;  // may not contain itself
  }
  return false;
}

/// The QE's report with its signature and certification data; `in` must end with it.
Status read_qe_block(ByteReader in, QeSignature& out) {
  out.qe_report_bytes = in.take(kSgxReportBytes);
  out.qe_report_signature = in.array<64>();
  out.auth_data = in.take(in.u16le());
  out.certification_type = static_cast<CertificationType>(in.u16le());
  out.certification_data = in.take(in.u32le());
  if (!in.finished()) {
    return refuse("The lengths within the signature data do not add up to its size.");
  }
  if (!known(out.certification_type)) {
    return refuse(fmt::format("Certification data of type {} is unknown.",
                              static_cast<unsigned>(out.certification_type)));
  }
  out.qe_report = parse_sgx_report(out.qe_report_bytes);
  return ok();
}

Status read_signature(ByteView data, std::uint16_t version, QeSignature& out) {
  ByteReader in(data);
  out.quote_signature = in.array<64>();
  out.attestation_key = in.array<64>();
  if (in.failed()) return refuse("The signature data ends within the signature.");
  if (version == 3) return read_qe_block(ByteReader(in.rest()), out);
  // From version 4 on, everything about the QE is wrapped once more.
  const auto type = static_cast<CertificationType>(in.u16le());
  const ByteView wrapped = in.take(in.u32le());
  if (!in.finished()) {
    return refuse("The certification data does not fill the signature data exactly.");
  }
  if (type != CertificationType::qe_report) {
    return refuse(fmt::format("Certification data of type {} where 6 was expected.",
                              static_cast<unsigned>(type)));
  }
  return read_qe_block(ByteReader(wrapped), out);
}

}  // namespace

std::size_t body_size(BodyType type) {
  switch (type) {
    case BodyType::sgx: return kSgxReportBytes;
    case BodyType::td10: return 584;
    case BodyType::td15: return 648;
    case BodyType::td15ex: return 885;
  }
  return 0;
}

const ByteArray<64>& Quote::report_data() const {
  if (const auto* sgx = std::get_if<SgxReport>(&body)) return sgx->report_data;
  return std::get<TdReport>(body).report_data;
}

SgxReport parse_sgx_report(ByteView bytes) {
  ByteReader in(bytes);
  SgxReport out;
  out.cpu_svn = in.array<16>();
  out.misc_select = in.u32le();
  (void)in.take(28);
  out.attributes = in.array<16>();
  out.mr_enclave = in.array<32>();
  (void)in.take(32);
  out.mr_signer = in.array<32>();
  (void)in.take(96);
  out.isv_prod_id = in.u16le();
  out.isv_svn = in.u16le();
  (void)in.take(60);
  out.report_data = in.array<64>();
  return out;
}

void read_module_fields(ByteReader& in, TdReport& out) {
  out.tee_tcb_svn = in.array<16>();
  out.mr_seam = in.array<48>();
  out.mr_signer_seam = in.array<48>();
  out.seam_attributes = in.array<8>();
}

void read_guest_fields(ByteReader& in, TdReport& out) {
  out.td_attributes = in.u64le();
  out.xfam = in.u64le();
  out.mr_td = in.array<48>();
  out.mr_config_id = in.array<48>();
  out.mr_owner = in.array<48>();
  out.mr_owner_config = in.array<48>();
  for (TdxMeasurement& rtmr : out.rtmr) rtmr = in.array<48>();
}

TdReport parse_td_report(ByteView bytes, BodyType type) {
  ByteReader in(bytes);
  TdReport out;
  read_module_fields(in, out);
  read_guest_fields(in, out);
  out.report_data = in.array<64>();
  if (type == BodyType::td10) return out;

  TdCurrent& current = out.current.emplace();
  current.tee_tcb_svn2 = in.array<16>();
  current.mr_service_td = in.array<48>();
  if (type == BodyType::td15) return out;

  TdExtended& extended = out.extended.emplace();
  extended.vm_id = in.u8();
  extended.td_id = in.array<32>();
  extended.dev_info = in.array<48>();
  extended.init_service_td_hash = in.array<48>();
  extended.init_attributes = in.u64le();
  extended.init_cpu_svn = in.array<16>();
  extended.init_tee_tcb_svn = in.array<16>();
  extended.init_fmspc = in.array<12>();
  extended.current_service_td_hash = in.array<48>();
  extended.current_attributes = in.u64le();
  return out;
}

Result<Quote> parse_quote(ByteView bytes) {
  if (bytes.size() > limits::kMaxQuoteBytes) {
    return refuse(fmt::format("The quote has {} bytes; at most {} are read.", bytes.size(),
                              limits::kMaxQuoteBytes));
  }
  ByteReader in(bytes);
  Quote quote;
  COCOON_TRY(const Header header, read_header(in));
  quote.version = header.version;
  quote.tee = header.tee;
  COCOON_TRY(quote.body_type, read_body_type(in, header));
  const ByteView body = in.take(body_size(quote.body_type));
  if (in.failed()) return refuse("The quote ends within its body.");
  quote.signed_bytes = bytes.first(in.position());
  const std::uint32_t signature_size = in.u32le();
  const ByteView signature = in.take(signature_size);
  if (in.failed()) return refuse("The quote ends within its signature data.");
  if (quote.body_type == BodyType::sgx) {
    quote.body = parse_sgx_report(body);
  } else {
    quote.body = parse_td_report(body, quote.body_type);
  }
  COCOON_CHECK(read_signature(signature, quote.version, quote.signature));
  return quote;
}

}  // namespace cocoon::attest
