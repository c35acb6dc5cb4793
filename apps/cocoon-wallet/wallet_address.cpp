#include "wallet_address.h"

#include "ton/contract_address.h"

namespace cocoon::app {

Result<std::string> wallet_address(const Account& account) {
  const bool testnet = account.place.ledger.ton->testnet;
  COCOON_TRY(const ton::Address address,
             ton::account_wallet(account.id(), testnet ? ton::WalletNetwork::testnet
                                                       : ton::WalletNetwork::mainnet));
  return ton::to_friendly(address, {false, testnet});
}

}  // namespace cocoon::app
