#include "evidence_report.h"

#include "attest/quote.h"
#include "attest/text.h"
#include "measurements.h"

namespace cocoon::app {

Report claims_report(const attest::Evidence& evidence) {
  Report out;
  out.number("key_hash_algorithm", evidence.key_hash.algorithm);
  out.hex("key_hash", evidence.key_hash.digest).hex("public_key", evidence.spki);
  if (!evidence.claims) return out.text("software", "not of a Cocoon node");
  const attest::Claims& claims = *evidence.claims;
  out.text("role", std::string(attest::to_string(claims.role)));
  out.hex("network", claims.network.bytes).hex("account", claims.account.bytes);
  if (claims.gpu_evidence) out.hex("gpu_evidence", *claims.gpu_evidence);
  if (!claims.event_log.empty()) out.number("event_log_bytes", claims.event_log.size());
  out.list("models", claims.models).hex("config", claims.config);
  Report beacon;
  beacon.number("row", claims.beacon.row).hex("hash", claims.beacon.hash);
  beacon.text("time", attest::format_utc(claims.beacon.time));
  return out.section("beacon", std::move(beacon));
}

Report evidence_measurements(const attest::Evidence& evidence) {
  const auto quote = attest::parse_quote(evidence.quote);
  if (!quote) return {};
  return std::visit([](const auto& body) { return measurements(body); }, quote->body);
}

}  // namespace cocoon::app
