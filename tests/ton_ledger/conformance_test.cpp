// One suite for both ledgers behind the port: the same scripts, the same refusals, and the same
// balances in the contracts to the nanoton. (What wallets pay for gas differs, and is left out.)

#include <fmt/format.h>

#include <vector>

#include "ton_ledger/conformance_world.h"
#include "unit/billing/seeded.h"

namespace cocoon::ledger::test {
namespace {

template <class World>
class Conformance : public World {
 protected:
  using Request = ports::LedgerRequest;

  void SetUp() override {
    World::SetUp();
    for (const char* name : {"client", "proxy", "worker"}) ports_[name] = this->open_port(name);
    channel_ = channel_of(0);
  }
  void TearDown() override { ports_.clear(); }

  // --- What is asked ---

  ByteArray<16> nonce(std::uint8_t n) const { return {n}; }
  ChannelId channel_of(std::uint8_t n) const {
    return billing::channel_address(this->network(), id_of("client"), id_of("proxy"),
                                    id_of("client"), nonce(n));
  }
  billing::SignedVoucher voucher(std::uint64_t spent, std::uint64_t authorised) const {
    return billing::sign(
        billing::Voucher{this->network(), channel_, Nano{spent}, Nano{authorised}, id_of("client")},
        key_of("client"));
  }
  billing::SignedPayout payout(std::uint64_t owed) const {
    return billing::sign(
        billing::PayoutVoucher{this->network(), id_of("proxy"), id_of("worker"), Nano{owed}},
        key_of("proxy"));
  }
  Request agreement(std::uint64_t total) const {
    const billing::CloseAgreement agreed{this->network(), channel_, Nano{total}, id_of("client")};
    return ports::CloseChannelByAgreement{billing::sign(agreed, key_of("client")),
                                          billing::sign(agreed, key_of("proxy")).signature};
  }
  Request open(std::uint64_t deposit) const {
    return ports::OpenChannel{id_of("proxy"), nonce(0), Nano{deposit}};
  }

  // --- Asking ---

  Result<ports::LedgerReply> ask(const std::string& role, Request request) {
    std::optional<Result<ports::LedgerReply>> got;
    ports_.at(role)->call(std::move(request),
                          [&](Result<ports::LedgerReply> r) { got.emplace(std::move(r)); });
    EXPECT_FALSE(got) << "answered inside the call";
    this->run_until([&] { return got.has_value(); });
    return got ? std::move(*got) : Error(ErrorKind::internal, "no_answer", "no answer");
  }
  /// "confirmed", or the code of the refusal.
  std::string outcome(const std::string& role, Request request) {
    const auto reply = ask(role, std::move(request));
    if (!reply) return fmt::format("{}: {}", reply.error().code(), reply.error().detail());
    if (std::holds_alternative<ports::Confirmed>(*reply)) return "confirmed";
    const auto* bounced = std::get_if<ports::Bounced>(&*reply);
    return bounced != nullptr ? std::string(bounced->error.code()) : "another reply";
  }
  void confirmed(const std::string& role, Request request) {
    EXPECT_EQ(outcome(role, std::move(request)), "confirmed");
  }
  billing::SignedEpoch record(std::uint64_t epoch, std::uint8_t reputation) const {
    return billing::sign(billing::EpochRecord::make(this->network(), epoch,
                                                    key_of("boot").boot_key_id(), {reputation}),
                         key_of("proxy"));
  }
  std::optional<billing::SignedEpoch> newest_epoch() {
    return std::get<ports::EpochView>(ask("worker", ports::ReadEpoch{id_of("proxy")}).value())
        .newest;
  }
  std::optional<billing::ChannelState> channel() {
    return std::get<ports::ChannelView>(ask("client", ports::ReadChannel{channel_}).value())
        .channel;
  }
  billing::ProxyState proxy() {
    return std::get<ports::ProxyView>(ask("proxy", ports::ReadProxy{id_of("proxy")}).value())
        .proxy.value_or(billing::ProxyState{});
  }
  /// A settlement takes a while from the channel to the proxy's contract, and so does a payout.
  void until_received(std::uint64_t sum) {
    while (proxy().received != Nano{sum}) this->run_turn();
  }
  void until_delivered(std::uint64_t sum) {
    while (proxy().delivered != Nano{sum}) this->run_turn();
  }

