#pragma once
/// @file A place whose ledger is on TON.

#include "account.h"
#include "ledger/ton/ton_port.h"

namespace cocoon::app {

/// Its settings. Errors: those of ledger::ton_ledger_options(); invalid_argument/bad_value where
/// the ledger is a file on this machine: `what` is for TON then.
Result<ledger::TonLedgerOptions> ton_options(const Place& place, std::string_view what);

}  // namespace cocoon::app
