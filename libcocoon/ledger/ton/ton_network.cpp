#include "ledger/ton/ton_network.h"

#include <fmt/format.h>

#include <fstream>

#include "base/limits.h"
#include "codec/hex.h"
#include "ton/address.h"

namespace cocoon::ledger {
namespace {

Error bad_option(std::string_view key, std::string_view expected) {
  return Error(ErrorKind::invalid_argument, "bad_option",
               fmt::format("{} of a network on TON has to be {}", key, expected));
}

Result<TonSite> site_of(const TonNetwork& ton) {
  const auto network = array_from_hex<16>(ton.network);
  if (!network) return bad_option("network", "32 hexadecimal digits");
  auto root = ton::parse_address(ton.root);
  if (!root) return Error(root.error()).within("root");
  return TonSite{NetworkId{*network}, root->address,
                 ton.testnet ? ton::WalletNetwork::testnet : ton::WalletNetwork::mainnet};
}

Result<RegistryKeepers> keepers_of(const TonNetwork& ton) {
  RegistryKeepers out;
  for (const std::string& keeper : ton.keepers) {
    const auto key = array_from_hex<32>(keeper);
    if (!key) return bad_option("keepers", "a list of keys, 64 hexadecimal digits each");
    out.keys.push_back(AccountId{*key});
  }
  out.needed = ton.keepers_needed;
  return out;
}

}  // namespace

Result<std::string> read_api_key(const std::string& path) {
  std::string key;
  if (path.empty()) return key;
  std::ifstream in(path);
  std::string text(limits::kMaxTonApiKeyBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  key = text.substr(0, text.find_first_of(" \t\r\n"));
  if (!key.empty() && key.size() <= limits::kMaxTonApiKeyBytes) return key;
  return Error(ErrorKind::io, "api_key_unreadable",
               fmt::format("{} has no key for the TON API in it: expected one line of at most {} "
                           "characters",
                           path, limits::kMaxTonApiKeyBytes));
}

Result<TonLedgerOptions> ton_ledger_options(const TonNetwork& ton, const std::string& state_dir) {
  TonLedgerOptions out;
  COCOON_TRY(out.site, site_of(ton));
  COCOON_TRY(out.keepers, keepers_of(ton));
  COCOON_TRY(const std::string key, read_api_key(ton.api_key_file));
  for (const std::string& url : ton.endpoints) out.api.endpoints.push_back({url, key, 0});
  out.api.ca_file = ton.ca_file;
  out.registry_file = ton.registry_file;
  out.registry_cache = state_dir + "/registry.cache";
  out.registry_max_age = ton.registry_max_age;
  return out;
}

}  // namespace cocoon::ledger