  /// All that the contracts have written down.
  std::string books() {
    const auto c = channel().value_or(billing::ChannelState{});
    const auto p = proxy();
    return fmt::format(
        "channel {}: deposited {} balance {} claimed {} settled {} refunded {}\n"
        "proxy {}: pool {} fees {} stake {} received {} staked {} delivered {} fees taken {} "
        "withdrawn {} paid {}",
        billing::to_string(c.phase), c.deposited.value, c.balance.value, c.claimed.value,
        c.settled.value, c.refunded.value, billing::to_string(p.phase), p.pool.value, p.fees.value,
        p.stake.value, p.received.value, p.staked.value, p.delivered.value, p.fees_taken.value,
        p.withdrawn.value, p.paid_to(id_of("worker")).value);
  }

  /// The whole life of a channel and a proxy's contract; `write` carries out each write of it.
  template <class Write>
  void live(const Write& write) {
    write("proxy", ports::DeployProxy{Nano{10 * kTon}});
    write("client", open(20 * kTon));
    write("client", ports::TopUpChannel{channel_, Nano{25 * kTon}});
    write("proxy", ports::AddProxyStake{Nano{12 * kTon}});
    write("proxy", ports::RedeemVoucher{channel_, voucher(4 * kTon, 5 * kTon)});
    until_received(4 * kTon);
    write("worker", ports::CashOutVoucher{payout(2 * kTon)});
    until_delivered(2 * kTon);
    write("proxy", ports::TakeProxyFees{});
    write("client", ports::StartChannelClose{channel_});
    write("proxy", ports::PresentVoucher{channel_, voucher(6 * kTon, 9 * kTon), Nano{8 * kTon}});
    this->pass_close_delay();
    write("client", ports::FinaliseChannel{channel_});
    until_received(8 * kTon);
    write("worker", ports::CashOutVoucher{payout(30 * kTon)});
    until_delivered(19'600'000'000);
    write("proxy", ports::StartProxyWithdrawal{});
    this->pass_withdraw_delay();
    write("proxy", ports::FinishProxyWithdrawal{});
  }
  /// What has to stand in the books then: 8 TON were claimed of 25; of these, 7.6 are the worker's
  /// and 0.4 the proxy's; the worker was owed 30 and got 7.6 and the stake of 12.
  static constexpr const char* kAfterLife =
      "channel closed: deposited 25000000000 balance 50000000 claimed 8000000000 settled "
      "8000000000 refunded 17000000000\n"
      "proxy closed: pool 0 fees 0 stake 0 received 8000000000 staked 12000000000 delivered "
      "19600000000 fees taken 105263157 withdrawn 294736843 paid 19600000000";

  /// Each role dies in the middle of each of its writes, not knowing what became of it, comes back
  /// and writes again: it is confirmed, or refused because it has been carried out.
  void live_and_crash(std::uint64_t seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    billing::test::SeededRandom random(seed);
    live([&](const char* role, const Request& request) {
      const std::uint64_t turns = random.below(60);
      ports_.at(role)->call(
          request, [](const Result<ports::LedgerReply>&) { FAIL() << "called though gone"; });
      for (std::uint64_t i = 0; i < turns; ++i) this->run_turn();
      // What moves an amount is repeated only where nothing is under way any more.
      if (std::holds_alternative<ports::TopUpChannel>(request) ||
          std::holds_alternative<ports::AddProxyStake>(request)) {
        this->crash_and_settle(std::move(ports_.at(role)));
      }
      ports_.at(role) = this->open_port(role);
      const auto reply = ask(role, request);
      ASSERT_TRUE(reply) << reply.error().detail();
    });
    EXPECT_EQ(books(), kAfterLife);
  }

  std::map<std::string, std::unique_ptr<ports::Ledger>> ports_;
  ChannelId channel_;
};

using Ledgers = ::testing::Types<OnLocalLedger, OnTon>;

struct LedgerName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, OnTon> ? "Ton" : "Local";
  }
};
TYPED_TEST_SUITE(Conformance, Ledgers, LedgerName);

TYPED_TEST(Conformance, RefusesWhatOpensNothing) {
  const AccountId proxy = id_of("proxy");
  EXPECT_EQ(this->outcome("client", this->open(kMinDeposit.value - 1)), "deposit_too_small");
  EXPECT_EQ(this->outcome("client",
                          ports::OpenChannel{id_of("stranger"), this->nonce(0), Nano{5 * kTon}}),
            "proxy_not_registered");
  EXPECT_EQ(this->outcome("proxy", ports::DeployProxy{Nano{kMinStake.value - 1}}),
            "stake_too_small");
  EXPECT_EQ(this->outcome("client", ports::TopUpChannel{this->channel_, Nano{kTon}}),
            "not_deployed");
  EXPECT_EQ(this->outcome("proxy", ports::AddProxyStake{Nano{kTon}}), "not_deployed");
  EXPECT_EQ(this->outcome("proxy", ports::StartProxyWithdrawal{}), "not_deployed");
  EXPECT_EQ(this->outcome("client", ports::StartChannelClose{this->channel_}), "not_deployed");
  EXPECT_EQ(this->outcome("worker", ports::CashOutVoucher{this->payout(kTon)}), "not_deployed");
  EXPECT_FALSE(this->channel());
  const auto found = this->ask("client", ports::FindChannel{id_of("client"), proxy});
  EXPECT_FALSE(std::get<ports::ChannelView>(found.value()).channel);
}

TYPED_TEST(Conformance, RefusesWhatTheRulesRefuse) {
  this->confirmed("proxy", ports::DeployProxy{Nano{10 * kTon}});
  this->confirmed("client", this->open(20 * kTon));
  const ChannelId channel = this->channel_;
  EXPECT_EQ(this->outcome("client", this->open(20 * kTon)), "channel_exists");
  EXPECT_EQ(this->outcome("proxy", ports::DeployProxy{Nano{10 * kTon}}), "proxy_exists");

  const auto sound = this->voucher(kTon, 2 * kTon);
  EXPECT_EQ(this->outcome("client", ports::RedeemVoucher{channel, sound}), "wrong_sender");
  auto altered = sound;
  altered.value.spent = Nano{2 * kTon};
  EXPECT_EQ(this->outcome("proxy", ports::RedeemVoucher{channel, altered}), "bad_signature");
  auto foreign = sound.value;
  foreign.network.bytes[0] ^= 1;
  EXPECT_EQ(this->outcome("proxy",
                          ports::RedeemVoucher{channel, billing::sign(foreign, key_of("client"))}),
            "wrong_network");
  auto other = sound.value;
  other.channel = this->channel_of(1);
  EXPECT_EQ(
      this->outcome("proxy", ports::RedeemVoucher{channel, billing::sign(other, key_of("client"))}),
      "wrong_channel");
  this->confirmed("proxy", ports::RedeemVoucher{channel, sound});
  EXPECT_EQ(this->outcome("proxy", ports::RedeemVoucher{channel, sound}), "nothing_to_pay");

  EXPECT_EQ(this->outcome("proxy", ports::PresentVoucher{channel, sound, Nano{kTon}}),
            "channel_not_closing");
  EXPECT_EQ(this->outcome("worker", ports::StartChannelClose{channel}), "wrong_sender");
  EXPECT_EQ(this->outcome("client", ports::FinaliseChannel{channel}), "channel_not_closing");
  this->confirmed("client", ports::StartChannelClose{channel});
  EXPECT_EQ(this->outcome("client", ports::StartChannelClose{channel}), "channel_not_open");
  EXPECT_EQ(this->outcome("client", ports::TopUpChannel{channel, Nano{30 * kTon}}),
            "channel_not_open");
  EXPECT_EQ(this->outcome("proxy", ports::PresentVoucher{channel, sound, Nano{3 * kTon}}),
            "claim_not_authorised");

  this->until_received(kTon);
  EXPECT_EQ(this->outcome("proxy", ports::TakeProxyFees{}), "nothing_to_pay");
  EXPECT_EQ(this->outcome("proxy", ports::FinishProxyWithdrawal{}), "proxy_not_closing");
  auto stolen = this->payout(kTon);
  stolen.value.owed = Nano{2 * kTon};
  EXPECT_EQ(this->outcome("worker", ports::CashOutVoucher{stolen}), "bad_signature");
}

TYPED_TEST(Conformance, AChannelIsClosedByAgreementAtOnce) {
  this->confirmed("proxy", ports::DeployProxy{Nano{10 * kTon}});
  this->confirmed("client", this->open(20 * kTon));
  EXPECT_EQ(this->outcome("client", this->agreement(21 * kTon)), "agreement_out_of_range");
  this->confirmed("client", this->agreement(3 * kTon));
  this->until_received(3 * kTon);
  EXPECT_EQ(this->channel()->phase, billing::ChannelPhase::closed);
  EXPECT_EQ(this->channel()->refunded, Nano{17 * kTon});
  EXPECT_EQ(this->outcome("client", this->agreement(3 * kTon)), "channel_closed");
  EXPECT_EQ(this->outcome("client", this->open(20 * kTon)), "channel_exists");
}

TYPED_TEST(Conformance, AnAmountThatIsThereIsNotBroughtAgain) {
  this->confirmed("proxy", ports::DeployProxy{Nano{10 * kTon}});
  this->confirmed("client", this->open(20 * kTon));
  for (int i = 0; i < 2; ++i) {
    this->confirmed("client", ports::TopUpChannel{this->channel_, Nano{22 * kTon}});
    this->confirmed("proxy", ports::AddProxyStake{Nano{11 * kTon}});
  }
  EXPECT_EQ(this->channel()->deposited, Nano{22 * kTon});
  EXPECT_EQ(this->proxy().staked, Nano{11 * kTon});
}

TYPED_TEST(Conformance, TheDigestOfAReputationStandsUntilTheNextEpoch) {
  EXPECT_FALSE(this->newest_epoch());
  this->confirmed("proxy", ports::PublishEpoch{this->record(2, 7)});
  EXPECT_EQ(this->newest_epoch(), this->record(2, 7));
  // Neither another table for the same epoch, nor one with an epoch that is over.
  EXPECT_EQ(this->outcome("proxy", ports::PublishEpoch{this->record(2, 8)}), "epoch_not_newer");
  EXPECT_EQ(this->outcome("proxy", ports::PublishEpoch{this->record(1, 8)}), "epoch_not_newer");
  auto forged = this->record(3, 8);
  forged.value.reputation = {9};
  EXPECT_EQ(this->outcome("proxy", ports::PublishEpoch{forged}), "bad_signature");
  EXPECT_EQ(this->newest_epoch(), this->record(2, 7));
  this->confirmed("proxy", ports::PublishEpoch{this->record(3, 8)});
  EXPECT_EQ(this->newest_epoch(), this->record(3, 8));
}

TYPED_TEST(Conformance, AWholeLifeGivesTheSameBalances) {
  this->live([this](const char* role, ports::LedgerRequest request) {
    EXPECT_EQ(this->outcome(role, std::move(request)), "confirmed") << role;
  });
  EXPECT_EQ(this->books(), this->kAfterLife);
  const auto worker = this->ask("worker", ports::ReadBalance{id_of("worker")});
  EXPECT_GT(std::get<ports::BalanceView>(worker.value()).balance, Nano{});
}

TYPED_TEST(Conformance, ACrashAtAnyStepChangesNoBalance) {
  this->live_and_crash(1);
}

TYPED_TEST(Conformance, ACrashAtAnyStepChangesNoBalanceEither) {
  this->live_and_crash(2);
}

}  // namespace
}  // namespace cocoon::ledger::test
