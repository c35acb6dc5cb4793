#pragma once
/// @file A ledger to ask, one question after the other.

#include <memory>

#include "account.h"
#include "crypto/system_random.h"
#include "on_loop/own_loop.h"
#include "ports/ledger.h"

namespace cocoon::app {

/// Runs the account's ledger port on a loop of its own.
class Session {
 public:
  /// Errors: those of OwnLoop::start() and node::open_ledger().
  static Result<Session> open(const Account& account);

  /// Asks, and waits. Errors: those of the port; a refused write is the error that refused it.
  Result<ports::LedgerReply> ask(ports::LedgerRequest request);
  /// The reply, which is of that kind.
  template <class T>
  Result<T> read(ports::LedgerRequest request) {
    COCOON_TRY(ports::LedgerReply reply, ask(std::move(request)));
    return std::get<T>(std::move(reply));
  }
  /// Now, by the ledger's clock, which is the one that delays go by.
  Result<UnixTime> time();
  /// A write that has taken effect.
  Status write(ports::LedgerRequest request);

 private:
  struct Desk {
    explicit Desk(const io::Context& c) : context(c) {}
    const io::Context& context;
    crypto::SystemRandom random;
    std::unique_ptr<ports::Ledger> ledger;
  };
  explicit Session(OwnLoop<Desk> loop) : loop_(std::move(loop)) {}

  OwnLoop<Desk> loop_;
};

}  // namespace cocoon::app
