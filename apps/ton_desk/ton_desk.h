#pragma once
/// @file A ledger on TON to ask, one question after the other, beside what the ledger port is for.

#include <memory>

#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "crypto/system_random.h"
#include "ledger/ton/ton_port.h"
#include "on_loop/own_loop.h"

namespace cocoon::app {

/// The ledger's parts on a loop of their own; each call waits for what comes of it.
class TonDesk {
 public:
  /// No network yet. For account() alone, `options.api` is enough.
  /// Errors: those of OwnLoop::start() and Toncenter::create().
  static Result<TonDesk> open(ledger::TonLedgerOptions options);

  /// Errors: those of Toncenter.
  Result<ledger::AccountReading> account(const ton::Address& address);

  /// Asks as that account. Errors: those of TonLedgerPort.
  Result<ports::LedgerReply> ask(const crypto::SigningKey& self, ports::LedgerRequest request);
  /// A message from that account's wallet. Errors: those of TonLedgerPort::open() and
  /// Wallet::send().
  Status send(const crypto::SigningKey& self, ledger::WalletOrder order);

  const ledger::TonLedgerOptions& options() const { return options_; }

 private:
  struct OnLoop {
    explicit OnLoop(const io::Context& c) : context(c) {}
    const io::Context& context;
    crypto::SystemRandom random;
    std::unique_ptr<ledger::Toncenter> reader;
    std::unique_ptr<ledger::TonLedgerPort> port;  ///< of who asked last
  };

  TonDesk(OwnLoop<OnLoop> loop, ledger::TonLedgerOptions options)
      : loop_(std::move(loop)), options_(std::move(options)) {}

  Status open_port(OnLoop& parts, const crypto::SigningKey& self) const;

  OwnLoop<OnLoop> loop_;
  ledger::TonLedgerOptions options_;
};

}  // namespace cocoon::app
