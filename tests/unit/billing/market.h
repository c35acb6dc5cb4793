#pragma once
/// @file A small market in memory for property tests: two clients, a proxy, two workers and the
/// ledger, made of the product's own rules and accounts. Every step may be lost, bounce, or come
/// from a rogue; any party may crash at any step. What really happened is kept apart from what the
/// parties and contracts believe, so that the invariants are checked against the truth.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "billing/contract.h"
#include "billing/meter.h"
#include "billing/price.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing::test {

inline constexpr Nano kMaxExposure{5'000};
inline constexpr Nano kMaxUnacknowledged{6'000};
inline constexpr Nano kMaxUnpaid{4'000};
inline constexpr Nano kMinDeposit{1'000};
inline constexpr Nano kRent{7};
inline constexpr Seconds kCloseDelay{100};
inline constexpr Seconds kWithdrawDelay{250};
inline constexpr std::uint32_t kShareE4 = 9'500;

struct Market {
  explicit Market(std::uint64_t seed);

  /// One random thing happens.
  void step();

  // --- Ledger ---
  UnixTime now = unix_seconds(1'000'000);
  NetworkId network;
  std::map<ChannelId, ChannelState> channels;
  std::optional<ProxyState> contract;
  std::map<AccountId, Nano> accounts;
  std::vector<Transfer> flying;
  Nano issued;

  // --- Parties ---
  struct Client {
    crypto::SigningKey account;
    ChannelTerms terms;
    ChannelId channel;
    std::unique_ptr<ClientMeter> meter;
    Bytes snapshot;  ///< the last one that reached the disk: may be old
    std::vector<SignedVoucher> signed_vouchers;
    // The truth:
    Nano proved;      ///< Σ costs whose receipt this client has had
    Nano most_spent;  ///< in any voucher that it ever signed
    Nano most_authorised;
  };
  std::vector<Client> clients;

  struct ProxyNode {
    crypto::SigningKey account;
    std::map<ChannelId, std::unique_ptr<ProxyMeter>> meters;
    std::map<ChannelId, Bytes> snapshots;
    std::unique_ptr<PayoutBook> book;
    std::map<AccountId, Bytes> book_snapshots;
  };
  ProxyNode proxy;

  struct Worker {
    crypto::SigningKey account;
    std::unique_ptr<WorkerMeter> meter;
    Bytes snapshot;
    std::vector<SignedPayout> signed_payouts;  ///< all that the proxy ever signed for it
    std::optional<SignedPayout> best;          ///< the highest that reached it
    // The truth:
    Nano earned;
    Nano most_owed;  ///< in any voucher that was ever signed for it
  };
  std::vector<Worker> workers;

  struct Running {
    std::size_t client = 0;
    std::size_t worker = 0;
    RequestHash request;
    RunId run;
    Nano cap;
  };
  std::vector<Running> running;

  // --- The truth about money that moved ---
  std::map<ChannelId, Nano> charged;       ///< Σ costs that the proxy may rightly ask for
  std::map<ChannelId, Nano> acknowledged;  ///< most that reached the proxy as spent
  std::map<ChannelId, Nano> to_proxy;      ///< settlements sent and not bounced
  std::map<ChannelId, Nano> to_client;     ///< refunds sent and not bounced
  std::map<ChannelId, bool> was_closing;
  std::map<AccountId, Nano> to_worker;  ///< payouts sent and not bounced
  std::map<AccountId, Nano> arrived;    ///< payouts that reached the worker
  Nano fees_taken;                      ///< sent and not bounced
  std::optional<UnixTime> withdrawal_started;

  /// The first broken promise that a step itself has noticed.
  std::string violation;
  std::string refusal;  ///< the code of the last refused message
  std::string history;  ///< the last steps, for a failure's report

  SeededRandom random;

  // --- Steps ---
  void begin_request();
  void end_request();
  void send_voucher();
  void redeem_or_present();
  void rogue_claims();
  void raise_payouts();
  void cash_out();
  void forged_cash_out();
  void deliver_transfer();
  void close_something();
  void top_up();
  void reopen();
  void fees_and_stake();
  void deploy_contract();
  void crash_client();
  void crash_proxy();
  void crash_worker();
  void pass_time();

  /// Tries a message on a channel; on success its transfers fly. Says whether it was accepted.
  bool tell(const ChannelId& channel, const ChannelMessage& message);
  bool tell_contract(const ProxyMessage& message);
  bool fees_follow_payouts() const;
  void arrive(const Transfer& transfer);
  void bounce(const Transfer& transfer);
  void views_change();
  void hand_over(Client& client, const SignedVoucher& voucher);
  SignedVoucher some_voucher(bool& forged);
  void only_because_of_a_late_view(std::string_view what);
  void note(std::string_view what);
  void broken(std::string what);

  Client& some_client() { return clients[random.below(clients.size())]; }
  Worker& some_worker() { return workers[random.below(workers.size())]; }
  void make_meters(Client& client);
  void make_proxy_meters();
  void make_worker_meter(Worker& worker);
  Nano in_flight_to(const AccountId& worker) const;
};

/// a + b where the test would be wrong if it overflowed.
inline Nano plus(Nano a, Nano b) {
  return saturating_add(a, b);
}

}  // namespace cocoon::billing::test
