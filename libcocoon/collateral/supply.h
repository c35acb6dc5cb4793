#pragma once
/// @file Supplies a node with collateral: files, PCS or PCCS, and the clock around a Stock.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "attest/trusted_root.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/metrics.h"
#include "cocoon/result.h"
#include "collateral/fetch.h"
#include "collateral/stock.h"
#include "io/context.h"
#include "io/http_client.h"
#include "io/jobs.h"
#include "io/timer.h"
#include "io/turn.h"

namespace cocoon::collateral {

struct SupplyOptions {
  CollateralSource source;
  /// Where what was fetched is kept; made when there is something.
  std::string folder;
  /// Whose signatures count. Tests make their own.
  attest::TrustedRoot root = attest::TrustedRoot::intel();
  /// How long somebody waits for what is not held.
  Millis patience = limits::kCollateralPatience;
  Logger log;
  std::shared_ptr<Metrics> metrics;  ///< may be null
};

/// One per node. Loop thread only. Files are read and written, and collateral is examined, on a
/// thread of its own; a service that is slow or dead delays only those who need what is not held.
class Supply {
 public:
  /// No network yet. Errors: invalid_argument/bad_option (the URL is not https:// and a host, or
  /// there is neither URL nor bundle), io/ca_file_unreadable, those of JobPool::start.
  /// @param random outlives the supply
  static Result<std::unique_ptr<Supply>> create(const io::Context& context, SupplyOptions options,
                                                Random& random);
  /// Nobody who waits is called any more.
  ~Supply();

  const attest::TrustedRoot& root() const { return options_.root; }
  /// What is held now.
  std::shared_ptr<const Holdings> holdings() const { return stock_.holdings(); }

  /// Gets collateral that is not held. `done` follows on the loop, never inside this call, when
  /// patience is at an end at the latest.
  /// @param quote one of that platform for which lacks_only_collateral() holds
  /// Errors: as Stock::need().
  void need(const Platform& platform, Bytes quote, Callback<void(Result<HeldPtr>)> done);

 private:
  Supply(const io::Context& context, SupplyOptions options, io::JobPool jobs, Random& random);

  void work();
  void carry_out(Stock::Read& read);
  void carry_out(Stock::Fetch& fetch);
  void carry_out(Stock::Save& save);
  void carry_out(Stock::Answer& answer);
  void carry_out(Stock::Report& report);
  void examine_fetched(const Platform& platform, Quote quote,
                       Result<attest::CollateralText> fetched);
  void fetched(const Platform& platform, Result<HeldPtr> found);
  void count();

  SupplyOptions options_;
  Service service_;
  io::Context context_;
  io::JobPool jobs_;
  Stock stock_;
  io::TurnHook hook_;
  io::Timer timer_;
  std::optional<io::HttpClient> client_;  ///< from the first fetch on: it costs memory
  std::map<std::string, std::unique_ptr<Fetch>> fetches_;
  Stock::Ticket last_ticket_ = 0;
  std::map<Stock::Ticket, Callback<void(Result<HeldPtr>)>> waiting_;
};

/// What is wrong with a source, if anything. Errors: invalid_argument/bad_option.
Status check_source(const CollateralSource& source);

}  // namespace cocoon::collateral
