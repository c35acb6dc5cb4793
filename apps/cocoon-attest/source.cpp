#include "attest/quote.h"
#include "commands.h"
#include "common/write_file.h"
#include "crypto/system_random.h"
#include "measurements.h"
#include "report.h"
#include "tee/simulated.h"
#include "tee/tdx.h"

namespace cocoon::app {

namespace {

/// One source, and what it answered.
struct Attempt {
  std::string source;
  Result<Bytes> quote;
};

Result<Bytes> ask_simulated(const std::string& directory, const ByteArray<64>& report_data) {
  COCOON_TRY(const tee::MakeQuote make,
             tee::open_simulated(directory, attest::EvidenceRole::worker));
  return make(report_data);
}

/// Asks every source, as a node would, for a quote over fresh random report data.
std::vector<Attempt> ask_all(const tee::TdxMachine& machine, const std::string& simulated_dir) {
  const auto report_data = crypto::SystemRandom().array<64>();
  std::vector<Attempt> out;
  for (const tee::TdxWay way : tee::kTdxWays) {
    out.push_back({std::string(tee::to_string(way)),
                   tee::check_quote(tee::tdx_quote(way, machine, report_data), report_data)});
  }
  if (!simulated_dir.empty()) {
    out.push_back(
        {"simulated", tee::check_quote(ask_simulated(simulated_dir, report_data), report_data)});
  }
  return out;
}

Report describe(const Attempt& attempt) {
  Report out;
  out.text("source", attempt.source).flag("works", attempt.quote.has_value());
  if (!attempt.quote) {
    return std::move(out.text("code", std::string(attempt.quote.error().code()))
                         .text("reason", attempt.quote.error().detail()));
  }
  out.number("quote_bytes", attempt.quote->size());
  if (const auto quote = attest::parse_quote(*attempt.quote)) {
    out.section("measurements",
                std::visit([](const auto& body) { return measurements(body); }, quote->body));
  }
  return out;
}

}  // namespace

Result<Exit> source(const SourceCommand& command) {
  COCOON_CHECK(crypto::initialise());
  tee::TdxMachine machine;
  machine.configfs = command.configfs;
  COCOON_TRY(machine.qgs, QgsAddress::from_text(command.qgs));
  const std::vector<Attempt> attempts = ask_all(machine, command.simulated_dir);
  const Bytes* first = nullptr;
  std::vector<Report> described;
  for (const Attempt& attempt : attempts) {
    if (attempt.quote && first == nullptr) first = &*attempt.quote;
    described.push_back(describe(attempt));
  }
  if (first != nullptr && !command.out.empty()) {
    COCOON_CHECK(write_file(command.out, std::string(as_text(*first))));
  }
  Report out;
  out.flag("works", first != nullptr).sections("sources", std::move(described));
  out.print(command.json);
  return first != nullptr ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
