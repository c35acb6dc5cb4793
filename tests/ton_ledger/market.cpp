#include "ton_ledger/market.h"

#include <fmt/format.h>

#include "codec/hex.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "ledger/ton/registry_files.h"
#include "ton/contract_address.h"
#include "ton/contract_message.h"

namespace cocoon::ledger::test {

crypto::SigningKey key_of(std::string_view name) {
  return crypto::SigningKey::from_seed(crypto::sha256(as_bytes(name)));
}

Market::Market(int block_ms) : devnet_(block_ms) {
  http_.emplace(context());
}

std::string Market::tell(const std::string& path, const std::string& json) {
  std::string base = devnet_.url();
  base.erase(base.find("/api/v2"));
  io::HttpRequest request;
  request.method = io::HttpMethod::post;
  request.url = base + "/devnet/" + path;
  request.fields.push_back({"Content-Type", "application/json"});
  request.body = json;
  request.max_body_bytes = 1024 * 1024;
  std::optional<Result<io::HttpAnswer>> got;
  auto transfer = io::fetch(*http_, std::move(request),
                            [&](Result<io::HttpAnswer> a) { got.emplace(std::move(a)); });
  EXPECT_TRUE(transfer);
  run_until([&] { return got.has_value(); });
  if (!got || !*got) return {};
  EXPECT_EQ((*got)->head.status, 200) << path << ": " << (*got)->body;
  auto document = json::Document::parse((*got)->body);
  return document ? std::string(document->root().find("result").raw()) : std::string();
}

void Market::no_faults() {
  faults(R"({"delay_ms":0,"errors":[],"drop":0,"duplicate":0,"order":null,"hold":[],"stale":0,)"
         R"("lies":[]})");
}

ton::Address Market::wallet_of(std::string_view name) const {
  return ton::account_wallet(id_of(name), ton::WalletNetwork::mainnet).value();
}

void Market::give(const AccountId& account, std::uint64_t nano) {
  const auto wallet = ton::account_wallet(account, ton::WalletNetwork::mainnet).value();
  tell("faucet", fmt::format(R"({{"address":"{}","amount":"{}"}})", ton::to_raw(wallet), nano));
}

void Market::SetUp() {
  ASSERT_FALSE(devnet_.url().empty());
  const std::string made =
      tell("network",
           fmt::format(R"({{"owner":"{}","delay":0,"proxy_images":["{}"],"worker_images":["{}"],)"
                       R"("models":[{{"id":"m@1:2","max_output_tokens":4096,)"
                       R"("template_allowance_tokens":64}}],)"
                       R"("proxies":[{{"account":"{}","endpoint":"proxy.example:7443"}}]}})",
                       ton::to_raw(wallet_of("owner")), std::string(64, '1'), std::string(64, '2'),
                       to_hex(id_of("proxy").view())));
  const auto network = json::Document::parse(made).value();
  site_.root = ton::parse_address(network.root().find("root").as_string().value()).value().address;
  site_.network.bytes =
      array_from_hex<16>(network.root().find("network").as_string().value()).value();
  for (const std::string_view name : {"client", "proxy", "worker", "owner"}) {
    give(id_of(name), 100 * kTon);
  }
  // The keepers sign what they see.
  ToncenterOptions options;
  options.endpoints = {{devnet_.url(), "", 1000}};
  const auto reader = Toncenter::create(context(), options, random_).value();
  std::optional<Result<AccountReading>> root;
  reader->account(site_.root, [&](Result<AccountReading> r) { root.emplace(std::move(r)); });
  run_until([&] { return root.has_value(); });
  ASSERT_TRUE(*root) << root->error().detail();
  auto registry = view_registry(site_, **root);
  ASSERT_TRUE(registry) << registry.error().detail();
  RegistrySnapshot snapshot{*registry, {}};
  ASSERT_TRUE(add_signature(snapshot, key_of("keeper 1")));
  ASSERT_TRUE(add_signature(snapshot, key_of("keeper 2")));
  ASSERT_TRUE(write_registry_file(folder_.file("registry.signed"), snapshot.encode()));
  client_ = open("client");
  proxy_ = open("proxy");
  worker_ = open("worker");
}

std::unique_ptr<TonLedgerPort> Market::open(std::string_view name) {
  TonLedgerOptions options;
  options.site = site_;
  options.api.endpoints = {{devnet_.url(), "", 1000}};
  // Tests move the chain's clock.
  options.api.clock_tolerance = Seconds{30 * 24 * 3600};
  options.keepers = {{id_of("keeper 1"), id_of("keeper 2"), id_of("keeper 3")}, 2};
  options.registry_file = folder_.file("registry.signed");
  options.registry_cache = folder_.file(std::string(name) + ".registry");
  options.registry_poll = Millis{100};
  options.poll = Millis{100};
  auto port = TonLedgerPort::open(context(), std::move(options), key_of(name), random_);
  EXPECT_TRUE(port) << port.error().detail();
  return std::move(*port);
}

Result<ports::LedgerReply> Market::ask(TonLedgerPort& port, ports::LedgerRequest request) {
  std::optional<Result<ports::LedgerReply>> got;
  port.call(std::move(request), [&](Result<ports::LedgerReply> r) { got.emplace(std::move(r)); });
  EXPECT_FALSE(got) << "answered inside the call";
  run_until([&] { return got.has_value(); });
  return got ? std::move(*got) : Error(ErrorKind::internal, "no_answer", "no answer");
}

void Market::expect_confirmed(TonLedgerPort& port, ports::LedgerRequest request) {
  (void)expect<ports::Confirmed>(port, std::move(request));
}

void Market::expect_bounced(TonLedgerPort& port, ports::LedgerRequest request,
                            std::string_view code) {
  const auto bounced = expect<ports::Bounced>(port, std::move(request));
  EXPECT_EQ(bounced.error.code(), code) << bounced.error.detail();
}

Status Market::send(TonLedgerPort& port, const ton::Address& to, std::uint64_t nano,
                    ton::CellRef body) {
  std::optional<Status> got;
  port.send({to, Nano{nano}, std::move(body), {}}, [&](Status s) { got.emplace(std::move(s)); });
  run_until([&] { return got.has_value(); });
  return got ? std::move(*got) : Status(Error(ErrorKind::internal, "no_answer", "no answer"));
}

void Market::do_business() {
  const AccountId client = id_of("client");
  const AccountId proxy = id_of("proxy");
  const auto nonce = channel_nonce(site_.network, client, proxy, 0);
  channel_id_ = billing::channel_address(site_.network, client, proxy, client, nonce);
  ASSERT_FALSE(expect<ports::ChannelView>(*client_, ports::FindChannel{client, proxy}).channel);
  ASSERT_FALSE(expect<ports::ProxyView>(*proxy_, ports::ReadProxy{proxy}).proxy);
  ASSERT_TRUE(send(*client_, site_.root, kDeposit + kTon / 4,
                   ton::open_channel_body({client, proxy, client, nonce, Nano{kDeposit}}).value()));
  ASSERT_TRUE(send(*proxy_, site_.root, 10 * kTon + 2 * kTon / 5,
                   ton::deploy_proxy_body(proxy, Nano{10 * kTon}).value()));
  while (!expect<ports::ChannelView>(*client_, ports::FindChannel{client, proxy}).channel) {
  }
  while (!expect<ports::ProxyView>(*proxy_, ports::ReadProxy{proxy}).proxy) {
  }
}

billing::SignedVoucher Market::voucher(std::uint64_t spent, std::uint64_t authorised) const {
  return billing::sign(
      billing::Voucher{site_.network, channel_id_, Nano{spent}, Nano{authorised}, id_of("client")},
      key_of("client"));
}

billing::SignedPayout Market::payout(std::uint64_t owed) const {
  return billing::sign(
      billing::PayoutVoucher{site_.network, id_of("proxy"), id_of("worker"), Nano{owed}},
      key_of("proxy"));
}

billing::ChannelState Market::channel() {
  return expect<ports::ChannelView>(*client_, ports::ReadChannel{channel_id_}).channel.value();
}

billing::ProxyState Market::proxy_contract() {
  return expect<ports::ProxyView>(*proxy_, ports::ReadProxy{id_of("proxy")}).proxy.value();
}

}  // namespace cocoon::ledger::test
