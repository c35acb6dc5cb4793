// The eight invariants of economics.md, each over random histories in which every step may be lost,
// bounce or come from a rogue, and after every step any party may crash.
//
// 1 conservation           conserved(): what was issued is found, to the nanoton
// 2 nobody gets more       nobody_gets_more_than_authorised(), Market::rogue_claims(),
//                          forged_cash_out() and reopen()
// 3 a client can leave     clients_can_leave(), Market::close_something()
// 4 a worker can cash      workers_can_cash()
// 5 bounces restore        bounces_restore(), Market::bounce(), No5AMessageToAContractThat...
// 6 fees and stake wait    Market::tell_contract(), no_more_fees_than_came_in()
// 7 cost, reservation, cap the test itself, over random prices and counts
// 8 exposure               exposure_is_bounded()
//
// The same rules on the real ledger's file, with a crash between any two of its statements:
// unit/ledger/local_crash_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "unit/billing/market.h"

namespace cocoon::billing::test {
namespace {

constexpr int kHistories = 60;
constexpr int kSteps = 250;

/// What an invariant says about a market; empty where it holds.
using Check = std::function<std::string(Market&)>;

void over_histories(std::uint64_t family, const Check& after_each_step, const Check& at_the_end) {
  for (int history = 0; history < kHistories; ++history) {
    const std::uint64_t seed = family * 1'000'000 + static_cast<std::uint64_t>(history);
    Market market(seed);
    for (int step = 0; step < kSteps; ++step) {
      market.step();
      const std::string wrong = after_each_step(market);
      ASSERT_TRUE(market.violation.empty() && wrong.empty())
          << market.violation << wrong << "\nseed " << seed << " step " << step
          << "\nlast steps: " << market.history;
    }
    if (!at_the_end) continue;
    const std::string wrong = at_the_end(market);
    ASSERT_TRUE(wrong.empty() && market.violation.empty())
        << market.violation << wrong << "\nseed " << seed << " at the end"
        << "\nlast steps: " << market.history;
  }
}

std::string number(std::string_view name, Nano amount) {
  return std::string(name) + " " + std::to_string(amount.value) + " ";
}

// --- 1 ---

Nano held_by_contract(const Market& m) {
  if (!m.contract) return {};
  Nano sum;
  for (Nano part : {m.contract->pool, m.contract->fees, m.contract->stake, m.contract->due}) {
    sum = plus(sum, part);
  }
  return sum;
}

std::string conserved(Market& m) {
  Nano sum = held_by_contract(m);
  for (const auto& [id, channel] : m.channels) sum = plus(sum, channel.balance);
  for (const auto& [account, balance] : m.accounts) sum = plus(sum, balance);
  for (const Transfer& t : m.flying) sum = plus(sum, t.amount);
  if (sum != m.issued) return number("issued", m.issued) + number("found", sum);
  // What contracts have written down is what has really moved.
  for (const auto& [id, channel] : m.channels) {
    if (channel.settled != m.to_proxy[id]) return "a channel's settlements are miscounted";
    if (channel.refunded != m.to_client[id]) return "a channel's refunds are miscounted";
  }
  if (m.contract && m.contract->fees_taken != m.fees_taken) return "fees are miscounted";
  // A state that breaks its own sums does not decode.
  for (const auto& [id, channel] : m.channels) {
    if (!ChannelState::decode(channel.encode())) return "a channel's sums do not add up";
  }
  if (m.contract && !ProxyState::decode(m.contract->encode())) {
    return "the proxy contract's sums do not add up";
  }
  return {};
}

TEST(Invariants, No1MoneyIsConservedToTheNanoton) {
  over_histories(1, conserved, nullptr);
}

// --- 2 ---

std::string nobody_gets_more_than_authorised(Market& m) {
  for (const Market::Client& c : m.clients) {
    const Nano got = m.to_proxy[c.channel];
    const Nano limit = m.was_closing[c.channel] ? c.most_authorised : c.most_spent;
    if (got > limit) return number("the proxy got", got) + number("authorised were", limit);
    if (got > m.channels.at(c.channel).deposited) return "a channel paid more than its deposit";
  }
  for (const Market::Worker& w : m.workers) {
    const Nano got = m.to_worker[w.account.account_id()];
    if (got > w.most_owed) return number("a worker got", got) + number("owed were", w.most_owed);
  }
  return {};
}

TEST(Invariants, No2NobodyGetsMoreThanAuthorisedAndAVoucherPaysOnce) {
  over_histories(2, nobody_gets_more_than_authorised, nullptr);
}

// --- 3 ---

/// The proxy is silent from now on; messages still bounce, but not for ever.
std::string clients_can_leave(Market& m) {
  for (Market::Client& c : m.clients) {
    ChannelState* state = &m.channels.at(c.channel);
    if (state->phase == ChannelPhase::open &&
        !m.tell(c.channel, StartClose{c.account.account_id()})) {
      return "a client could not start to leave";
    }
    if (state->phase == ChannelPhase::closing) {
      m.now = std::max(m.now, state->final_at);
      if (!m.tell(c.channel, Finalise{})) return "a client could not leave after the delay";
    }
  }
  for (int round = 0; round < 200; ++round) {
    while (!m.flying.empty()) m.deliver_transfer();
    bool more = false;
    for (Market::Client& c : m.clients) more = m.tell(c.channel, Resend{}) || more;
    if (!more) break;
    // A proxy contract that is not there will never take what it is owed.
    if (!m.contract || m.contract->phase == ProxyPhase::closed) break;
  }
  for (Market::Client& c : m.clients) {
    const ChannelState& state = m.channels.at(c.channel);
    const Nano due = floor_sub(state.deposited, state.claimed);
    const Nano open_to_proxy = floor_sub(state.claimed, state.settled);
    const Nano missing = floor_sub(due, state.refunded);
    const bool only_claims_left = state.balance == plus(plus(kRent, open_to_proxy), missing);
    if (!only_claims_left) return "a channel holds money that is nobody's";
    if (missing > Nano{0} && !m.flying.empty()) continue;
    if (missing > Nano{0} && open_to_proxy == Nano{0}) return number("a client misses", missing);
  }
  return {};
}

TEST(Invariants, No3AClientCanAlwaysLeaveWithWhatWasNotPresented) {
  over_histories(
      3, [](Market&) { return std::string(); }, clients_can_leave);
}

// --- 4 ---

std::string workers_can_cash(Market& m) {
  if (!m.contract) return {};
  for (const Market::Worker& w : m.workers) {
    const AccountId id = w.account.account_id();
    if (m.contract->paid_to(id) != m.to_worker[id]) {
      return "a worker's counter moved without its money";
    }
    if (!w.best) continue;
    const Nano open = floor_sub(w.best->value.owed, m.to_worker[id]);
    const Nano payable = std::min(open, m.contract->backing());
    const auto step = apply(m.contract, CashOut{*w.best}, m.now);
    if (payable == Nano{0}) {
      if (step) return "a worker cashed what it was not owed";
      continue;
    }
    if (!step) return number("a worker could not cash", payable);
    if (step->transfers.size() != 1 || step->transfers[0].amount != payable) {
      return number("a worker should have cashed", payable);
    }
  }
  return {};
}

TEST(Invariants, No4AWorkerCanAlwaysCashWhatItIsOwedAsFarAsTheContractReaches) {
  over_histories(4, workers_can_cash, nullptr);
}

// --- 5 ---

/// Bounces everything that a message would send now, and looks at what is left of the message.
std::string channel_bounce_restores(const Market& m, const ChannelId& id,
                                    const ChannelMessage& message) {
  const ChannelState before = m.channels.at(id);
  auto step = apply(before, message, m.now);
  if (!step) return {};
  ChannelState after = step->state;
  for (const Transfer& t : step->transfers) {
    auto back = apply(after, ChannelBounce{t}, m.now);
    if (!back) return "a bounce was refused";
    after = back->state;
  }
  if (after.balance != before.balance || after.settled != before.settled ||
      after.refunded != before.refunded) {
    return "a bounce did not give back a channel's money";
  }
  return {};
}

std::string proxy_bounce_restores(const Market& m, const ProxyMessage& message) {
  if (!m.contract) return {};
  auto step = apply(m.contract, message, m.now);
  if (!step) return {};
  ProxyState after = step->state;
  for (const Transfer& t : step->transfers) {
    auto back = apply(after, ProxyBounce{t}, m.now);
    if (!back) return "a bounce was refused";
    after = back->state;
  }
  // A withdrawal comes back as one sum; all others exactly as they were.
  const bool withdrawal = std::holds_alternative<FinishWithdrawal>(message);
  if (withdrawal) {
    const Nano whole =
        plus(plus(m.contract->pool, m.contract->fees), plus(m.contract->stake, m.contract->due));
    const Nano now = plus(plus(after.pool, after.fees), plus(after.stake, after.due));
    return whole == now ? "" : "a bounced withdrawal is not whole";
  }
  for (auto at = after.paid.begin(); at != after.paid.end();) {
    const bool new_and_empty = at->second == Nano{0} && m.contract->paid.count(at->first) == 0;
    at = new_and_empty ? after.paid.erase(at) : std::next(at);
  }
  return after == *m.contract ? "" : "a bounce did not restore the proxy contract";
}

std::string bounces_restore(Market& m) {
  const AccountId own = m.proxy.account.account_id();
  for (const Market::Client& c : m.clients) {
    const std::string finalised = channel_bounce_restores(m, c.channel, Finalise{});
    if (!finalised.empty()) return finalised;
    if (c.signed_vouchers.empty()) continue;
    const SignedVoucher& v = c.signed_vouchers.back();
    for (const ChannelMessage& message :
         {ChannelMessage(Redeem{own, v}), ChannelMessage(Present{own, v, v.value.authorised})}) {
      const std::string wrong = channel_bounce_restores(m, c.channel, message);
      if (!wrong.empty()) return wrong;
    }
  }
  for (const Market::Worker& w : m.workers) {
    if (!w.best) continue;
    const std::string wrong = proxy_bounce_restores(m, CashOut{*w.best});
    if (!wrong.empty()) return wrong;
  }
  const std::string fees = proxy_bounce_restores(m, TakeFees{own});
  return fees.empty() ? proxy_bounce_restores(m, FinishWithdrawal{own}) : fees;
}

TEST(Invariants, No5ABouncedMessageRestoresWhatItHadChanged) {
  over_histories(5, bounces_restore, nullptr);
}

TEST(Invariants, No5AMessageToAContractThatIsNotDeployedLosesNothing) {
  const SignedPayout voucher = sign(PayoutVoucher{{}, {}, {}, Nano{1}}, key(1));
  const Result<ProxyStep> receive = apply(std::nullopt, Receive{Nano{5}}, unix_seconds(1));
  ASSERT_FALSE(receive);
  EXPECT_EQ(receive.error().code(), "not_deployed");
  EXPECT_EQ(apply(std::nullopt, CashOut{voucher}, unix_seconds(1)).error().code(), "not_deployed");
  const Result<ChannelStep> top_up = apply(std::nullopt, TopUp{Nano{5}}, unix_seconds(1));
  ASSERT_FALSE(top_up);
  EXPECT_EQ(top_up.error().code(), "not_deployed");
}

// --- 6 ---

/// That each waits for what it is tied to is checked where it leaves (Market::tell_contract): fees
/// for payouts that have arrived, stake and remainder for the delay.
std::string no_more_fees_than_came_in(Market& m) {
  if (!m.contract) return {};
  const Nano all = floor_sub(m.contract->received, m.contract->pool_total);
  if (m.fees_taken > all) return number("fees taken", m.fees_taken) + number("of", all);
  return {};
}

TEST(Invariants, No6FeesAndStakeLeaveOnlyAfterWhatTheyAreTiedTo) {
  static_assert(kWithdrawDelay > kCloseDelay);
  over_histories(6, no_more_fees_than_came_in, nullptr);
}

// --- 7 ---

TEST(Invariants, No7CostIsAtMostTheReservationAndThatAtMostTheCap) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SeededRandom random(7'000'000 + seed);
    Prices prices;
    prices.per_token = Nano{random.below(1'000'000)};
    for (std::uint32_t& m : prices.multiplier_e4) {
      m = static_cast<std::uint32_t>(random.below(200'000));
    }
    prices.worker_share_e4 = static_cast<std::uint32_t>(random.below(kE4 + 1));
    const auto coefficient = static_cast<std::uint32_t>(random.below(5'000));
    const UsageBounds bounds{random.below(100'000), random.below(100'000), random.below(400'000)};
    const TokenCounts reported{random.below(200'000), random.below(200'000), random.below(200'000),
                               random.below(200'000)};
    const TokenCounts counts = clamp(reported, bounds);
    const auto charged = cost(counts, coefficient, prices);
    const auto reserved =
        reservation(bounds.prompt_tokens, bounds.output_tokens, coefficient, prices);
    ASSERT_TRUE(charged && reserved);
    EXPECT_LE(*charged, *reserved) << "seed " << seed;
    EXPECT_LE(worker_share(*charged, prices.worker_share_e4), *charged) << "seed " << seed;
    const Nano cap{random.below(2 * reserved->value + 2)};
    EXPECT_EQ(bool(within_cap(*reserved, cap)), reserved->value <= cap.value) << "seed " << seed;
    EXPECT_LE(counts.completion, bounds.output_bytes) << "seed " << seed;
    EXPECT_LE(counts.prompt + counts.cached, bounds.prompt_tokens) << "seed " << seed;
    EXPECT_LE(counts.completion + counts.reasoning, bounds.output_tokens) << "seed " << seed;
  }
}

// --- 8 ---

std::string exposure_is_bounded(Market& m) {
  for (const Market::Client& c : m.clients) {
    const Nano beyond = floor_sub(c.most_authorised, c.proved);
    // What both sides agreed to by a cooperative close is no exposure.
    const bool agreed = m.channels.at(c.channel).phase == ChannelPhase::closed;
    if (!agreed && beyond > kMaxExposure) return number("a rogue proxy can take", beyond);
    const Nano used = floor_sub(m.charged[c.channel], m.acknowledged[c.channel]);
    if (used > kMaxUnacknowledged) return number("a rogue client has used", used);
  }
  for (const Market::Worker& w : m.workers) {
    const Nano open = floor_sub(w.earned, m.arrived[w.account.account_id()]);
    if (open > kMaxUnpaid) return number("a worker can lose", open);
  }
  return {};
}

TEST(Invariants, No8NobodyCanTakeMoreThanTheExposureThatWasAllowed) {
  over_histories(8, exposure_is_bounded, nullptr);
}

}  // namespace
}  // namespace cocoon::billing::test
