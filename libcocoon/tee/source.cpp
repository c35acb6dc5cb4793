#include "tee/source.h"

#include <optional>

#include "attest/quote.h"
#include "tee/simulated.h"
#include "tee/tdx.h"

namespace cocoon::tee {

Result<Bytes> check_quote(Result<Bytes> quote, const ByteArray<64>& report_data) {
  if (!quote) return quote;
  const auto parsed = attest::parse_quote(*quote);
  if (!parsed)
    return Error(parsed.error()).within("this machine made a quote that nobody can read");
  if (parsed->report_data() != report_data) {
    return Error(
        ErrorKind::attestation, "quote_of_other_data",
        "this machine made a quote over other report data than it was asked for: it is not "
        "shown to anybody; if it happens again, another program interferes, or the host "
        "is not honest");
  }
  return quote;
}

Source::Source(MakeQuote make, bool simulated, io::JobPool& jobs)
    : make_(std::make_shared<const MakeQuote>(std::move(make))),
      simulated_(simulated),
      jobs_(jobs) {}

void Source::quote(const ByteArray<64>& report_data, Callback<void(Result<Bytes>)> done) {
  struct Job {
    std::optional<Result<Bytes>> quote;
    Callback<void(Result<Bytes>)> done;
  };
  auto job = std::make_shared<Job>();
  job->done = std::move(done);
  auto status = jobs_.submit(
      io::JobClass::urgent,
      [job, make = make_, report_data] {
        job->quote = check_quote((*make)(report_data), report_data);
      },
      [job] { job->done(std::move(*job->quote)); });
  if (!status) job->done(status.error());
}

Result<std::unique_ptr<Source>> open_source(const EvidenceSource& options,
                                            attest::EvidenceRole role, io::JobPool& jobs) {
  if (options.kind == EvidenceSource::Kind::simulated) {
    COCOON_TRY(MakeQuote make, open_simulated(options.simulated_dir, role));
    return std::make_unique<Source>(std::move(make), true, jobs);
  }
  return std::make_unique<Source>(tdx_quotes({options.configfs, {}, options.qgs}), false, jobs);
}

}  // namespace cocoon::tee
