#include <fmt/format.h>

#include <filesystem>

#include "codec/hex.h"
#include "commands.h"
#include "node/account_key.h"
#include "wallet_address.h"

namespace cocoon::app {

Result<Exit> create(const Common& common) {
  COCOON_TRY(const Place place, read_place(common.files));
  const std::string path = node::account_key_path(place.state_dir);
  const bool existed = std::filesystem::exists(path);
  COCOON_TRY(const Account account, open_account(common.files));
  fmt::print("account    {}\n", to_hex(account.id().view()));
  fmt::print("key        {} ({})\n", path, existed ? "it was there" : "made now");
  if (account.place.ledger.ton) {
    COCOON_TRY(const std::string wallet, wallet_address(account));
    fmt::print("wallet     {}\nSend TON to the wallet to fund it. ", wallet);
  }
  fmt::print("Back up the key: it is the account, and whoever has it has the money.\n");
  return Exit::done;
}

}  // namespace cocoon::app
