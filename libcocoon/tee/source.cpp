#include "tee/source.h"

#include <fstream>
#include <optional>

#include "attest/event_log_claim.h"
#include "attest/quote.h"
#include "base/limits.h"
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

Source::Source(MakeQuote make, Bytes event_log, bool simulated, io::JobPool& jobs)
    : make_(std::make_shared<const MakeQuote>(std::move(make))),
      event_log_(std::move(event_log)),
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

namespace {

/// What the file at `path` has of the machine's boot; nothing where there is no path.
Result<Bytes> read_event_log(const std::string& path) {
  if (path.empty()) return Bytes();
  std::ifstream in(path, std::ios::binary);
  Bytes log(limits::kMaxEventLogBytes + 1);
  in.read(reinterpret_cast<char*>(log.data()), static_cast<std::streamsize>(log.size()));
  if (in.bad() || in.gcount() == 0) {
    return Error(ErrorKind::io, "event_log_unreadable",
                 "cannot read the event log " + path +
                     ", which event_log under [evidence] names: the kernel of a TDX guest has it "
                     "at /sys/firmware/acpi/tables/data/CCEL, for root only; without event_log "
                     "this node shows none");
  }
  log.resize(static_cast<std::size_t>(in.gcount()));
  auto claimed = attest::claimable_event_log(log);
  if (!claimed) return Error(claimed.error()).within(path);
  return claimed;
}

}  // namespace

Result<std::unique_ptr<Source>> open_source(const EvidenceSource& options,
                                            attest::EvidenceRole role, io::JobPool& jobs) {
  if (options.kind == EvidenceSource::Kind::simulated) {
    COCOON_TRY(MakeQuote make, open_simulated(options.simulated_dir, role));
    return std::make_unique<Source>(std::move(make), simulated_event_log(role), true, jobs);
  }
  COCOON_TRY(Bytes log, read_event_log(options.event_log));
  return std::make_unique<Source>(tdx_quotes({options.configfs, {}, options.qgs}), std::move(log),
                                  false, jobs);
}

}  // namespace cocoon::tee
