#include <gtest/gtest.h>

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ton/contract_address.h"
#include "ton/contract_message.h"
#include "ton/contract_state.h"
#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

namespace vec = ton::test;

/// What the contracts did in the TVM (tests/contracts/vectors.mjs).
class Contracts : public ::testing::Test {
 protected:
  Contracts() : text_(vec::read_text("../contracts/cells.json")) {
    document_.emplace(json::Document::parse(text_).value());
  }
  json::Value root() const { return document_->root(); }

  AccountId account(std::string_view name) const {
    return {vec::hash(root().find("accounts").find(name), "id")};
  }
  Address root_address() const { return vec::address(root(), "root"); }
  ChannelId channel_id() const { return {vec::hash(root(), "channel_id")}; }
  NetworkId network() const { return {array_from_hex<16>(vec::text(root(), "network")).value()}; }
  CellRef data(std::string_view contract) const { return vec::cell(root().find(contract), "data"); }
  /// A statement with its signature; the bytes are kept by this fixture.
  SignedBytes statement(std::string_view name) {
    const json::Value v = root().find(name);
    statements_.push_back(vec::hex(v, "statement"));
    return {statements_.back(), array_from_hex<64>(vec::text(v, "signature")).value()};
  }
  void expect_body(const Result<CellRef>& made, std::string_view name) const {
    ASSERT_TRUE(made) << name;
    EXPECT_EQ((*made)->hash(), vec::cell(root().find("bodies"), name)->hash()) << name;
  }

 private:
  std::string text_;
  std::optional<json::Document> document_;
  std::list<Bytes> statements_;
};

