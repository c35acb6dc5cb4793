#pragma once
/// @file Where an account's money is on TON.

#include <string>

#include "account.h"

namespace cocoon::app {

/// The address to send TON to, in the form that wallets show, without bounce: it takes money before
/// it is deployed. @pre account.place.ledger.ton
Result<std::string> wallet_address(const Account& account);

}  // namespace cocoon::app
