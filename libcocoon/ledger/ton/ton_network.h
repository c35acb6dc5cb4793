#pragma once
/// @file A node's settings for a network on TON, as the port's options.

#include <string>

#include "cocoon/ledger.h"
#include "ledger/ton/ton_port.h"

namespace cocoon::ledger {

/// Reads the file with the API's key. What remains to be set is the log.
/// @param state_dir for what is remembered of the registry
/// Errors: invalid_argument/bad_option, invalid_argument/address_invalid; io/api_key_unreadable.
Result<TonLedgerOptions> ton_ledger_options(const TonNetwork& ton, const std::string& state_dir);

/// The key for an API: the first word of the file; empty where `path` is.
/// Errors: io/api_key_unreadable.
Result<std::string> read_api_key(const std::string& path);

}  // namespace cocoon::ledger
