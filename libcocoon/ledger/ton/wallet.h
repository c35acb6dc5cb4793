#pragma once
/// @file A node's wallet at work: the loop around a WalletCore.

#include <map>
#include <string>

#include "base/log.h"
#include "cocoon/callback.h"
#include "io/context.h"
#include "io/timer.h"
#include "ledger/ton/toncenter.h"
#include "ledger/ton/wallet_core.h"

namespace cocoon::ledger {

/// Sends messages from an account's wallet, in order, several in one transfer. Two processes with
/// one key disturb each other (each takes the other's transfer for its own): one node, one account.
/// Loop thread only.
class Wallet {
 public:
  /// @param toncenter outlives the wallet
  /// @param poll between two looks while a transfer is under way
  Wallet(const io::Context& context, Toncenter& toncenter, const crypto::SigningKey& key,
         ton::WalletNetwork network, Millis poll, Logger log);

  const ton::Address& address() const { return address_; }

  /// `done` follows on the loop, never inside the call; it may destroy the wallet. Success says
  /// that the API shows the wallet to be past the transfer: whether the message had its effect, the
  /// state of its receiver tells. Errors: payment/wallet_empty; timeout/ledger_timeout: it was not
  /// sent and will not be; busy/ledger_queue_full; invalid_argument.
  void send(WalletOrder order, Callback<void(Status)> done);

 private:
  void look();
  void looked(const Result<AccountReading>& account);
  /// Logs it, once until it is over.
  void report(std::string problem);
  /// A callback may destroy this.
  void act();

  Toncenter& toncenter_;
  AccountId owner_;
  ton::Address address_;
  WalletCore core_;
  Millis poll_;
  Logger log_;
  io::Timer next_look_;
  bool looking_ = false;
  std::string problem_;  ///< why the wallet cannot be read; empty: it can
  WalletCore::OrderId last_order_ = 0;
  std::map<WalletCore::OrderId, Callback<void(Status)>> waiting_;
  std::vector<std::pair<WalletCore::OrderId, Status>> refused_;  ///< not even taken
  std::shared_ptr<bool> alive_;
};

}  // namespace cocoon::ledger
