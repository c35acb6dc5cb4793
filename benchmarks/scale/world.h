#pragma once
// What the thousands of workers and clients of one load program share: a loop, a network that was
// set up in a folder (ledger, simulated platform), and the ports that a node has of its own
// elsewhere.

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "billing/registry.h"
#include "crypto/ed25519.h"
#include "crypto/system_random.h"
#include "io/context.h"
#include "io/jobs.h"
#include "ledger/local_port.h"
#include "node/driver.h"
#include "ports/store.h"
#include "tee/source.h"
#include "verify/verifier.h"

namespace cocoon::bench {

inline constexpr const char* kModel = "bench/model";

/// The keys and papers of a node, made before it connects for the first time: what a restarted
/// process would make anew, and nothing of its connections.
struct Papers {
  crypto::SigningKey account;
  crypto::SigningKey boot;
  billing::SignedEpoch epoch;  ///< workers
  Bytes certificate;
  std::optional<node::OwnCertificate> tls;
};

/// Keeps nothing: what a node stores is not what is measured.
class NoStore final : public ports::Store {
 public:
  void commit(ports::StoreBatch, Callback<void(Status)>) override {}
  Result<std::vector<ports::StoreEntry>> load(std::string_view) override {
    return std::vector<ports::StoreEntry>();
  }
};

/// One per process; ends the process where something cannot be set up.
class World {
 public:
  /// @param folder exists; everything goes into it
  explicit World(std::string folder);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// The proxy's account and configuration; ledger and platform with it.
  void found_network(std::size_t max_peers);
  /// Opens ports on the network. @param proxy its address
  void join(std::string proxy);
  /// Accounts, certificates with evidence, and epochs on the ledger.
  std::vector<Papers> make_workers(std::size_t count);
  /// Accounts, certificates, and a channel of each with the proxy.
  std::vector<Papers> make_clients(std::size_t count);

  /// Runs the loop until `done`, or for `patience` at most; whether it was done.
  bool run_until(const std::function<bool()>& done, Seconds patience);
  void run_for(Millis time);

  node::DriverParts parts(core::Core* core, ports::Engine* engine);
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  const io::Context& context() const { return *context_; }
  const billing::Registry& registry() const { return registry_; }
  const std::string& proxy() const { return proxy_; }
  Random& random() { return random_; }

 private:
  void make_platform();
  void attest(std::vector<Papers>& workers);

  std::string folder_;
  std::string proxy_;
  AccountId proxy_account_;
  uv_loop_t loop_{};
  uv_timer_t tick_{};
  std::optional<io::Context> context_;
  crypto::SystemRandom random_;
  billing::Registry registry_;
  std::optional<io::JobPool> quoting_;
  std::unique_ptr<tee::Source> quotes_;
  std::unique_ptr<verify::Verifier> verifier_;
  std::unique_ptr<ledger::LocalLedgerPort> ledger_;
  NoStore store_;
};

}  // namespace cocoon::bench
