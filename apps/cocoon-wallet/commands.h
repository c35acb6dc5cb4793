#pragma once
/// @file What an account's owner does with its money.

#include <cstdint>
#include <optional>
#include <string>

#include "account.h"

namespace cocoon::app {

/// How a command ended; the program's exit status.
enum class Exit : int {
  done = 0,
  refused = 1,  ///< the ledger or a file says no; errors end so, too
  misuse = 2,
  not_yet = 3  ///< begun; the same command has to be given again later
};

/// What all commands share.
struct Common {
  AccountFiles files;
  bool yes = false;  ///< no questions
};

/// Makes the account's key unless it is there, and says where it is and where its money goes.
Result<Exit> create(const Common& common);

struct SendCommand {
  std::string to;
  std::string amount;
  std::string memo;
  /// The wallet's number under which it may be sent, and no other; not given: the next. Given again
  /// with the number that it printed, an interrupted one pays once.
  std::optional<std::uint32_t> number;
};
/// TON from the account's wallet to an address.
Result<Exit> send(const Common& common, const SendCommand& command);

/// The account, its wallet and what it holds on the ledger.
Result<Exit> show(const Common& common);

struct ChannelCommand {
  std::string proxy;   ///< its account
  std::string amount;  ///< open: the deposit; top-up: the deposit in all
};
/// Opens a channel, unless one is open.
Result<Exit> open_channel(const Common& common, const ChannelCommand& command);
Result<Exit> top_up(const Common& common, const ChannelCommand& command);
/// Begins to close the channel; closes it once the delay is over.
Result<Exit> leave(const Common& common, const ChannelCommand& command);

/// Deploys the proxy's contract with `stake`, or raises the stake to it.
Result<Exit> stake(const Common& common, const std::string& stake);
/// The unlocked fees, to the proxy's wallet.
Result<Exit> take_fees(const Common& common);
/// Of a proxy that is stopped: begins to close its contract; takes stake and remainder once the
/// delay is over. Refused where workers lack vouchers, unless `leave_unpaid`.
Result<Exit> withdraw(const Common& common, bool leave_unpaid);
/// Of a proxy that is stopped: presents the vouchers of all its clients, at any worth.
Result<Exit> redeem(const Common& common);
/// Of a worker that is stopped: presents the vouchers of all its proxies, at any worth.
Result<Exit> cash_out(const Common& common);

/// Whether a proxy's page of reputations, saved in `file`, is the one whose digest the ledger has.
Result<Exit> check_reputation(const Common& common, const std::string& file);

}  // namespace cocoon::app
