#pragma once
/// @file What an account's owner does with its money.

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
/// Begins to close the proxy's contract; takes stake and remainder once the delay is over.
Result<Exit> withdraw(const Common& common);

}  // namespace cocoon::app
