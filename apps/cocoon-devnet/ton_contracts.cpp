#include "ton_contracts.h"

#include <fmt/format.h>

#include <filesystem>

#include "attest/evidence.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "common/read_file.h"
#include "common/write_file.h"
#include "ledger/ton/registry_files.h"
#include "ledger/ton/ton_network.h"
#include "node/account_key.h"
#include "tee/source.h"
#include "ton/contract_address.h"
#include "ton_desk/ton_desk.h"

namespace cocoon::app {
namespace {

using ledger::TonLedgerOptions;

constexpr std::size_t kMaxNetworkFile = 4096;
/// What each account gets once, the client beside its deposit: the proxy's stake, and fees for
/// years.
constexpr Nano kGift{1'000'000'000'000};
/// Below 20 times the fee of a message nobody may set it (billing/registry.h); as low as that
/// allows, so that workers of a network that is only tried out are paid, too.
constexpr Nano kMinPayout{450'000'000};
/// How long those who leave wait, in seconds: long enough to be seen, short enough to be waited
/// for.
constexpr int kClientDelay = 60;
constexpr int kProxyDelay = 120;
/// As cocoon-ledger allows a model where nothing else is said.
constexpr std::uint32_t kMaxOutputTokens = 4096;
constexpr std::uint32_t kTemplateAllowance = 256;
/// The simulated platform is of number 1.
constexpr std::uint32_t kTcbFloor = 1;
/// Blocks come every 200 ms here.
constexpr Millis kPoll{100};

/// A new network for /devnet/network.
std::string network_order(const TonContracts& wanted, const AccountId& keeper) {
  const auto owner = ton::account_wallet(keeper, ton::WalletNetwork::mainnet).value();
  const auto image = [](attest::EvidenceRole role) { return tee::simulated_image(role).to_hex(); };
  return fmt::format(
      R"({{"owner":"{}","delay":0,)"
      R"("params":{{"kind":{},"min_payout":"{}","tcb_evaluation_floor":{},)"
      R"("client_close_delay":{},"proxy_close_delay":{}}},)"
      R"("proxy_images":["{}"],"worker_images":["{}"],)"
      R"("models":[{{"id":{},"max_output_tokens":{},"template_allowance_tokens":{}}}],)"
      R"("proxies":[{{"account":"{}","endpoint":{}}}]}})",
      ton::to_raw(owner), static_cast<int>(billing::NetworkKind::dev), kMinPayout.value, kTcbFloor,
      kClientDelay, kProxyDelay, image(attest::EvidenceRole::proxy),
      image(attest::EvidenceRole::worker), json::escape(wanted.model), kMaxOutputTokens,
      kTemplateAllowance, to_hex(wanted.proxy->public_key()), json::escape(wanted.proxy_endpoint));
}

/// Makes the root unless it is remembered that there is one.
Result<TonNetwork> make_network(const TonContracts& wanted, const AccountId& keeper) {
  const std::string path = ton_network_path(wanted.state);
  if (!std::filesystem::exists(path)) {
    COCOON_TRY(const std::string made,
               tell(wanted.server, "network", network_order(wanted, keeper)));
    COCOON_CHECK(write_file(path, made));
  }
  COCOON_TRY(const std::string kept, read_file(path, kMaxNetworkFile));
  const auto document = json::Document::parse(kept);
  const json::Value root = document ? document->root() : json::Value();
  TonNetwork out;
  out.network = root.find("network").as_string().value_or("");
  out.root = root.find("root").as_string().value_or("");
  out.endpoints = {wanted.server.api_url()};
  out.api_key_file = wanted.state + "/ton.key";
  out.keepers = {to_hex(keeper.view())};
  out.keepers_needed = 1;
  out.registry_file = wanted.state + "/registry.signed";
  return out;
}

/// Has the keeper sign the registry that the root shows.
Status sign_registry(const TonLedgerOptions& options, const crypto::SigningKey& keeper,
                     const billing::Registry& registry) {
  if (std::filesystem::exists(options.registry_file)) return ok();
  ledger::RegistrySnapshot snapshot{registry, {}};
  COCOON_CHECK(add_signature(snapshot, keeper));
  return ledger::write_registry_file(options.registry_file, snapshot.encode());
}

/// Gives an account money that has never had any.
Status give(TonDesk& desk, const TonServer& server, const AccountId& account, Nano amount) {
  COCOON_TRY(const auto wallet, ton::account_wallet(account, ton::WalletNetwork::mainnet));
  COCOON_TRY(const auto reading, desk.account(wallet));
  if (reading.balance > Nano{0}) return ok();
  COCOON_CHECK(
      tell(server, "faucet",
           fmt::format(R"({{"address":"{}","amount":"{}"}})", ton::to_raw(wallet), amount.value)));
  return ok();
}

/// Writes, unless an earlier life of this program has.
Status write_once(TonDesk& desk, const crypto::SigningKey& self, ports::LedgerRequest request) {
  COCOON_TRY(auto reply, desk.ask(self, std::move(request)));
  const auto* bounced = std::get_if<ports::Bounced>(&reply);
  if (bounced == nullptr) return ok();
  const auto code = bounced->error.code();
  if (code == "proxy_exists" || code == "channel_exists") return ok();
  return bounced->error;
}

Status open_channel(TonDesk& desk, const TonContracts& wanted, const NetworkId& network) {
  const AccountId proxy = wanted.proxy->account_id();
  const auto nonce = ledger::channel_nonce(network, wanted.client->account_id(), proxy, 0);
  return write_once(desk, *wanted.client, ports::OpenChannel{proxy, nonce, wanted.deposit});
}

}  // namespace

std::string ton_network_path(const std::string& state) {
  return state + "/ton-network.json";
}

Result<TonNetwork> make_ton_contracts(const TonContracts& wanted) {
  COCOON_TRY(const auto keeper, node::load_or_create_account_key(wanted.state + "/keeper"));
  COCOON_TRY(TonNetwork network, make_network(wanted, keeper.account_id()));
  COCOON_TRY(TonLedgerOptions options,
             ledger::ton_ledger_options(network, wanted.state + "/keeper"));
  // Nobody else asks yet.
  for (auto& endpoint : options.api.endpoints) endpoint.per_second = 1000;
  options.poll = kPoll;
  COCOON_TRY(TonDesk desk, TonDesk::open(options));
  COCOON_TRY(const auto root, desk.account(options.site.root));
  COCOON_TRY(const auto registry, ledger::view_registry(options.site, root));
  if (registry.find_model(wanted.model) == nullptr) {
    return Error(ErrorKind::invalid_argument, "model_not_allowed",
                 "the network in " + wanted.state + " was made without the model " + wanted.model +
                     ", and its keepers have signed that; use another --state, or --model " +
                     (registry.models.empty() ? "" : registry.models.front().id));
  }
  COCOON_CHECK(sign_registry(options, keeper, registry));
  COCOON_CHECK(give(desk, wanted.server, wanted.client->account_id(),
                    saturating_add(kGift, wanted.deposit)));
  COCOON_CHECK(give(desk, wanted.server, wanted.proxy->account_id(), kGift));
  for (const AccountId& worker : wanted.workers) {
    COCOON_CHECK(give(desk, wanted.server, worker, kGift));
  }
  COCOON_CHECK(write_once(desk, *wanted.proxy, ports::DeployProxy{registry.min_stake}));
  COCOON_CHECK(open_channel(desk, wanted, options.site.network));
  return network;
}

}  // namespace cocoon::app
