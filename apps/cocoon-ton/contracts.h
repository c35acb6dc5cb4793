#pragma once
/// @file The contracts that this library knows: which one an account is, and what its data says.

#include <optional>
#include <string>

#include "ledger/ton/toncenter_codec.h"
#include "sheet.h"

namespace cocoon::app {

/// Adds what an active account is, how that is known, and the fields of its data. Where the code is
/// known, the data must be that contract's; else the data's layout decides.
/// @param at where it is, if that is known: whether its address follows from its data is told
/// @param account with `code` null where only the data is known
/// Errors: invalid_argument/contract_unknown where no known contract has such data, or the code is
/// of another than the data.
Status describe(Sheet& sheet, const ledger::AccountReading& account,
                const std::optional<ton::Address>& at);

/// The same for the contracts of the network that runs on the main net. @return whether it is one
bool describe_live(Sheet& sheet, const ton::CellRef& data);

}  // namespace cocoon::app
