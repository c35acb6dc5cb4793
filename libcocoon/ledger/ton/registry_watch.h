#pragma once
/// @file Keeps a node's registry up to date: the keepers' file, the ledger's root and the disk
/// around a RegistryKeeper.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cocoon/callback.h"
#include "io/context.h"
#include "io/jobs.h"
#include "io/timer.h"
#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_keeper.h"
#include "ledger/ton/toncenter.h"

namespace cocoon::ledger {

struct RegistryWatchOptions {
  TonSite site;
  RegistryKeepers keepers;
  std::string file;   ///< what keepers have signed; may be replaced at any time
  std::string cache;  ///< what this node keeps of it
  Seconds max_age{};
  Millis poll{};
  Logger log;
};

/// Loop thread only.
class RegistryWatch {
 public:
  /// Reads both files (blocking). A cache that is damaged, or whose signatures do not suffice any
  /// more, is as good as none.
  /// @param toncenter outlives this
  /// Errors: those of check_keepers(); io where the system gives no thread, or the file is there
  /// and cannot be read.
  static Result<std::unique_ptr<RegistryWatch>> open(const io::Context& context,
                                                     Toncenter& toncenter,
                                                     RegistryWatchOptions options);

  /// The registry after one more look at file and ledger, or as it was known before where the
  /// ledger does not answer. `done` follows on the loop, never inside the call; it may destroy
  /// this. Errors: those of RegistryKeeper::current().
  void read(Callback<void(Result<billing::Registry>)> done);

  /// Looks again and again from now on; `changed` is called when read() would answer otherwise.
  void watch(Callback<void()> changed);

 private:
  struct RootReading {
    billing::Registry registry;
    UnixTime time{};  ///< of the reading, by the ledger's clock
  };

  RegistryWatch(const io::Context& context, Toncenter& toncenter, RegistryWatchOptions options,
                io::JobPool jobs);

  void look();
  void look_at_file();
  void offer(const Result<std::optional<Bytes>>& file);
  void look_at_ledger();
  void on_root(const Result<RootReading>& root);
  /// Callbacks may destroy this.
  void looked();
  void save_if_due();

  Toncenter& toncenter_;
  RegistryWatchOptions options_;
  RegistryKeeper keeper_;
  io::JobPool jobs_;
  io::Timer timer_;
  bool looking_ = false;
  bool watching_ = false;
  bool away_ = false;     ///< the last look at the ledger failed: it was reported
  bool unsaved_ = false;  ///< something changed that must be on disk
  MonoTime save_at_{};    ///< when the time of the last look is to be written again
  Bytes last_file_;       ///< so that a bad file is reported once
  std::optional<billing::Registry> known_;  ///< the last one that read() answered
  bool usable_ = false;                     ///< whether it still does
  std::vector<Callback<void(Result<billing::Registry>)>> waiting_;
  Callback<void()> changed_;
  std::shared_ptr<bool> alive_;
};

}  // namespace cocoon::ledger
