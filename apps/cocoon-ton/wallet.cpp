#include "ton/wallet.h"

#include <fmt/format.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "commands.h"

namespace cocoon::app {

Status show_wallet(const WalletCommand& command) {
  COCOON_TRY(const ByteArray<32> key, array_from_hex<32>(command.public_key));
  const auto version = ton::parse_wallet_version(command.version);
  if (!version) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "A wallet's version is v3r2, v4r2 or v5r1, not \"" + command.version + "\".");
  }
  const auto network =
      command.testnet ? ton::WalletNetwork::testnet : ton::WalletNetwork::mainnet;
  const ton::WalletId id = ton::default_wallet(*version, network, command.workchain);
  COCOON_TRY(const ton::Address address, ton::wallet_address(id, key));
  // Not bounceable, as wallet programs show their own: money sent before it is deployed stays there.
  const std::string friendly =
      to_friendly(address, {.bounceable = false, .testnet = command.testnet});
  if (command.json) {
    json::Writer out;
    out.begin_object().key("version").string(command.version);
    out.key("wallet_id").u64(id.number);
    out.key("raw").string(to_raw(address));
    out.key("address").string(friendly);
    fmt::print("{}\n", out.end_object().take());
    return ok();
  }
  fmt::print("address    {}\nraw        {}\nversion    {}\nwallet id  {}\n", friendly,
             to_raw(address), command.version, id.number);
  return ok();
}

}  // namespace cocoon::app
