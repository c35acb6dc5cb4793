#include "tee/source.h"

#include "tee/simulated.h"

namespace cocoon::tee {

Result<std::unique_ptr<Source>> open_source(const EvidenceSource& options,
                                            attest::EvidenceRole role, io::JobPool& jobs) {
  switch (options.kind) {
    case EvidenceSource::Kind::simulated: return open_simulated(options.simulated_dir, role, jobs);
    case EvidenceSource::Kind::tdx:
      return Error(ErrorKind::unavailable, "tdx_unavailable",
                   "this version makes no TDX quotes yet; on a development network set "
                   "evidence.source = \"simulated\"");
  }
  return Error(ErrorKind::internal, "evidence_source", "unknown evidence source");
}

}  // namespace cocoon::tee
