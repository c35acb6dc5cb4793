#include "rim/rim.h"

#include "attest/text.h"
#include "base/limits.h"
#include "commands.h"
#include "common/read_file.h"
#include "common/write_file.h"
#include "judge.h"
#include "nvidia_services.h"

namespace cocoon::app {

namespace {

using attest::GpuMeasurementSet;
using attest::GpuPart;

Report describe(const GpuMeasurementSet& set) {
  Report out;
  out.text("part", std::string(to_string(set.part()))).text("chip", set.chip());
  out.text("version", set.version()).number("measurements", set.digests().size());
  return out.hex("set", set.hash());
}

}  // namespace

Result<Exit> rim(const RimCommand& command) {
  COCOON_TRY(const UnixTime now, parse_moment(command.at));
  const bool fetched = !command.fetch.empty();
  COCOON_TRY(const std::string xml,
             fetched ? fetch_rim(command.fetch, command.url, command.ocsp.ca_file)
                     : read_file(command.file, limits::kMaxGpuMeasurementsBytes));
  const GpuPart part =
      command.part == to_string(GpuPart::driver) ? GpuPart::driver : GpuPart::vbios;
  const auto read = read_rim(xml, part, nvidia_rim_root(), now);
  std::vector<std::string> reasons;
  if (!read) {
    const Error& error = read.error();
    if (error.code() != "rim_signature" && error.code() != "rim_chain" &&
        error.code() != "rim_expired") {
      return Error(error).within(fetched ? command.fetch : command.file);
    }
    reasons.push_back(std::string(error.code()) + ": " + error.detail());
  } else if (command.ocsp.ask) {
    COCOON_TRY(reasons, revoked(read->signers, 0, command.ocsp, now));
  }
  const bool accepted = reasons.empty();
  if (accepted && !command.out.empty()) COCOON_CHECK(write_file(command.out, read->set.text()));
  std::vector<std::string> not_checked;
  if (!command.ocsp.ask) {
    not_checked.emplace_back("revocation of the signers' certificates: --ocsp asks NVIDIA (OCSP)");
  }
  not_checked.emplace_back(
      "that the manifest is about the part that was named, and is NVIDIA's newest");
  Report out;
  out.flag("accepted", accepted).list("reasons", std::move(reasons));
  out.section("measurement_set", accepted ? describe(read->set) : Report());
  out.list("not_checked", std::move(not_checked));
  out.print(command.json);
  return accepted ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
