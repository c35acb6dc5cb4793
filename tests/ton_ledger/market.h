#pragma once
/// @file A network on the devnet with a client, a proxy and a worker, each with a port of its own.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "crypto/system_random.h"
#include "ledger/ton/ton_port.h"
#include "ton_ledger/devnet.h"
#include "unit/io/test_loop.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::ledger::test {

inline constexpr std::uint64_t kTon = 1'000'000'000;

crypto::SigningKey key_of(std::string_view name);
inline AccountId id_of(std::string_view name) {
  return key_of(name).account_id();
}

class Market : public io::test::LoopTest {
 protected:
  static constexpr std::uint64_t kDeposit = 20 * kTon;

  explicit Market(int block_ms = 100);

  void SetUp() override;

  // --- The devnet itself ---

  /// Tells it something under /devnet/. @return the answer's result as JSON
  std::string tell(const std::string& path, const std::string& json);
  void faults(const std::string& json) { tell("faults", json); }
  void no_faults();
  void give(const AccountId& account, std::uint64_t nano);
  ton::Address wallet_of(std::string_view name) const;

  // --- Nodes ---

  /// A port of that account; its files are kept between two of the same name.
  std::unique_ptr<TonLedgerPort> open(std::string_view name);
  Result<ports::LedgerReply> ask(TonLedgerPort& port, ports::LedgerRequest request);
  /// The reply, which must be of that kind.
  template <class T>
  T expect(TonLedgerPort& port, ports::LedgerRequest request) {
    auto reply = ask(port, std::move(request));
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().detail());
    if (reply && std::holds_alternative<T>(*reply)) return std::get<T>(std::move(*reply));
    const auto* bounced = reply ? std::get_if<ports::Bounced>(&*reply) : nullptr;
    ADD_FAILURE() << "another kind of reply"
                  << (bounced ? ": " + bounced->error.detail() : std::string());
    std::abort();
  }
  void expect_confirmed(TonLedgerPort& port, ports::LedgerRequest request);
  void expect_bounced(TonLedgerPort& port, ports::LedgerRequest request, std::string_view code);
  Status send(TonLedgerPort& port, const ton::Address& to, std::uint64_t nano, ton::CellRef body);

  // --- The business ---

  /// The channel of client and proxy, open, with the proxy's contract deployed.
  void do_business();
  billing::SignedVoucher voucher(std::uint64_t spent, std::uint64_t authorised) const;
  billing::SignedPayout payout(std::uint64_t owed) const;
  billing::ChannelState channel();
  billing::ProxyState proxy_contract();

  crypto::SystemRandom random_;
  cocoon::test::TemporaryFolder folder_;
  cocoon::test::Devnet devnet_;
  std::optional<io::HttpClient> http_;
  TonSite site_;
  std::unique_ptr<TonLedgerPort> client_;
  std::unique_ptr<TonLedgerPort> proxy_;
  std::unique_ptr<TonLedgerPort> worker_;
  ChannelId channel_id_;
};

}  // namespace cocoon::ledger::test
