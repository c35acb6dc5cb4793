#include <fmt/format.h>

#include "attest/certificate.h"
#include "attest/evidence.h"
#include "attest/pck.h"
#include "attest/quote.h"
#include "attest/td_report_struct.h"
#include "attest/text.h"
#include "base/limits.h"
#include "certificate_files.h"
#include "commands.h"
#include "common/read_file.h"
#include "measurements.h"
#include "report.h"

namespace cocoon::app {

namespace {

using attest::Quote;

std::string body_name(attest::BodyType type) {
  switch (type) {
    case attest::BodyType::sgx: return "SGX";
    case attest::BodyType::td10: return "TD 1.0";
    case attest::BodyType::td15: return "TD 1.5";
    case attest::BodyType::td15ex: return "TD 1.5Ex";
  }
  return "unknown";
}

Report certificate_report(const attest::Certificate& certificate) {
  Report out;
  out.text("common_name", certificate.common_name).hex("serial", certificate.serial);
  out.text("not_before", attest::format_utc(certificate.not_before));
  out.text("not_after", attest::format_utc(certificate.not_after));
  out.flag("ca", certificate.is_ca);
  if (certificate.sgx_extension.empty()) return out;
  const auto extension = attest::parse_pck_extension(certificate.sgx_extension);
  if (extension) {
    out.section("platform", platform(*extension));
  } else {
    out.text("platform_error", extension.error().detail());
  }
  return out;
}

/// Certificates that cannot be read are told as such: whoever inspects wants to see the others.
std::vector<Report> chain_report(const std::vector<Bytes>& ders) {
  std::vector<Report> out;
  for (const Bytes& der : ders) {
    const auto certificate = attest::Certificate::parse(der);
    out.push_back(certificate ? certificate_report(**certificate)
                              : Report().text("error", certificate.error().detail()));
  }
  return out;
}

Report quote_report(const Quote& quote) {
  const attest::QeSignature& s = quote.signature;
  Report out;
  out.text("kind", "quote").number("version", quote.version);
  out.text("tee", std::string(to_string(quote.tee))).text("body", body_name(quote.body_type));
  out.section("measurements",
              std::visit([](const auto& body) { return measurements(body); }, quote.body));
  Report qe;
  qe.hex("mrenclave", s.qe_report.mr_enclave).hex("mrsigner", s.qe_report.mr_signer);
  qe.number("isvprodid", s.qe_report.isv_prod_id).number("isvsvn", s.qe_report.isv_svn);
  qe.hex("attributes", s.qe_report.attributes).mask("miscselect", s.qe_report.misc_select);
  qe.number("auth_data_bytes", s.auth_data.size());
  out.section("quoting_enclave", std::move(qe));
  out.number("certification_type", static_cast<std::uint64_t>(s.certification_type));
  if (s.certification_type == attest::CertificationType::pck_chain) {
    const auto ders = attest::decode_pem_certificates(as_text(s.certification_data));
    if (ders) {
      out.sections("pck_chain", chain_report(*ders));
    } else {
      out.text("pck_chain_error", ders.error().detail());
    }
  }
  return out;
}

Report td_report_report(const attest::TdReportStruct& report) {
  Report out;
  out.text("kind", "tdreport").mask("type", report.type);
  out.number("subtype", report.subtype).number("version", report.version);
  out.hex("cpusvn", report.cpu_svn).flag("hashes_match", report.hashes_match);
  return out.section("measurements", measurements(report.td));
}

Result<Report> inspect_bytes(const std::string& data) {
  if (looks_like_certificates(data)) {
    COCOON_TRY(const auto ders, split_certificates(data));
    if (ders.size() == 1 && attest::parse_certificate_evidence(ders.front())) {
      COCOON_TRY(const auto evidence, attest::parse_certificate_evidence(ders.front()));
      COCOON_TRY(const Quote quote, attest::parse_quote(evidence.quote));
      Report out;
      out.text("kind", "ra-tls certificate").hex("public_key", evidence.spki);
      return out.hex("claims", evidence.claims_bytes).section("quote", quote_report(quote));
    }
    // One alone has to be readable; of several, any.
    if (ders.size() == 1) {
      COCOON_TRY(const auto certificate, attest::Certificate::parse(ders.front()));
      return Report()
          .text("kind", "certificate")
          .section("certificate", certificate_report(*certificate));
    }
    return Report().text("kind", "certificates").sections("certificates", chain_report(ders));
  }
  const auto quote = attest::parse_quote(as_bytes(data));
  if (quote) return quote_report(*quote);
  if (data.size() == attest::kTdReportStructBytes) {
    COCOON_TRY(const auto report, attest::parse_td_report_struct(as_bytes(data)));
    return td_report_report(report);
  }
  return quote.error();
}

}  // namespace

Result<Exit> inspect(const std::string& file, bool json) {
  COCOON_TRY(const std::string data, read_file(file, limits::kMaxQuoteBytes));
  auto report = inspect_bytes(data);
  if (!report) return Error(report.error()).within(file);
  report->print(json);
  return Exit::accepted;
}

}  // namespace cocoon::app
