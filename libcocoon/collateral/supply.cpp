#include "collateral/supply.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/limits.h"
#include "codec/hex.h"
#include "collateral/files.h"
#include "io/clock.h"

namespace cocoon::collateral {
namespace {

Error bad_option(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_option", std::move(detail));
}

/// The newest collateral in any of the folders that fits, or why there is none. What is damaged or
/// does not fit is only worth a line in the log: there may be other sources.
struct FoundInFiles {
  HeldPtr held;
  std::vector<Error> problems;
};

FoundInFiles look_into(const std::vector<std::string>& folders, const Platform& platform,
                       ByteView quote, const attest::TrustedRoot& root, UnixTime now) {
  FoundInFiles out;
  for (const std::string& folder : folders) {
    const std::string path = file_of(folder, platform);
    auto text = read_collateral(path);
    if (!text) {
      if (text.error().kind() != ErrorKind::not_found) out.problems.push_back(text.error());
      continue;
    }
    auto held = examine(*text, quote, root, now);
    if (!held) {
      out.problems.push_back(std::move(held).error().within(path));
    } else if (!out.held || (*held)->issued > out.held->issued) {
      out.held = std::move(*held);
    }
  }
  return out;
}

/// Where nothing is fetched: what the operator has to do.
Error no_file(const std::string& bundle, const Platform& platform) {
  return Error(
      ErrorKind::not_found, "collateral_no_file",
      fmt::format("{} has no good one, and without \"url\" in [collateral] nothing is "
                  "fetched: where there is a network, run cocoon-attest fetch-collateral "
                  "--tee {} --fmspc {} --ca {} --out {}",
                  file_of(bundle, platform), to_string(platform.tee), to_hex(platform.fmspc),
                  platform.ca == PckCa::processor ? "processor" : "platform",
                  file_of(bundle, platform)));
}

Error advised(Error error) {
  const bool network = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout;
  if (!network || error.code() == "collateral_unavailable") return error;
  return Error(error.kind(), error.code(),
               error.detail() +
                   ": check \"url\" and \"ca_file\" in [collateral], and that this "
                   "machine reaches the service");
}

io::HttpClientOptions client_options(const CollateralSource& source) {
  io::HttpClientOptions out;
  out.max_connections = limits::kCollateralConnections;
  out.ca_file = source.ca_file;
  return out;
}

}  // namespace

Status check_source(const CollateralSource& source) {
  if (source.url.empty()) {
    if (source.bundle_dir.empty()) {
      return bad_option("collateral has neither a URL nor a bundle: no platform can be verified");
    }
    return ok();
  }
  COCOON_CHECK(io::check_http_url(source.url));
  constexpr std::string_view kScheme = "https://";
  std::string_view host = source.url;
  if (!host.starts_with(kScheme)) {
    return bad_option("the URL of collateral must begin with https://, not " + source.url);
  }
  host.remove_prefix(kScheme.size());
  while (host.ends_with('/')) host.remove_suffix(1);
  if (host.find_first_of("/?#") != std::string_view::npos) {
    return bad_option(
        "the URL of collateral goes without a path, such as "
        "https://pccs.example:8081, not " +
        source.url);
  }
  return ok();
}

Result<std::unique_ptr<Supply>> Supply::create(const io::Context& context, SupplyOptions options,
                                               Random& random) {
  COCOON_CHECK(check_source(options.source));
  if (const std::string& ca = options.source.ca_file; !ca.empty() && !std::ifstream(ca)) {
    return Error(ErrorKind::io, "ca_file_unreadable", "cannot read the ca_file " + ca);
  }
  io::JobPoolOptions pool;
  pool.name = "cocoon-pcs";
  // A platform has one question under way, and perhaps a file to be written.
  pool.queue_bounds = {0, 0, 2 * limits::kMaxCollateralPlatforms};
  COCOON_TRY(auto jobs, io::JobPool::start(context, pool));
  return std::unique_ptr<Supply>(new Supply(context, std::move(options), std::move(jobs), random));
}

Supply::Supply(const io::Context& context, SupplyOptions options, io::JobPool jobs, Random& random)
    : options_(std::move(options)),
      service_{options_.source.url, options_.source.update},
      context_(context),
      jobs_(std::move(jobs)),
      stock_(options_.source.url, options_.patience, random),
      hook_(context, io::TurnPhase::work, [this] { work(); }),
      timer_(context, [this] {
        stock_.on_time(io::now());
        hook_.arm();
      }) {}

Supply::~Supply() = default;

void Supply::need(const Platform& platform, Bytes quote, Callback<void(Result<HeldPtr>)> done) {
  const Stock::Ticket ticket = ++last_ticket_;
  waiting_.emplace(ticket, std::move(done));
  stock_.need(ticket, platform, std::make_shared<const Bytes>(std::move(quote)), io::now());
  hook_.arm();
}

void Supply::work() {
  for (Stock::Effect& effect : stock_.take_effects()) {
    std::visit([this](auto& e) { carry_out(e); }, effect);
  }
  timer_.set(stock_.next_deadline());
}

// --- Effects ---

void Supply::carry_out(Stock::Read& read) {
  std::vector<std::string> folders{options_.folder};
  if (!options_.source.bundle_dir.empty()) folders.push_back(options_.source.bundle_dir);
  auto found = std::make_shared<FoundInFiles>();
  const Platform platform = read.platform;
  const Status submitted = jobs_.submit(
      io::JobClass::background,
      [found, folders, platform, quote = read.quote, root = options_.root] {
        *found = look_into(folders, platform, *quote, root, io::now().unix);
      },
      [this, found, platform] {
        for (const Error& problem : found->problems) {
          options_.log.warning("a file of collateral is not used: {}", problem.detail());
        }
        Result<HeldPtr> held = found->held ? Result<HeldPtr>(found->held)
                                           : no_file(options_.source.bundle_dir, platform);
        stock_.on_read(platform, std::move(held), io::now());
        hook_.arm();
      });
  if (submitted) return;
  stock_.on_read(platform, submitted.error(), io::now());
  hook_.arm();
}

void Supply::carry_out(Stock::Fetch& fetch) {
  if (!client_) client_.emplace(context_, client_options(options_.source));
  const Platform platform = fetch.platform;
  auto started =
      Fetch::start(*client_, service_, platform,
                   [this, platform, quote = fetch.quote](Result<attest::CollateralText> text) {
                     fetches_.erase(name_of(platform));
                     examine_fetched(platform, quote, std::move(text));
                   });
  if (!started) return fetched(platform, started.error());
  fetches_[name_of(platform)] = std::move(*started);
}

void Supply::examine_fetched(const Platform& platform, Quote quote,
                             Result<attest::CollateralText> text) {
  if (!text) return fetched(platform, advised(std::move(text).error()));
  struct Examined {
    attest::CollateralText text;
    std::optional<Result<HeldPtr>> held;
  };
  auto examined = std::make_shared<Examined>();
  examined->text = std::move(*text);
  const Status submitted = jobs_.submit(
      io::JobClass::background,
      [examined, quote = std::move(quote), root = options_.root] {
        examined->held = examine(examined->text, *quote, root, io::now().unix);
      },
      [this, examined, platform] {
        Result<HeldPtr> held = std::move(*examined->held);
        if (!held) held = std::move(held).error().within("what " + service_.url + " gave");
        fetched(platform, std::move(held));
      });
  if (!submitted) fetched(platform, submitted.error());
}

void Supply::fetched(const Platform& platform, Result<HeldPtr> found) {
  if (options_.metrics) {
    options_.metrics->add("cocoon_collateral_fetches_total", 1, found ? "done" : "failed");
  }
  stock_.on_fetched(platform, std::move(found), io::now());
  hook_.arm();
}

void Supply::carry_out(Stock::Save& save) {
  auto written = std::make_shared<Status>(ok());
  const std::string path = file_of(options_.folder, save.platform);
  const Status submitted = jobs_.submit(
      io::JobClass::background,
      [written, path, held = save.held] { *written = write_collateral(path, *held->json); },
      [this, written] {
        if (*written) return;
        options_.log.warning("{}; it is held in memory only, and fetched again after a restart",
                             written->error().detail());
      });
  if (!submitted) options_.log.warning("{} is not written: {}", path, submitted.error().detail());
}

void Supply::carry_out(Stock::Answer& answer) {
  auto waiting = waiting_.extract(answer.ticket);
  if (waiting) waiting.mapped()(std::move(answer.held));
}

void Supply::carry_out(Stock::Report& report) {
  switch (report.level) {
    case LogLevel::debug: return options_.log.debug("{}", report.message);
    case LogLevel::info: options_.log.info("{}", report.message); break;
    case LogLevel::warning: options_.log.warning("{}", report.message); break;
    case LogLevel::error: options_.log.error("{}", report.message); break;
  }
  count();  // whatever is worth a line may have changed what is held
}

void Supply::count() {
  if (!options_.metrics) return;
  const auto holdings = stock_.holdings();
  const auto timestamp = [](UnixTime time) { return static_cast<double>(to_unix_seconds(time)); };
  options_.metrics->set("cocoon_collateral_platforms", static_cast<double>(holdings->size()));
  UnixTime issued = UnixTime::max();
  UnixTime expires = UnixTime::max();
  for (const auto& [name, held] : *holdings) {
    issued = std::min(issued, held->issued);
    expires = std::min(expires, held->expires);
  }
  const bool any = !holdings->empty();
  options_.metrics->set("cocoon_collateral_issued_timestamp_seconds", any ? timestamp(issued) : 0);
  options_.metrics->set("cocoon_collateral_expires_timestamp_seconds",
                        any ? timestamp(expires) : 0);
}

}  // namespace cocoon::collateral
