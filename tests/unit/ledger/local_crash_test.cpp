// The local ledger when the process that uses it dies, on its real file: between any two SQL
// statements of a message's life, and after the last, when everything is carried out and nobody has
// learned of it. The caller starts again and repeats what it cannot know to be done. In the end the
// ledger must stand where one stands that nothing has happened to.

#include <gtest/gtest.h>

#include <filesystem>

#include "ledger/local_ledger.h"
#include "unit/billing/seeded.h"
#include "unit/store/statement_trace.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::ledger {
namespace {

using billing::test::key;
using billing::test::SeededRandom;
using test::StatementTrace;

constexpr int kSteps = 8;

/// Who has lost its answer may repeat a message that names a cumulative sum or a state, blindly. It
/// repeats one that moves an amount only where the ledger shows that nothing has happened.
enum class Repeat : std::uint8_t { always, where_nothing_changed };

class LedgerCrashTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  LedgerCrashTest() : random_(GetParam()) {
    Genesis genesis;
    genesis.registry.network = network_;
    genesis.registry.prices = billing::reference_prices();
    genesis.registry.client_close_delay = Seconds{100};
    genesis.registry.proxy_close_delay = Seconds{200};
    genesis.registry.min_deposit = Nano{100};
    genesis.registry.min_payout = Nano{1};
    genesis.registry.min_stake = Nano{100};
    genesis.registry.tombstone_rent = Nano{7};
    genesis.registry.proxies = {{proxy_.account_id(), "127.0.0.1:1"}};
    // Without gas, so that a message that came twice costs nothing and the sums can be compared.
    for (const std::string& path : {calm_, crashing_}) {
      EXPECT_TRUE(LocalLedger::create(path, genesis, now_)) << path;
    }
    terms_ = {network_, client_.account_id(), proxy_.account_id(), client_.account_id(),
              {},       Seconds{100},         Nano{100},           Nano{7}};
  }

  LocalLedger open(const std::string& path) {
    auto ledger = LocalLedger::open(path);
    EXPECT_TRUE(ledger) << where_;
    return std::move(ledger).value();
  }

  /// Everything that anybody owns, and what contracts have written down.
  std::string books(LocalLedger& ledger) {
    const Audit audit = ledger.audit().value();
    EXPECT_TRUE(audit.balanced()) << where_;
    std::string out = "issued " + std::to_string(audit.issued.value);
    const auto add = [&out](const Bytes& state) { out += "|" + std::string(as_text(state)); };
    const auto channels = ledger.channels().value();
    const auto proxies = ledger.proxies().value();
    const auto balances = ledger.balances().value();
    for (const auto& c : channels) add(c.encode());
    for (const auto& p : proxies) add(p.encode());
    for (const auto& [account, balance] : balances) {
      add(ByteWriter().bytes(account.view()).u64be(balance.value).take());
    }
    const auto epoch = ledger.epoch(proxy_.account_id()).value();
    if (epoch) add(epoch->value.encode());
    return out;
  }

  void send(LocalLedger& ledger, const LocalMessage& message) {
    EXPECT_TRUE(ledger.submit(message, now_)) << where_;
    EXPECT_TRUE(ledger.advance(now_)) << where_;
  }

  /// In a process of its own, which dies before its `n`-th statement. False where it has fewer.
  bool crash(const LocalMessage& message, int n) {
    const int status = test::in_child([&] {
      StatementTrace& trace = StatementTrace::instance();
      auto ledger = LocalLedger::open(crashing_);
      if (!ledger) return 1;
      trace.crash_before(n);
      if (!ledger->submit(message, now_) || !ledger->advance(now_)) return 2;
      return 0;
    });
    EXPECT_TRUE(status == 0 || status == test::kCrashed) << status << where_;
    return status == test::kCrashed;
  }

  /// The next process carries out what is due, and repeats the message if it has to.
  std::string books_after_recovery(const LocalMessage& message, Repeat repeat,
                                   const std::string& before) {
    LocalLedger ledger = open(crashing_);
    EXPECT_TRUE(ledger.advance(now_)) << where_;
    if (repeat == Repeat::always || books(ledger) == before) send(ledger, message);
    return books(ledger);
  }

