#pragma once
/// @file The Ledger port on TON: contracts behind toncenter's API.

#include <memory>
#include <string>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_snapshot.h"
#include "ledger/ton/toncenter.h"
#include "ledger/ton/wallet_core.h"
#include "ports/ledger.h"

namespace cocoon::ledger {

struct TonLedgerOptions {
  TonSite site;
  ToncenterOptions api;
  RegistryKeepers keepers;
  /// The newest registry that keepers have signed: put there by whoever runs the node, and looked
  /// at again and again.
  std::string registry_file;
  /// Where the node keeps what it knows of the registry, for a start while the ledger is away.
  std::string registry_cache;
  Seconds registry_max_age = limits::kRegistryMaxAge;
  Millis registry_poll = limits::kTonRegistryPoll;
  /// Between two looks at a contract or wallet from which something is expected.
  Millis poll = limits::kTonPoll;
  Logger log;
};

/// A write is answered by what the contract's state is afterwards, and where the state shows before
/// that the contract would refuse it, without sending anything. Loop thread only.
///
/// Beside the port's own errors, reads fail with those of the views (contract_views.h) and
/// ReadRegistry with those of RegistryKeeper::current().
class TonLedgerPort final : public ports::Ledger {
 public:
  /// Reads the registry's files (blocking); no network yet.
  /// @param account sends all messages, from its wallet
  /// @param random outlives the port
  /// Errors: invalid_argument/bad_option; io where the system gives no thread; those of
  /// RegistryKeeper for a registry_file that is there and not good.
  static Result<std::unique_ptr<TonLedgerPort>> open(const io::Context& context,
                                                     TonLedgerOptions options,
                                                     const crypto::SigningKey& account,
                                                     Random& random);
  /// Does not block. What was handed in may take effect all the same; nothing is called back.
  ~TonLedgerPort() override;

  void call(ports::LedgerRequest request, Callback<void(Result<ports::LedgerReply>)> done) override;
  void watch_registry(Callback<void()> changed) override;

  /// Sends a message that is no request of the port, such as a deposit, from the account's wallet;
  /// see Wallet::send().
  void send(WalletOrder order, Callback<void(Status)> done);

 private:
  class State;
  explicit TonLedgerPort(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::ledger
