#include "ledger/operations.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <utility>

#include "crypto/ed25519.h"
#include "ledger/local_ledger.h"
#include "need.h"

namespace cocoon::bench {
namespace {

constexpr int kChannels = 500;
constexpr int kWorkers = 10;
constexpr Nano kDeposit{1'000'000'000};
constexpr Nano kTopUp{1'000'000};
constexpr Nano kPayout{100'000};

crypto::SigningKey key(std::uint64_t number) {
  ByteArray<32> seed{};
  for (std::size_t i = 0; i < 8; ++i) seed[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return crypto::SigningKey::from_seed(seed);
}

/// A folder that goes with this object.
class Folder {
 public:
  explicit Folder(const std::string& parent) {
    std::string path = parent + "/cocoon-bench-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) fail("cannot make a folder in " + parent);
    path_ = path;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file() const { return path_ + "/ledger.db"; }

 private:
  std::string path_;
};

class Operations {
 public:
  explicit Operations(const std::string& folder) : folder_(folder), ledger_(create()) {}

  std::vector<Operation> all() {
    send(ledger::deploy_proxy(proxy_.account_id(), Nano{10'000'000'000}));
    std::vector<Operation> out;
    out.push_back(measure("open", [&](std::uint64_t i) { return opening(i); }));
    out.push_back(measure("top up", [&](std::uint64_t i) { return top_up(i); }));
    out.push_back(measure("redeem", [&](std::uint64_t i) { return redemption(i); }));
    out.push_back(measure("payout", [&](std::uint64_t i) { return payout(i); }));
    if (!need(ledger_.audit(), "the audit").balanced()) fail("the ledger is not balanced");
    return out;
  }

 private:
  ledger::LocalLedger create() {
    ledger::Genesis genesis;
    genesis.registry.network = network_;
    genesis.registry.prices = billing::reference_prices();
    genesis.registry.client_close_delay = Seconds{100};
    genesis.registry.proxy_close_delay = Seconds{200};
    genesis.registry.min_deposit = Nano{1};
    genesis.registry.min_payout = Nano{1};
    genesis.registry.min_stake = Nano{1};
    genesis.registry.proxies = {{proxy_.account_id(), "127.0.0.1:1"}};
    return need(ledger::LocalLedger::create(folder_.file(), genesis, now_), "the ledger");
  }

  /// From a message to its confirmation; what it sent on has arrived, too.
  void send(const ledger::LocalMessage& message) {
    const auto id = need(ledger_.submit(message, now_), "submit");
    if (!ledger_.advance(now_)) fail("the ledger does not advance");
    const auto status = need(ledger_.status(id), "status");
    if (status.progress != ledger::Progress::confirmed) fail("a message was refused");
  }

  template <class Make>
  Operation measure(std::string name, const Make& make) {
    Operation out{.name = std::move(name), .us = {}};
    for (std::uint64_t i = 0; i < kChannels; ++i) {
      const ledger::LocalMessage message = make(i);  // signing is not the ledger's work
      out.us.push_back(microseconds([&] { send(message); }));
    }
    return out;
  }

  billing::ChannelTerms terms(std::uint64_t i) const {
    const AccountId client = key(1000 + i).account_id();
    return {network_, client, proxy_.account_id(), client, {}, Seconds{100}, Nano{1}, Nano{}};
  }
  ledger::LocalMessage opening(std::uint64_t i) const {
    return ledger::open_channel(terms(i), kDeposit);
  }
  ledger::LocalMessage top_up(std::uint64_t i) const {
    return ledger::top_up(terms(i).client, terms(i).address(), kTopUp);
  }
  ledger::LocalMessage redemption(std::uint64_t i) const {
    const billing::Voucher voucher{network_, terms(i).address(), kDeposit, kDeposit,
                                   terms(i).client};
    return ledger::redeem(proxy_.account_id(), terms(i).address(), sign(voucher, key(1000 + i)));
  }
  ledger::LocalMessage payout(std::uint64_t i) const {
    const AccountId worker = key(10 + i % kWorkers).account_id();
    const Nano owed{kPayout.value * (1 + i / kWorkers)};
    return ledger::cash_out(
        worker, sign(billing::PayoutVoucher{network_, proxy_.account_id(), worker, owed}, proxy_));
  }

  Folder folder_;
  const UnixTime now_ = unix_seconds(1'700'000'000);
  const NetworkId network_{{1, 2, 3}};
  const crypto::SigningKey proxy_ = key(1);
  ledger::LocalLedger ledger_;
};

}  // namespace

std::vector<Operation> local_operations(const std::string& folder) {
  return Operations(folder).all();
}

}  // namespace cocoon::bench
