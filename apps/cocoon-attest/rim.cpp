#include "rim/rim.h"

#include "attest/text.h"
#include "base/limits.h"
#include "commands.h"
#include "common/read_file.h"
#include "common/write_file.h"
#include "judge.h"

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
  COCOON_TRY(const std::string xml, read_file(command.file, limits::kMaxGpuMeasurementsBytes));
  const GpuPart part =
      command.part == to_string(GpuPart::driver) ? GpuPart::driver : GpuPart::vbios;
  auto set = read_rim(xml, part, nvidia_rim_root(), now);
  std::vector<std::string> reasons;
  if (!set) {
    const Error& error = set.error();
    if (error.code() != "rim_signature" && error.code() != "rim_chain" &&
        error.code() != "rim_expired") {
      return Error(error).within(command.file);
    }
    reasons.push_back(std::string(error.code()) + ": " + error.detail());
  }
  if (set && !command.out.empty()) COCOON_CHECK(write_file(command.out, set->text()));
  Report out;
  out.flag("accepted", set.has_value()).list("reasons", std::move(reasons));
  out.section("measurement_set", set ? describe(*set) : Report());
  out.list("not_checked",
           {"revocation of the signers' certificates (NVIDIA offers OCSP only)",
            "that the manifest is about the part that was named, and is NVIDIA's newest"});
  out.print(command.json);
  return set ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
