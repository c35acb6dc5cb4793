#include "ledger/ton/wallet_core.h"

#include <gtest/gtest.h>

#include <map>

#include "base/limits.h"
#include "support/seeded_random.h"
#include "ton/boc.h"

namespace cocoon::ledger {
namespace {

constexpr Nano kTon{1'000'000'000};

crypto::SigningKey wallet_key() {
  return crypto::SigningKey::from_seed(ByteArray<32>{7});
}

/// The wallet's contract as the chain has it. It obeys transfers as v5r1 does, and remembers which
/// orders it has carried out.
class Chain {
 public:
  std::uint32_t seqno = 0;
  Nano balance{1000 * kTon.value};
  UnixTime time = unix_seconds(1'800'000'000);
  std::vector<std::uint64_t> carried_out;

  /// Whether the message was good.
  bool take(const Bytes& external) {
    const auto cell = ton::parse_boc_root(external);
    const auto message = ton::parse_message(cell.value()).value();
    const auto transfer = ton::parse_transfer(ton::WalletVersion::v5r1, message.body).value();
    EXPECT_TRUE(
        crypto::verify(wallet_key().public_key(), transfer.signed_hash, transfer.signature));
    if (seqno == 0 && !message.init) return false;  // not deployed, and nothing that deploys it
    if (transfer.seqno != seqno || unix_seconds(transfer.valid_until) <= time) return false;
    EXPECT_LE(transfer.messages.size(), limits::kMaxTonBatch);
    ++seqno;
    for (const auto& out : transfer.messages) {
      EXPECT_EQ(out.mode, 3);
      const auto inner = ton::parse_message(out.message).value();
      EXPECT_TRUE(std::get<ton::InternalInfo>(inner.info).bounce);
      carried_out.push_back(ton::Slice(inner.body).load_u64());
    }
    return true;
  }

  WalletReading reading() const { return {seqno > 0, seqno, balance, time}; }
};

WalletOrder order(std::uint64_t number, Nano value = kTon) {
  return {{0, Hash{9}}, value, ton::Builder().store_uint(number, 64).finish().value(), {}};
}

class WalletCoreTest : public ::testing::Test {
 protected:
  Now now() const { return {MonoTime(chain_.time.time_since_epoch()), chain_.time}; }
  void pass(Millis time) { chain_.time += time; }
  void submit(std::uint64_t id, Nano value = kTon) {
    ASSERT_TRUE(core_.submit(id, order(id, value), now()));
  }
  /// Reads the wallet as it is. @return what was handed in
  std::vector<Bytes> read() { return read(chain_.reading()); }
  std::vector<Bytes> read(const WalletReading& reading) {
    core_.on_time(now());
    core_.on_reading(reading, now());
    std::vector<Bytes> out;
    for (auto& action : core_.take_actions()) {
      if (auto* message = std::get_if<WalletCore::HandIn>(&action)) out.push_back(message->message);
      if (const auto* done = std::get_if<WalletCore::Carried>(&action))
        carried_.push_back(done->order);
      if (const auto* no = std::get_if<WalletCore::Refused>(&action)) {
        refused_.emplace(no->order, no->error);
      }
    }
    return out;
  }

  Chain chain_;
  WalletCore core_{wallet_key(), ton::WalletNetwork::mainnet};
  std::vector<std::uint64_t> carried_;
  std::map<std::uint64_t, Error> refused_;
};

TEST_F(WalletCoreTest, RefusesWhatItCannotPayForAndSaysWhatToDo) {
  chain_.balance = Nano{kTon.value / 2};
  submit(1);
  EXPECT_TRUE(read().empty());
  EXPECT_TRUE(refused_.empty());  // money may be on its way back
  pass(Seconds{30});
  EXPECT_TRUE(read().empty());
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_.at(1).kind(), ErrorKind::payment);
  EXPECT_NE(refused_.at(1).detail().find("0.500000000 TON"), std::string::npos)
      << refused_.at(1).detail();
  EXPECT_TRUE(core_.idle());
}

TEST_F(WalletCoreTest, SendsWhatTheBalanceReachesForAndLetsTheRestWait) {
  chain_.balance = Nano{2 * kTon.value + limits::kTonWalletReserveNano};
  for (std::uint64_t id = 1; id <= 3; ++id) submit(id);
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{1, 2}));
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_EQ(carried_, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(WalletCoreTest, SendsAnOrderUnderItsNumberOnly) {
  chain_.seqno = 5;
  const auto submit_as = [&](std::uint64_t id, std::uint32_t number) {
    WalletOrder numbered = order(id);
    numbered.number = number;
    ASSERT_TRUE(core_.submit(id, std::move(numbered), now()));
  };
  submit_as(1, 4);
  submit_as(2, 6);
  submit_as(3, 5);
  const auto out = read();
  EXPECT_EQ(refused_.at(1).code(), "transfer_number");
  EXPECT_NE(refused_.at(1).detail().find("already"), std::string::npos);
  EXPECT_EQ(refused_.at(2).code(), "transfer_number");
  ASSERT_TRUE(chain_.take(out.at(0)));
  // What an interrupted program has sent, given again.
  submit_as(4, 5);
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(refused_.at(4).code(), "transfer_number");
  EXPECT_EQ(chain_.carried_out, std::vector<std::uint64_t>{3});
  EXPECT_TRUE(core_.idle());
}

TEST_F(WalletCoreTest, SendsAnOrderThatMustNotBounceWithoutBounce) {
  WalletOrder gift = order(1);
  gift.bounce = false;
  ASSERT_TRUE(core_.submit(1, std::move(gift), now()));
  const auto sent = ton::parse_message(ton::parse_boc_root(read().at(0)).value()).value();
  const auto transfer = ton::parse_transfer(ton::WalletVersion::v5r1, sent.body).value();
  const auto inner = ton::parse_message(transfer.messages.at(0).message).value();
  EXPECT_FALSE(std::get<ton::InternalInfo>(inner.info).bounce);
}

TEST_F(WalletCoreTest, GivesUpOrdersThatWaitForTooLong) {
  submit(1);
  pass(limits::kTonEffectPatience + Seconds{1});
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(refused_.at(1).code(), "ledger_timeout");
}

TEST_F(WalletCoreTest, SendsManyInOrderInBatchesOfABoundedSize) {
  for (std::uint64_t id = 1; id <= 150; ++id) submit(id);
  while (!core_.idle()) {
    for (const Bytes& message : read()) EXPECT_TRUE(chain_.take(message));
  }
  ASSERT_EQ(chain_.carried_out.size(), 150u);
  EXPECT_TRUE(std::is_sorted(chain_.carried_out.begin(), chain_.carried_out.end()));
  EXPECT_EQ(carried_, chain_.carried_out);
  EXPECT_EQ(chain_.seqno, 3u);
}

TEST_F(WalletCoreTest, SendsTheSameAgainUntilItExpiresThenSignsAnewUnderTheSameNumber) {
  submit(1);
  const Bytes first = read().at(0);
  EXPECT_TRUE(read().empty());
  pass(limits::kTonResend);
  EXPECT_EQ(read().at(0), first);
  pass(limits::kTonTransferLifetime);
  const Bytes second = read().at(0);
  EXPECT_NE(second, first);
  EXPECT_FALSE(chain_.take(first));
  EXPECT_TRUE(chain_.take(second));
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(carried_, (std::vector<std::uint64_t>{1}));
}

TEST_F(WalletCoreTest, ALaterOrderWaitsForTheTransferUnderWay) {
  submit(1);
  const Bytes first = read().at(0);
  submit(2);
  pass(limits::kTonTransferLifetime + Seconds{1});
  const Bytes again = read().at(0);
  ASSERT_TRUE(chain_.take(again));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{1}));
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(WalletCoreTest, NeverSignsAnOrderUnderTwoNumbers) {
  submit(1);
  const Bytes first = read().at(0);
  // The API says that the wallet is past it, which is not so: the order is not signed again, and
  // an order that is new gets the number that is shown.
  EXPECT_TRUE(read({true, 1, kTon, chain_.time}).empty());
  EXPECT_EQ(carried_, (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(core_.idle());
  ASSERT_TRUE(chain_.take(first));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{1}));
}

TEST_F(WalletCoreTest, AnOldAnswerChangesNothing) {
  submit(1);
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_TRUE(read().empty());
  submit(2);
  EXPECT_TRUE(read({true, 0, chain_.balance, chain_.time}).empty());
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_TRUE(read({true, 1, chain_.balance, chain_.time}).empty());
  EXPECT_EQ(carried_, (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(carried_, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(WalletCoreTest, RecoversFromANumberThatWasALie) {
  submit(1);
  const auto lie = read({true, 1000, chain_.balance, chain_.time});
  ASSERT_EQ(lie.size(), 1u);
  EXPECT_FALSE(chain_.take(lie[0]));
  EXPECT_TRUE(read().empty());
  pass(limits::kTonTransferLifetime + limits::kTonClockTolerance + Seconds{1});
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(refused_.at(1).code(), "ledger_timeout");
  submit(2);
  ASSERT_TRUE(chain_.take(read().at(0)));
  EXPECT_EQ(chain_.carried_out, (std::vector<std::uint64_t>{2}));
}

// --- Histories ---

struct HistoryOptions {
  bool lies = false;
  int steps = 200;
};

/// A history in which messages are lost, repeated and late, and (with lies) readings are whatever
/// somebody wants them to be, within the clock that a reader accepts.
class WalletHistory {
 public:
  WalletHistory(std::uint64_t seed, HistoryOptions options) : options_(options), random_(seed) {
    skew_ = Seconds(static_cast<std::int64_t>(random_.below(200)) - 100);
    past_.push_back(chain_.reading());
  }

  void run() {
    for (int i = 0; i < options_.steps; ++i) step();
    // The rest is honest and quick: everything comes to an end.
    options_.lies = false;
    const std::uint64_t last = next_id_;
    pass(limits::kTonTransferLifetime + 2 * limits::kTonClockTolerance);
    for (int i = 0; i < 200 && !core_.idle(); ++i) {
      read(chain_.reading());
      for (const Bytes& message : in_the_network_) chain_.take(message);
      pass(Millis{3000});
    }
    EXPECT_TRUE(core_.idle());
    submit();
    for (int i = 0; i < 5 && !core_.idle(); ++i) {
      read(chain_.reading());
      for (const Bytes& message : in_the_network_) chain_.take(message);
      pass(Millis{3000});
    }
    EXPECT_TRUE(core_.idle());
    EXPECT_EQ(chain_.carried_out.empty() ? 0 : chain_.carried_out.back(), last);
  }

  void check() const {
    // Each at most once, and in the order in which they were given.
    for (std::size_t i = 1; i < chain_.carried_out.size(); ++i) {
      ASSERT_LT(chain_.carried_out[i - 1], chain_.carried_out[i]);
    }
    for (const std::uint64_t id : chain_.carried_out) {
      ASSERT_FALSE(refused_.contains(id)) << "order " << id << " was given up, and carried out";
    }
  }

  const Chain& chain() const { return chain_; }
  const std::vector<std::uint64_t>& carried() const { return carried_; }
  std::size_t refused() const { return refused_.size(); }

 private:
  Now now() const {
    const UnixTime machine = chain_.time + skew_;
    return {MonoTime(machine.time_since_epoch()), machine};
  }
  void pass(Millis time) { chain_.time += time; }
  void submit() {
    ASSERT_TRUE(core_.submit(next_id_, order(next_id_, Nano{kTon.value / 100}), now()));
    ++next_id_;
  }

  void step() {
    pass(Millis(static_cast<std::int64_t>(random_.below(20'000))));
    if (random_.below(3) == 0) submit();
    if (!in_the_network_.empty() && random_.below(2) == 0) {
      // Any message of the past, once more.
      const auto which = random_.below(2) == 0 ? in_the_network_.size() - 1
                                               : random_.below(in_the_network_.size());
      chain_.take(in_the_network_[which]);
      past_.push_back(chain_.reading());
    }
    core_.on_time(now());
    if (random_.below(4) != 0) read(shown());
    check();
  }

  WalletReading shown() {
    WalletReading out = chain_.reading();
    if (random_.below(4) == 0) {  // an endpoint that lags
      out = past_[past_.size() - 1 - random_.below(std::min<std::size_t>(past_.size(), 3))];
      out.time = chain_.time - Seconds(static_cast<std::int64_t>(random_.below(60)));
    }
    if (!options_.lies || random_.below(3) == 0) return out;
    switch (random_.below(5)) {
      case 0: out.seqno += static_cast<std::uint32_t>(random_.below(4)); break;
      case 1: out.seqno -= static_cast<std::uint32_t>(random_.below(4)); break;
      case 2: out.seqno = static_cast<std::uint32_t>(random_.u64()); break;
      case 3: out.balance = Nano{random_.u64() >> random_.below(64)}; break;
      default: out.deployed = !out.deployed; break;
    }
    // A reader accepts no other times.
    out.time = now().unix + Millis(static_cast<std::int64_t>(random_.below(600'001)) - 300'000);
    return out;
  }

  void read(const WalletReading& reading) {
    core_.on_time(now());
    core_.on_reading(reading, now());
    for (auto& action : core_.take_actions()) {
      if (auto* message = std::get_if<WalletCore::HandIn>(&action)) {
        in_the_network_.push_back(std::move(message->message));
      } else if (const auto* done = std::get_if<WalletCore::Carried>(&action)) {
        carried_.push_back(done->order);
      } else {
        refused_.emplace(std::get<WalletCore::Refused>(action).order, true);
      }
    }
  }

  HistoryOptions options_;
  cocoon::test::SplitMix random_;
  Seconds skew_{};
  Chain chain_;
  WalletCore core_{wallet_key(), ton::WalletNetwork::mainnet};
  std::vector<WalletReading> past_;
  std::vector<Bytes> in_the_network_;
  std::vector<std::uint64_t> carried_;
  std::map<std::uint64_t, bool> refused_;
  std::uint64_t next_id_ = 1;
};

TEST(WalletHistories, CarryEachOrderOutOnceAndInOrderWhateverIsLost) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WalletHistory history(seed, {});
    history.run();
    history.check();
    // What was reported is what happened.
    EXPECT_EQ(history.carried(), history.chain().carried_out);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(WalletHistories, CarryNoOrderOutTwiceWhateverTheApiSays) {
  std::size_t carried = 0;
  std::size_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WalletHistory history(seed, {.lies = true});
    history.run();
    history.check();
    if (::testing::Test::HasFatalFailure()) return;
    carried += history.chain().carried_out.size();
    lost += history.refused();
  }
  // The lies had an effect, and the truth, too.
  EXPECT_GT(carried, 500u);
  EXPECT_GT(lost, 50u);
}

}  // namespace
}  // namespace cocoon::ledger
