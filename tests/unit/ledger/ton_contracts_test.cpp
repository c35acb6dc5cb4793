// The contracts on TON and the rules in billing/ are two implementations of the same thing. A
// history that ran in the TVM (tests/contracts/vectors.mjs) is replayed through the rules: the same
// signed bytes, the same refusals, the same sums.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "billing/contract.h"
#include "codec/hex.h"
#include "codec/json.h"

namespace cocoon::ledger {
namespace {

using billing::ChannelState;
using billing::ProxyState;

std::string text(json::Value v, std::string_view key) {
  const auto value = v.find(key).as_string();
  EXPECT_TRUE(value) << key;
  return std::string(value.value_or(""));
}
std::uint64_t number(json::Value v, std::string_view key) {
  const auto value = v.find(key).as_u64();
  EXPECT_TRUE(value) << key;
  return value.value_or(0);
}
Nano nano(json::Value v, std::string_view key) {
  return Nano{std::stoull(text(v, key))};
}
template <std::size_t N>
ByteArray<N> bytes(json::Value v, std::string_view key) {
  return array_from_hex<N>(text(v, key)).value();
}
AccountId account(json::Value v, std::string_view key) {
  return {bytes<32>(v, key)};
}

/// Errors: those of T::decode.
template <class T>
Result<billing::Signed<T>> statement(json::Value step) {
  const Bytes encoded = from_hex(text(step, "statement")).value();
  return billing::decode_signed<T>(encoded, bytes<64>(step, "signature"));
}

struct RecordedHistory {
  RecordedHistory() {
    const auto path = std::filesystem::path(COCOON_TEST_VECTORS) / "contracts" / "history.json";
    std::ifstream in(path, std::ios::binary);
    EXPECT_TRUE(in) << path;
    source.assign(std::istreambuf_iterator<char>(in), {});
    document.emplace(json::Document::parse(source, {.max_nodes = 1'000'000}).value());
  }
  json::Value root() const { return document->root(); }

