#include "attest/snp_verify.h"

#include "base/limits.h"
#include "certificate_files.h"
#include "commands.h"
#include "common/read_file.h"
#include "judge.h"
#include "measurements.h"

namespace cocoon::app {

namespace {

/// As PEM, which is what AMD gives.
constexpr std::size_t kMaxIssuersBytes =
    2 * limits::kMaxChainCertificates * limits::kMaxChainCertificateBytes;

Result<attest::SnpCertificates> read_certificates(const SnpCommand& command) {
  attest::SnpCertificates out;
  COCOON_TRY(out.endorsement_key,
             read_certificate(command.certificate, limits::kMaxChainCertificateBytes));
  COCOON_TRY(out.issuers, read_file(command.issuers, kMaxIssuersBytes));
  if (!command.revocation_list.empty()) {
    COCOON_TRY(const std::string list, read_file(command.revocation_list, limits::kMaxCrlBytes));
    out.revocation_list = to_bytes(as_bytes(list));
  }
  return out;
}

}  // namespace

Result<Exit> snp(const SnpCommand& command) {
  COCOON_TRY(const Judge judge, Judge::open(command.judge));
  COCOON_TRY(const std::string report, read_file(command.report, limits::kMaxQuoteBytes));
  COCOON_TRY(const attest::SnpCertificates certificates, read_certificates(command));
  const attest::Verdict verdict =
      attest::verify_snp_report(as_bytes(report), certificates, attest::SnpRoots::amd(), judge.now);
  const attest::PolicyDecision decision = judge.decide(verdict);
  Report out = verdict_report(verdict, decision);
  out.section("platform", verdict.trusted() ? platform(*verdict.snp) : Report());
  out.print(command.json);
  return exit_of(verdict, decision);
}

}  // namespace cocoon::app
