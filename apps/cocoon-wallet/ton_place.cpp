#include "ton_place.h"

#include "ledger/ton/ton_network.h"

namespace cocoon::app {

Result<ledger::TonLedgerOptions> ton_options(const Place& place, std::string_view what) {
  if (!place.ledger.ton) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 std::string(what) +
                     " is for a network on TON: the ledger of this configuration is a file on this "
                     "machine, which `cocoon-ledger` administers");
  }
  COCOON_TRY(auto options, ledger::ton_ledger_options(*place.ledger.ton, place.state_dir));
  options.log = place.ledger.log;
  return options;
}

}  // namespace cocoon::app
