#include "verify/verdict_json.h"

#include <algorithm>

#include "codec/hex.h"
#include "codec/json.h"

namespace cocoon::verify {
namespace {

void write_measurements(json::Writer& out, const attest::Verdict& verdict) {
  out.key("measurements").begin_object();
  out.key("image").string(verdict.image.to_hex());
  if (const auto* td = std::get_if<attest::TdReport>(&*verdict.body)) {
    out.key("mr_td").string(to_hex(td->mr_td));
    out.key("mr_config_id").string(to_hex(td->mr_config_id));
    for (std::size_t i = 0; i < td->rtmr.size(); ++i) {
      out.key("rtmr" + std::to_string(i)).string(to_hex(td->rtmr[i]));
    }
    out.key("mr_seam").string(to_hex(td->mr_seam));
  }
  out.end_object();
}

void write_gpus(json::Writer& out, std::span<const attest::GpuVerdict> gpus) {
  out.key("gpus").begin_array();
  for (const attest::GpuVerdict& gpu : gpus) {
    out.begin_object();
    out.key("verdict").string(gpu.text());
    out.key("chip").string(gpu.chip);
    out.key("device").string(to_hex(gpu.device));
    out.key("driver").string(gpu.firmware.driver_version);
    out.key("vbios").string(gpu.firmware.vbios_version);
    out.key("mode").string(to_string(gpu.firmware.mode));
    out.key("driver_set").string(to_hex(gpu.driver_set));
    out.key("vbios_set").string(to_hex(gpu.vbios_set));
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string verdict_json(const ports::VerifiedEvidence& verified, const attest::Evidence& evidence,
                         const attest::Verdict& verdict, std::span<const attest::GpuVerdict> gpus) {
  json::Writer out;
  out.begin_object();
  out.key("role").string(wire::to_string(verified.role));
  out.key("account").string(to_hex(verified.account.bytes));
  out.key("boot_key").string(to_hex(verified.boot_key.bytes));
  out.key("evidence_digest").string(to_hex(verified.digest.bytes));
  out.key("tee").string(to_string(verdict.tee));
  out.key("simulated").boolean(verified.simulated);
  out.key("verdict").string(verdict.text());
  out.key("accepted").boolean(true);
  out.key("advisories").begin_array();
  for (const std::string& advisory : verdict.advisories) out.string(advisory);
  out.end_array();
  out.key("tcb_evaluation_number").u64(verdict.tcb_evaluation_number);
  write_measurements(out, verdict);
  if (!gpus.empty()) write_gpus(out, gpus);
  UnixTime expires = verdict.expires;
  for (const attest::GpuVerdict& gpu : gpus) expires = std::min(expires, gpu.expires);
  out.key("expires").u64(to_unix_seconds(expires));
  out.key("beacon").begin_object();
  out.key("row").u64(evidence.claims->beacon.row);
  out.key("hash").string(to_hex(evidence.claims->beacon.hash));
  out.key("time").u64(to_unix_seconds(evidence.claims->beacon.time));
  out.end_object();
  out.end_object();
  const std::string object = out.take();
  return object.substr(1, object.size() - 2);
}

}  // namespace cocoon::verify
