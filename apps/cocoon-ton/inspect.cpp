#include <fmt/format.h>

#include "bag_file.h"
#include "commands.h"
#include "contracts.h"
#include "io/clock.h"
#include "ledger/ton/ton_network.h"
#include "sheet.h"
#include "ton_desk/ton_desk.h"

namespace cocoon::app {
namespace {

std::string_view name_of(ledger::AccountStatus status) {
  switch (status) {
    case ledger::AccountStatus::none: return "nothing installed";
    case ledger::AccountStatus::active: return "active";
    case ledger::AccountStatus::frozen: break;
  }
  return "frozen";
}

Result<ledger::AccountReading> ask(const InspectCommand& command, const ton::Address& address) {
  ledger::TonLedgerOptions options;
  COCOON_TRY(const std::string key, ledger::read_api_key(command.api_key_file));
  options.api.endpoints = {{command.api, key, 0}};
  options.api.ca_file = command.ca_file;
  COCOON_TRY(TonDesk desk, TonDesk::open(std::move(options)));
  return desk.account(address);
}

Status show_data(const InspectCommand& command) {
  COCOON_TRY(const ton::Bag bag, read_bag(command.data));
  if (bag.roots.size() != 1) {
    return Error(
        ErrorKind::invalid_argument, "boc_invalid",
        fmt::format("a contract's data is one cell; this bag has {} roots", bag.roots.size()));
  }
  ledger::AccountReading account;
  account.status = ledger::AccountStatus::active;
  account.data = bag.roots.front();
  account.time = io::now().unix;
  Sheet sheet;
  COCOON_CHECK(describe(sheet, account, {}));
  sheet.print(command.json);
  return ok();
}

}  // namespace

Status inspect(const InspectCommand& command) {
  if (command.address.empty() == command.data.empty()) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "name an address, or a file with a contract's data by --data");
  }
  if (!command.data.empty()) return show_data(command);
  COCOON_TRY(const ton::ParsedAddress parsed, ton::parse_address(command.address));
  COCOON_TRY(const auto account, ask(command, parsed.address));
  Sheet sheet;
  sheet.text("address", to_raw(parsed.address))
      .text("status", std::string(name_of(account.status)));
  sheet.amount("balance", account.balance).time("time", to_unix_seconds(account.time));
  sheet.number("last_lt", account.last_lt).hash("last_transaction", account.last_hash);
  if (account.status == ledger::AccountStatus::active) {
    const Status told = describe(sheet, account, parsed.address);
    // Not to know a contract is no failure: most are somebody else's.
    if (!told) sheet.text("contract", "unknown: " + told.error().detail());
  }
  sheet.print(command.json);
  return ok();
}

}  // namespace cocoon::app
