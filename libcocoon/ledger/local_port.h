#pragma once
/// @file The Ledger port on a local ledger, with a thread of its own.

#include <memory>
#include <string>

#include "base/ids.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "ports/ledger.h"

namespace cocoon::ledger {

/// Loop thread only. Time is the machine's (io::now): the processes that share the file share it.
class LocalLedgerPort final : public ports::Ledger {
 public:
  /// Opens the file (blocking) for a node that sends as `self`.
  /// Errors: those of LocalLedger::open(); io where the system gives no thread.
  static Result<std::unique_ptr<LocalLedgerPort>> open(const io::Context& context,
                                                       const std::string& path, AccountId self);

  /// Does not block. What was sent is carried out all the same; nothing is called back.
  ~LocalLedgerPort() override;

  void call(ports::LedgerRequest request, Callback<void(Result<ports::LedgerReply>)> done) override;
  void watch_registry(Callback<void()> changed) override;

  /// Drops what is unanswered, closes the file, then calls `on_stopped`, last.
  /// call() does nothing from now on. @pre not called before.
  void stop(Callback<void()> on_stopped);

 private:
  class State;
  explicit LocalLedgerPort(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::ledger
