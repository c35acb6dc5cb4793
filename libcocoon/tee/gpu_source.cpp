#include "tee/gpu_source.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>

#include "base/limits.h"
#include "tee/nvml.h"

namespace cocoon::tee {
namespace {

/// Read anew each time: who replaces the files ahead of a driver's update need not restart.
Result<attest::GpuMeasurementSet> read_set(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char piece[16 * 1024];
  while (in && text.size() <= limits::kMaxGpuMeasurementsBytes) {
    in.read(piece, sizeof piece);
    text.append(piece, static_cast<std::size_t>(in.gcount()));
  }
  if (text.empty()) {
    return Error(ErrorKind::io, "gpu_set_unreadable",
                 "cannot read the measurement set " + path +
                     ": cocoon-attest rim makes it of NVIDIA's manifest");
  }
  auto set = attest::GpuMeasurementSet::parse(text);
  if (!set) return std::move(set).error().within(path);
  return set;
}

}  // namespace

Result<attest::GpuBundle> collect_gpus(const EvidenceSource& options, const Hash& nonce) {
  if (options.gpu_set_files.size() > limits::kMaxGpuSets) {
    return Error(ErrorKind::invalid_argument, "gpu_too_many_sets",
                 fmt::format("{} measurement sets are listed, and a node shows {} at most",
                             options.gpu_set_files.size(), limits::kMaxGpuSets));
  }
  attest::GpuBundle out;
  for (const std::string& path : options.gpu_set_files) {
    COCOON_TRY(attest::GpuMeasurementSet set, read_set(path));
    out.sets.push_back(std::move(set));
  }
  COCOON_TRY(out.gpus, nvml_evidence(options.nvml, nonce));
  return out;
}

GpuSource::GpuSource(EvidenceSource options, io::JobPool& jobs)
    : options_(std::make_shared<const EvidenceSource>(std::move(options))), jobs_(jobs) {}

void GpuSource::collect(const Hash& nonce, Callback<void(Result<attest::GpuBundle>)> done) {
  struct Job {
    std::optional<Result<attest::GpuBundle>> bundle;
    Callback<void(Result<attest::GpuBundle>)> done;
  };
  auto job = std::make_shared<Job>();
  job->done = std::move(done);
  auto status = jobs_.submit(
      io::JobClass::urgent,
      [job, options = options_, nonce] { job->bundle = collect_gpus(*options, nonce); },
      [job] { job->done(std::move(*job->bundle)); });
  if (!status) job->done(status.error());
}

}  // namespace cocoon::tee
