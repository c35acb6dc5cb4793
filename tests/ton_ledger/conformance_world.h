#pragma once
/// @file The two ledgers behind the port, each with the same network: what the conformance suite
/// runs on.

#include <memory>
#include <string>

#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "ledger/local_port.h"
#include "ton_ledger/market.h"

namespace cocoon::ledger::test {

/// The terms that both have; those of apps/ton-devnet where nothing is asked for.
inline constexpr Nano kMinDeposit{kTon};
inline constexpr Nano kMinStake{10 * kTon};
inline constexpr std::uint32_t kWorkerShareE4 = 9'500;

/// One sqlite file.
class OnLocalLedger : public io::test::LoopTest {
 protected:
  void SetUp() override {
    Genesis genesis;
    billing::Registry& registry = genesis.registry;
    registry.network = network();
    registry.prices = billing::reference_prices();
    registry.prices.worker_share_e4 = kWorkerShareE4;
    // It goes by this machine's clock, so its delays are short.
    registry.client_close_delay = Seconds{1};
    registry.proxy_close_delay = Seconds{2};
    registry.min_deposit = kMinDeposit;
    registry.min_payout = Nano{kTon};
    registry.min_stake = kMinStake;
    registry.message_fee = Nano{kTon / 50};
    registry.tombstone_rent = Nano{kTon / 20};
    registry.proxies = {{id_of("proxy"), "proxy.example:7443"}};
    genesis.confirmation_delay = Millis{20};
    ASSERT_TRUE(LocalLedger::create(file(), genesis, io::now().unix));
  }

  NetworkId network() const { return NetworkId{{1, 2, 3}}; }
  std::unique_ptr<ports::Ledger> open_port(std::string_view name) {
    auto port = LocalLedgerPort::open(context(), file(), id_of(name));
    EXPECT_TRUE(port) << port.error().detail();
    return std::move(*port);
  }
  /// The port goes away with its process, and whatever it sent is carried out.
  void crash_and_settle(std::unique_ptr<ports::Ledger> port) {
    bool stopped = false;
    static_cast<LocalLedgerPort&>(*port).stop([&] { stopped = true; });
    run_until([&] { return stopped; });
    auto ledger = LocalLedger::open(file());
    ASSERT_TRUE(ledger);
    run_until([&] {
      const Status advanced = ledger->advance(io::now().unix);
      const auto due = ledger->next_due();
      return advanced && due && !*due;
    });
  }
  /// Until a delay that begins now is over.
  void pass_close_delay() { wait(Seconds{2}); }
  void pass_withdraw_delay() { wait(Seconds{3}); }

 private:
  std::string file() const { return folder_.file("ledger.sqlite"); }
  void wait(Seconds delay) {
    const UnixTime end = io::now().unix + delay;
    run_until([&] { return io::now().unix >= end; });
  }

  cocoon::test::TemporaryFolder folder_;
};

/// Contracts in the real TVM behind apps/ton-devnet.
class OnTon : public Market {
 protected:
  void SetUp() override {
    Market::SetUp();
    // The suite opens its own: an account has one port at a time.
    client_.reset();
    proxy_.reset();
    worker_.reset();
  }

  NetworkId network() const { return site_.network; }
  std::unique_ptr<ports::Ledger> open_port(std::string_view name) { return open(name); }
  void crash_and_settle(std::unique_ptr<ports::Ledger> port) {
    port.reset();
    // Wallet, root and contract are three hops.
    tell("block", R"({"count":5})");
  }
  void pass_close_delay() { tell("time", R"({"advance":43201})"); }
  void pass_withdraw_delay() { tell("time", R"({"advance":86401})"); }
};

}  // namespace cocoon::ledger::test