  /// One message, with a crash at each of its steps in turn.
  void step(const LocalMessage& message, Repeat repeat) {
    where_ = "\nseed " + std::to_string(GetParam()) + ", a " +
             std::string(to_string(message.kind)) + " after " + std::to_string(crashes_) +
             " crashes";
    LocalLedger calm = open(calm_);
    const std::string before = books(calm);
    send(calm, message);
    const std::string expected = books(calm);
    // Nobody has it open, so that all of it is in the one file.
    const std::string copy = crashing_ + ".copy";
    std::filesystem::copy_file(crashing_, copy, std::filesystem::copy_options::overwrite_existing);
    for (int n = 1;; ++n) {
      const bool crashed = crash(message, n);
      if (crashed) ++crashes_;
      ASSERT_TRUE(books_after_recovery(message, repeat, before) == expected)
          << "statement " << n << where_;
      if (!crashed) return;
      std::filesystem::copy_file(copy, crashing_,
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }

  billing::SignedVoucher voucher() {
    const Nano spent = random_.up_to(Nano{2'500});
    const Nano authorised = saturating_add(spent, random_.up_to(Nano{300}));
    return sign(
        billing::Voucher{network_, terms_.address(), spent, authorised, client_.account_id()},
        random_.chance(90) ? client_ : proxy_);
  }
  billing::SignedPayout payout() {
    return sign(
        billing::PayoutVoucher{network_, proxy_.account_id(), worker_, random_.up_to(Nano{2'500})},
        proxy_);
  }

  void random_step();

  test::TemporaryFolder folder_;
  std::string calm_ = folder_.file("calm.db");
  std::string crashing_ = folder_.file("crashing.db");
  std::string where_;
  int crashes_ = 0;
  UnixTime now_ = unix_seconds(1'700'000'000);
  SeededRandom random_;
  NetworkId network_{{1, 2, 3}};
  crypto::SigningKey client_ = key(1);
  crypto::SigningKey proxy_ = key(2);
  AccountId worker_ = key(3).account_id();
  billing::ChannelTerms terms_;
};

void LedgerCrashTest::random_step() {
  const AccountId client = client_.account_id();
  const AccountId own = proxy_.account_id();
  const ChannelId channel = terms_.address();
  now_ += Seconds{static_cast<std::int64_t>(random_.below(60))};
  switch (random_.below(16)) {
    case 0:
      return step(top_up(client, channel, Nano{1 + random_.below(500)}),
                  Repeat::where_nothing_changed);
    case 1:
      return step(add_stake(own, Nano{1 + random_.below(500)}), Repeat::where_nothing_changed);
    case 2: return step(channel_order(MessageKind::start_close, client, channel), Repeat::always);
    case 3:
    case 4: {
      const auto v = voucher();
      return step(present(own, channel, v, v.value.authorised), Repeat::always);
    }
    case 5: return step(channel_order(MessageKind::finalise, client, channel), Repeat::always);
    case 6: return step(channel_order(MessageKind::resend, client, channel), Repeat::always);
    case 7:
    case 8: return step(proxy_order(MessageKind::take_fees, own), Repeat::always);
    case 9: return step(proxy_order(MessageKind::finish_withdrawal, own), Repeat::always);
    case 10: {
      const auto record =
          billing::EpochRecord::make(network_, 1 + random_.below(9), key(4).boot_key_id());
      return step(publish_epoch(own, sign(record, proxy_)), Repeat::always);
    }
    case 11:
    case 12:
    case 13: return step(cash_out(worker_, payout()), Repeat::always);
    default: return step(redeem(own, channel, voucher()), Repeat::always);
  }
}

TEST_P(LedgerCrashTest, CrashAtAnyStepLosesNothingAndDoublesNothing) {
  step(deploy_proxy(proxy_.account_id(), Nano{500}), Repeat::where_nothing_changed);
  step(open_channel(terms_, Nano{2'000}), Repeat::where_nothing_changed);
  for (int i = 0; i < kSteps && !HasFatalFailure(); ++i) random_step();
  EXPECT_GT(crashes_, 10 * kSteps) << "too few statements were crashed at" << where_;
}

INSTANTIATE_TEST_SUITE_P(Histories, LedgerCrashTest, ::testing::Values(1u));

}  // namespace
}  // namespace cocoon::ledger