constexpr Nano kTon{1'000'000'000};

/// `cell` with one bit more behind its own.
CellRef longer(const CellRef& cell) {
  return Builder().store_slice(Slice(cell)).store_bit(true).finish().value();
}

/// `cell` with `phase` in the place of its first byte.
CellRef with_phase(const CellRef& cell, unsigned phase) {
  Slice rest(cell);
  rest.skip(8);
  return Builder().store_uint(phase, 8).store_slice(rest).finish().value();
}

TEST_F(Contracts, RefuseDataOfAnotherLayout) {
  EXPECT_FALSE(parse_channel_data(Cell::empty()));
  EXPECT_FALSE(parse_proxy_data(Cell::empty()));
  EXPECT_FALSE(parse_epoch_data(Cell::empty()));
  EXPECT_FALSE(parse_root_data(Cell::empty()));
  EXPECT_FALSE(parse_channel_data(longer(data("channel"))));
  EXPECT_FALSE(parse_proxy_data(longer(data("proxy"))));
  EXPECT_FALSE(parse_epoch_data(longer(data("epoch"))));
  EXPECT_FALSE(parse_root_data(longer(data("registry"))));
  EXPECT_FALSE(parse_channel_data(data("proxy")));
  EXPECT_FALSE(parse_proxy_data(data("channel")));
  for (const unsigned phase : {0u, 4u}) {
    EXPECT_FALSE(parse_channel_data(with_phase(data("channel"), phase)));
    EXPECT_FALSE(parse_proxy_data(with_phase(data("proxy"), phase)));
  }
}

TEST_F(Contracts, RefuseStatementsThatFitNoCell) {
  const Bytes long_bytes(128, 1);
  EXPECT_FALSE(redeem_body({long_bytes, {}}));
  EXPECT_FALSE(cash_out_body({long_bytes, {}}));
}

TEST_F(Contracts, AccountsAreTheirWallets) {
  for (const json::Member m : root().find("accounts").members()) {
    const AccountId id{vec::hash(m.value, "id")};
    EXPECT_EQ(account_wallet(id, WalletNetwork::mainnet).value(), vec::address(m.value, "mainnet"));
    EXPECT_EQ(account_wallet(id, WalletNetwork::testnet).value(), vec::address(m.value, "testnet"));
  }
}

TEST_F(Contracts, AddressesFollowFromWhatTheyStartWith) {
  const json::Value want = root().find("addresses");
  EXPECT_EQ(address_of(first_channel(root_address(), channel_id()).value()).value(),
            vec::address(want, "channel"));
  EXPECT_EQ(address_of(first_proxy_contract(root_address(), account("proxy")).value()).value(),
            vec::address(want, "proxy"));
  EXPECT_EQ(address_of(first_epoch(network(), account("worker")).value()).value(),
            vec::address(want, "epoch"));
  EXPECT_EQ(channel_code_hash(), vec::hash(root().find("code_hashes"), "channel"));
  EXPECT_EQ(proxy_contract_code_hash(), vec::hash(root().find("code_hashes"), "proxy"));
}

TEST_F(Contracts, BodiesAreThoseThatTheContractsTook) {
  ChannelOpening opening{
      account("client"), account("proxy"), account("signer"), {}, Nano{5 * kTon.value}};
  opening.nonce = array_from_hex<16>(vec::text(root(), "nonce")).value();
  expect_body(open_channel_body(opening), "open_channel");
  expect_body(deploy_proxy_body(account("proxy"), Nano{10 * kTon.value}), "deploy_proxy");
  expect_body(push_worker_share_body(account("proxy")), "push_worker_share");
  expect_body(top_up_body(kTon), "top_up");
  expect_body(redeem_body(statement("voucher")), "redeem");
  expect_body(start_close_body(), "start_close");
  expect_body(present_body(kTon, statement("voucher")), "present");
  expect_body(finalise_body(), "finalise");
  const auto second =
      array_from_hex<64>(vec::text(root().find("agreement"), "second_signature")).value();
  expect_body(close_by_agreement_body(statement("agreement"), second), "close_by_agreement");
  expect_body(resend_body(), "resend");
  expect_body(add_stake_body(kTon), "add_stake");
  expect_body(cash_out_body(statement("payout")), "cash_out");
  expect_body(take_fees_body(), "take_fees");
  expect_body(start_withdrawal_body(), "start_withdrawal");
  expect_body(finish_withdrawal_body(), "finish_withdrawal");
  expect_body(publish_epoch_body(statement("record")), "publish_epoch");
}

TEST_F(Contracts, ReadAChannel) {
  const ChannelData c = parse_channel_data(data("channel")).value();
  EXPECT_EQ(c.phase, ContractPhase::closing);
  EXPECT_EQ(c.deposited, Nano{5 * kTon.value});
  EXPECT_EQ(c.claimed, kTon);
  EXPECT_EQ(c.settled, kTon);
  EXPECT_EQ(c.refunded, Nano{});
  EXPECT_EQ(c.best_spent, kTon);
  EXPECT_EQ(c.best_authorised, Nano{2 * kTon.value});
  EXPECT_EQ(c.leftovers, account("client"));
  EXPECT_EQ(c.final_at, vec::number(root().find("channel"), "final_at"));
  EXPECT_EQ(c.network, network());
  EXPECT_EQ(c.client, account("client"));
  EXPECT_EQ(c.proxy, account("proxy"));
  EXPECT_EQ(c.signer, account("signer"));
  EXPECT_EQ(c.close_delay_seconds, 43'200u);
  EXPECT_EQ(c.rent, Nano{50'000'000});
  EXPECT_EQ(c.id, channel_id());
  EXPECT_EQ(to_hex(c.nonce), vec::text(root(), "nonce"));
  EXPECT_EQ(c.min_deposit, kTon);
  EXPECT_EQ(c.root, root_address());
  EXPECT_EQ(c.proxy_contract, vec::address(root().find("addresses"), "proxy"));
}

TEST_F(Contracts, ReadAProxyContract) {
  const ProxyData p = parse_proxy_data(data("proxy")).value();
  const json::Value want = root().find("proxy");
  EXPECT_EQ(p.phase, ContractPhase::open);
  EXPECT_EQ(p.worker_share_e4, 9'500u);
  EXPECT_EQ(p.pool, Nano{vec::number(want, "pool")});
  EXPECT_EQ(p.fees, Nano{vec::number(want, "fees")});
  EXPECT_EQ(p.stake, Nano{10 * kTon.value});
  EXPECT_EQ(p.received, kTon);
  EXPECT_EQ(p.staked, Nano{10 * kTon.value});
  EXPECT_EQ(p.pool_total, Nano{950'000'000});
  EXPECT_EQ(p.delivered, Nano{vec::number(want, "delivered")});
  EXPECT_EQ(p.fees_taken, Nano{});
  EXPECT_EQ(p.withdrawn, Nano{});
  EXPECT_EQ(p.final_at, 0u);
  EXPECT_EQ(p.paid, (std::map<AccountId, Nano>{{account("worker"), Nano{500'000'000}}}));
  EXPECT_EQ(p.network, network());
  EXPECT_EQ(p.account, account("proxy"));
  EXPECT_EQ(p.withdraw_delay_seconds, 86'400u);
  EXPECT_EQ(p.min_stake, Nano{10 * kTon.value});
  EXPECT_EQ(p.root, root_address());
}

TEST_F(Contracts, ReadAnEpochRecord) {
  const EpochData e = parse_epoch_data(data("epoch")).value();
  EXPECT_EQ(e.network, network());
  EXPECT_EQ(e.account, account("worker"));
  ASSERT_TRUE(e.newest);
  EXPECT_EQ(to_hex(e.newest->statement), vec::text(root().find("record"), "statement"));
  EXPECT_EQ(to_hex(e.newest->signature), vec::text(root().find("record"), "signature"));
  const StateInit first = first_epoch(network(), account("worker")).value();
  EXPECT_FALSE(parse_epoch_data(*first.data).value().newest);
}

TEST_F(Contracts, ReadTheRegistryAndWhatWaits) {
  const RootData r = parse_root_data(data("registry")).value();
  const json::Value want = root().find("registry");
  const json::Value params = want.find("params");
  EXPECT_EQ(r.network, network());
  EXPECT_EQ(r.current.version, 1u);
  EXPECT_EQ(r.current.models.size(), 1u);
  ASSERT_TRUE(r.next);
  EXPECT_EQ(r.next->version, 2u);
  EXPECT_EQ(r.next->effective, vec::number(want, "effective"));
  EXPECT_EQ(r.next->kind, vec::number(params, "kind"));
  EXPECT_EQ(r.next->price_per_token, Nano{vec::number(params, "pricePerToken")});
  EXPECT_EQ(r.next->multiplier_e4[0], vec::number(params, "multiplierPromptE4"));
  EXPECT_EQ(r.next->multiplier_e4[1], vec::number(params, "multiplierCachedE4"));
  EXPECT_EQ(r.next->multiplier_e4[2], vec::number(params, "multiplierCompletionE4"));
  EXPECT_EQ(r.next->multiplier_e4[3], vec::number(params, "multiplierReasoningE4"));
  EXPECT_EQ(r.next->worker_share_e4, vec::number(params, "workerShareE4"));
  EXPECT_EQ(r.next->price_grace_seconds, vec::number(params, "priceGrace"));
  EXPECT_EQ(r.next->client_close_delay_seconds, vec::number(params, "clientCloseDelay"));
  EXPECT_EQ(r.next->proxy_close_delay_seconds, vec::number(params, "proxyCloseDelay"));
  EXPECT_EQ(r.next->min_deposit, Nano{vec::number(params, "minDeposit")});
  EXPECT_EQ(r.next->min_payout, Nano{vec::number(params, "minPayout")});
  EXPECT_EQ(r.next->min_stake, Nano{vec::number(params, "minStake")});
  EXPECT_EQ(r.next->message_fee, Nano{vec::number(params, "messageFee")});
  EXPECT_EQ(r.next->tombstone_rent, Nano{vec::number(params, "tombstoneRent")});
  EXPECT_EQ(r.next->tcb_evaluation_floor, vec::number(params, "tcbEvaluationFloor"));
  EXPECT_EQ(r.next->proxy_images.size(), 2u);
  EXPECT_EQ(r.next->worker_images.size(), 1u);
  EXPECT_TRUE(r.next->gpu_measurements.empty());
  ASSERT_EQ(r.next->models.size(), 2u);
  std::vector<std::string> ids;
  for (const auto& m : r.next->models) ids.push_back(m.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"m@1:2", "n@2:3"}));
  EXPECT_EQ(r.next->models[1].max_output_tokens, 5u);
  EXPECT_EQ(r.next->models[1].template_allowance_tokens, 6u);
  ASSERT_EQ(r.next->proxies.size(), 1u);
  EXPECT_EQ(r.next->proxies[0].account, account("proxy"));
  EXPECT_EQ(r.next->proxies[0].endpoint, "proxy.example:7443");
}

}  // namespace
}  // namespace cocoon::ton