  std::string source;
  std::optional<json::Document> document;
};

Result<billing::ChannelMessage> channel_message(json::Value root, json::Value step,
                                                const std::optional<ChannelState>& state) {
  using namespace billing;
  const std::string kind = text(step, "kind");
  if (kind == "open") {
    OpenChannel open;
    open.sender = account(step, "sender");
    open.deposit = nano(step, "amount");
    open.terms.network.bytes = bytes<16>(root, "network");
    open.terms.client = open.sender;
    open.terms.proxy = account(step, "proxy");
    open.terms.signer = account(step, "signer");
    open.terms.nonce = bytes<16>(step, "nonce");
    open.terms.close_delay = Seconds(static_cast<std::int64_t>(number(root, "close_delay")));
    open.terms.min_deposit = nano(root, "min_deposit");
    open.terms.rent = nano(root, "rent");
    return ChannelMessage(std::move(open));
  }
  if (kind == "topUp") return ChannelMessage(TopUp{nano(step, "amount")});
  if (kind == "startClose") return ChannelMessage(StartClose{account(step, "sender")});
  if (kind == "finalise") return ChannelMessage(Finalise{});
  if (kind == "resend") return ChannelMessage(Resend{});
  if (kind == "bounced") {
    return ChannelMessage(
        ChannelBounce{{Party::channel(state->id()), Party::proxy(state->terms.proxy),
                       nano(step, "amount"), TransferReason::settlement, Nano{}}});
  }
  if (kind == "closeByAgreement") {
    COCOON_TRY(auto agreement, statement<CloseAgreement>(step));
    return ChannelMessage(CloseByAgreement{agreement, bytes<64>(step, "second_signature")});
  }
  COCOON_TRY(auto voucher, statement<Voucher>(step));
  if (kind == "redeem") return ChannelMessage(Redeem{account(step, "sender"), voucher});
  return ChannelMessage(Present{account(step, "sender"), voucher, nano(step, "claim")});
}

Result<billing::ProxyMessage> proxy_message(json::Value root, json::Value step) {
  using namespace billing;
  const std::string kind = text(step, "kind");
  if (kind == "deploy") {
    const Seconds delay(static_cast<std::int64_t>(number(root, "withdraw_delay")));
    const ProxyTerms terms{
        {bytes<16>(root, "network")}, account(step, "sender"), delay, nano(root, "min_stake")};
    const auto share = static_cast<std::uint32_t>(number(root, "worker_share_e4"));
    return ProxyMessage(DeployProxy{terms, share, nano(step, "amount")});
  }
  if (kind == "receive") return ProxyMessage(Receive{nano(step, "amount")});
  if (kind == "addStake") return ProxyMessage(AddStake{nano(step, "amount")});
  if (kind == "takeFees") return ProxyMessage(TakeFees{account(step, "sender")});
  if (kind == "startWithdrawal") return ProxyMessage(StartWithdrawal{account(step, "sender")});
  if (kind == "finishWithdrawal") return ProxyMessage(FinishWithdrawal{account(step, "sender")});
  COCOON_TRY(auto voucher, statement<PayoutVoucher>(step));
  return ProxyMessage(CashOut{voucher});
}

std::string code_of(const Error& error) {
  const std::string code(error.code());
  const bool format =
      code == "bad_voucher" || code == "bad_payout_voucher" || code == "bad_close_agreement";
  return format ? "bad_statement" : code;
}

void expect_state(json::Value want, const ChannelState& s) {
  EXPECT_EQ(bytes<32>(want, "id"), s.id().bytes);
  EXPECT_EQ(number(want, "phase"), static_cast<std::uint64_t>(s.phase));
  EXPECT_EQ(number(want, "final_at"), to_unix_seconds(s.final_at));
  EXPECT_EQ(account(want, "leftovers"), s.leftovers);
  EXPECT_EQ(nano(want, "deposited"), s.deposited);
  EXPECT_EQ(nano(want, "balance"), s.balance);
  EXPECT_EQ(nano(want, "claimed"), s.claimed);
  EXPECT_EQ(nano(want, "settled"), s.settled);
  EXPECT_EQ(nano(want, "refunded"), s.refunded);
  EXPECT_EQ(nano(want, "best_spent"), s.best_spent);
  EXPECT_EQ(nano(want, "best_authorised"), s.best_authorised);
}

void expect_state(json::Value want, const ProxyState& s) {
  EXPECT_EQ(number(want, "phase"), static_cast<std::uint64_t>(s.phase));
  EXPECT_EQ(number(want, "final_at"), to_unix_seconds(s.final_at));
  EXPECT_EQ(nano(want, "pool"), s.pool);
  EXPECT_EQ(nano(want, "fees"), s.fees);
  EXPECT_EQ(nano(want, "stake"), s.stake);
  EXPECT_EQ(nano(want, "received"), s.received);
  EXPECT_EQ(nano(want, "staked"), s.staked);
  EXPECT_EQ(nano(want, "pool_total"), s.pool_total);
  EXPECT_EQ(nano(want, "delivered"), s.delivered);
  EXPECT_EQ(nano(want, "fees_taken"), s.fees_taken);
  EXPECT_EQ(nano(want, "withdrawn"), s.withdrawn);
  EXPECT_EQ(s.due, Nano{});
  std::map<AccountId, Nano> paid;
  for (json::Value entry : want.find("paid").elements()) {
    const auto worker = entry.elements().begin();
    auto amount = worker;
    ++amount;
    paid[{array_from_hex<32>((*worker).as_string().value()).value()}] =
        Nano{std::stoull(std::string((*amount).as_string().value()))};
  }
  EXPECT_EQ(paid, s.paid);
}

/// What the rules make of a step; on TON a payout has arrived when it was sent.
template <class State, class Message>
void replay(json::Value step, const Result<Message>& message, std::optional<State>& state) {
  const UnixTime now = unix_seconds(number(step, "now"));
  const auto refusal = step.find("refusal").as_string();
  const auto result = message ? billing::apply(state, *message, now) : message.error();
  if (refusal) {
    ASSERT_FALSE(result) << "the contract refuses: " << *refusal;
    EXPECT_EQ(code_of(result.error()), *refusal);
    return;
  }
  ASSERT_TRUE(result) << result.error().code();
  state = result->state;
  if constexpr (std::is_same_v<State, ProxyState>) {
    for (const billing::Transfer& t : result->transfers) {
      if (t.reason != billing::TransferReason::payout) continue;
      state = billing::apply(state, billing::PayoutDelivered{t.amount}, now).value().state;
    }
  }
  expect_state(step.find("state"), *state);
}

TEST(TonContracts, DoWhatTheRulesDo) {
  const RecordedHistory history;
  std::map<std::string, std::optional<ChannelState>> channels;
  std::map<std::string, std::optional<ProxyState>> proxies;
  std::size_t line = 0;
  for (json::Value step : history.root().find("steps").elements()) {
    const std::string at = text(step, "at");
    SCOPED_TRACE("message " + std::to_string(++line) + ": " + text(step, "kind") + " to " + at);
    if (at.starts_with("channel")) {
      auto& state = channels[at];
      replay(step, channel_message(history.root(), step, state), state);
    } else {
      auto& state = proxies[at];
      replay(step, proxy_message(history.root(), step), state);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(line, 100u);
}

}  // namespace
}  // namespace cocoon::ledger
