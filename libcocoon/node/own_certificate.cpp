#include "node/own_certificate.h"

#include <fmt/format.h>

#include <memory>

#include "attest/event_log_claim.h"
#include "attest/quote.h"
#include "base/limits.h"
#include "tls/certificate.h"

namespace cocoon::node {
namespace {

tls::CertificateFields fields_at(UnixTime now) {
  tls::CertificateFields fields;
  fields.common_name = "cocoon";
  fields.not_before = now - limits::kClockSkew;
  fields.not_after = now + limits::kCertificateLifetime;
  return fields;
}

}  // namespace

Result<Bytes> make_plain_certificate(const crypto::SigningKey& boot, UnixTime now) {
  return tls::make_certificate(boot, fields_at(now));
}

Result<Bytes> certified_key(const crypto::SigningKey& boot, UnixTime now) {
  COCOON_TRY(const Bytes plain, make_plain_certificate(boot, now));
  COCOON_TRY(auto parsed, tls::parse_certificate(plain));
  return std::move(parsed.spki);
}

namespace {

/// No peer takes a log that the quote does not bear out.
Status check_own_log(ByteView log, ByteView own_quote) {
  if (log.empty()) return ok();
  COCOON_TRY(const attest::Quote quote, attest::parse_quote(own_quote));
  const auto* td = std::get_if<attest::TdReport>(&quote.body);
  const Status status = attest::check_event_log(log, td != nullptr ? td->rtmr : attest::Rtmrs{});
  if (status) return ok();
  return Error(status.error().kind(), status.error().code(),
               std::string(status.error().detail()) +
                   " Peers would refuse this machine's certificate: leave event_log out under "
                   "[evidence], and it shows none.");
}

}  // namespace

void make_attested_certificate(const crypto::SigningKey& boot, const attest::Claims& claims,
                               tee::Source& source, UnixTime now,
                               Callback<void(Result<Bytes>)> done) {
  auto spki = certified_key(boot, now);
  if (!spki) return done(spki.error());
  const Bytes claim_bytes = attest::encode_claims(claims, *spki);
  auto shared_done = std::make_shared<Callback<void(Result<Bytes>)>>(std::move(done));
  auto key = std::make_shared<crypto::SigningKey>(boot.duplicate());
  source.quote(attest::report_data_for(claim_bytes), [key, claim_bytes, log = claims.event_log, now,
                                                      shared_done](Result<Bytes> quote) {
    if (!quote) return (*shared_done)(quote.error());
    if (auto status = check_own_log(log, *quote); !status) return (*shared_done)(status.error());
    Bytes evidence = attest::build_evidence_extension(*quote, claim_bytes);
    if (evidence.size() > limits::kMaxEvidenceBytes) {
      // No peer would read it.
      return (*shared_done)(
          Error(ErrorKind::too_large, "evidence_too_large",
                fmt::format(
                    "this machine's quotes have {} bytes: with the claims that is more than the {} "
                    "bytes of evidence that a certificate may carry",
                    quote->size(), limits::kMaxEvidenceBytes)));
    }
    tls::CertificateFields fields = fields_at(now);
    fields.extensions.push_back({std::string(attest::kEvidenceOid), false, std::move(evidence)});
    (*shared_done)(tls::make_certificate(*key, fields));
  });
}

}  // namespace cocoon::node
