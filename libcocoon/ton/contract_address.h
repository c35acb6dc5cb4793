#pragma once
/// @file Where the contracts of libcocoon/ledger/ton/contracts live (docs/contracts.md).

#include "base/ids.h"
#include "ton/message.h"
#include "ton/wallet.h"

namespace cocoon::ton {

/// The wallet that an account is on TON: the only sender that speaks for it, and where its money
/// goes (adr/0030). Errors: those of Builder::finish.
Result<Address> account_wallet(const AccountId& account, WalletNetwork network);

/// With what a contract begins that `root` installs. Its address follows from it.
/// Errors: those of Builder::finish.
Result<StateInit> first_channel(const Address& root, const ChannelId& id);
Result<StateInit> first_proxy_contract(const Address& root, const AccountId& account);
/// The record of an account's epochs: anybody may deploy it, with the first record.
Result<StateInit> first_epoch(const NetworkId& network, const AccountId& account);

/// Hashes of the code that a root installs; an account at the right address with other code is not
/// to be trusted.
const Hash& channel_code_hash();
const Hash& proxy_contract_code_hash();

}  // namespace cocoon::ton
