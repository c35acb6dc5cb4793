#include "node/ledger.h"

#include "ledger/local_port.h"
#include "ledger/ton/ton_network.h"

namespace cocoon::node {

Result<std::unique_ptr<ports::Ledger>> open_ledger(const io::Context& context,
                                                   const LedgerOptions& options,
                                                   const crypto::SigningKey& account,
                                                   Random& random) {
  if (options.ton.has_value() == !options.path.empty()) {
    return Error(ErrorKind::invalid_argument, "bad_option",
                 "a node has either the file of a local ledger or a network on TON");
  }
  if (!options.ton) {
    COCOON_TRY(auto port,
               ledger::LocalLedgerPort::open(context, options.path, account.account_id()));
    return std::unique_ptr<ports::Ledger>(std::move(port));
  }
  COCOON_TRY(auto ton, ledger::ton_ledger_options(*options.ton, options.state_dir));
  ton.log = options.log;
  COCOON_TRY(auto port, ledger::TonLedgerPort::open(context, std::move(ton), account, random));
  return std::unique_ptr<ports::Ledger>(std::move(port));
}

}  // namespace cocoon::node
