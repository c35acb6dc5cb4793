#pragma once
/// @file What the three roles share at run time: start-up, registry, drain and stop. A role adds
/// its core and what is its own.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/gpu_bundle.h"
#include "base/log.h"
#include "base/random.h"
#include "billing/registry.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/ledger.h"
#include "cocoon/loop.h"
#include "cocoon/metrics.h"
#include "collateral/supply.h"
#include "core/core.h"
#include "core/identity.h"
#include "crypto/system_random.h"
#include "io/context.h"
#include "io/jobs.h"
#include "io/timer.h"
#include "node/driver.h"
#include "node/random_ahead.h"
#include "ports/ledger.h"
#include "store/sqlite_store.h"
#include "tee/gpu_source.h"
#include "tee/source.h"
#include "verify/verifier.h"

namespace cocoon::node {

/// What every role is given.
struct RoleOptions {
  std::string_view component;  ///< for the log: "client", "proxy", "worker"
  wire::Role role{};
  std::string ledger_path;  ///< or `ton`
  std::optional<TonNetwork> ton;
  std::string state_dir;
  /// Policies for peers, by their role; absent: the role has no such peers.
  std::optional<AttestationPolicy> proxy_policy;
  std::optional<AttestationPolicy> worker_policy;
  CollateralSource collateral;
  /// Absent for clients.
  std::optional<EvidenceSource> evidence;
  std::vector<std::string> models;  ///< claimed by workers
  Hash config{};                    ///< likewise: digest of what is configured; zeros: nothing is
  LogSink log;
  std::shared_ptr<Metrics> metrics;
  std::function<void(const Error&)> on_fatal;
};

/// Loop thread only. Start-up runs in steps, each an answer from a port; that the ledger is away,
/// or that the machine gives no evidence, delays it and is logged; anything else ends it, is logged
/// as what it is, and is told to the owner by `on_fatal`.
class RoleNode {
 public:
  virtual ~RoleNode();

  const AccountId& account() const { return account_id_; }
  /// Of this run; 0 before it is published, and for clients.
  std::uint64_t epoch() const { return driver_ && epoch_ ? epoch_->value.epoch : 0; }

  /// Opens key, store, ledger and, where a policy wants it, the supply of collateral. Blocks on the
  /// disk, not on the network.
  Status open();
  /// Whether begin() may be called. Errors: invalid_argument/already_started, already_stopped.
  Status may_begin() const;
  bool begun() const { return begun_; }
  /// Begins the start-up; make_core() is called when everything is known.
  /// @pre may_begin()
  void begin();
  /// Drains, settles, closes; `on_stopped` is the last thing that happens. Asked again, it changes
  /// nothing, and calls back with the first, or on a later turn where that has happened.
  void stop_all(Millis grace, Callback<void()> on_stopped);
  bool stopping() const { return stopping_; }
  /// Why this node itself does not serve, for its operator: "ledger: …", "evidence: …". Empty where
  /// it does; what its role lacks beyond that, a peer or an engine, is not in it.
  std::string obstacle() const;
  /// Null until the core runs.
  Driver* driver() { return driver_.get(); }
  const Driver* driver() const { return driver_.get(); }

 protected:
  RoleNode(const Loop& loop, RoleOptions options);

  // --- The role's part ---

  /// Everything is known: make the core. It is driven from then on. An error ends the start-up.
  virtual Result<std::unique_ptr<core::Core>> make_core(core::NodeIdentity identity,
                                                        const Hash& leaf_sha256,
                                                        const billing::Registry& registry,
                                                        Now now) = 0;
  /// What this epoch's record says that was measured of others; asked before make_core(). An error
  /// ends the start-up.
  virtual Result<Hash> reputation_to_publish(const NetworkId&) { return Hash{}; }
  /// The ledger does not answer before the core is made; it is asked again.
  virtual void on_delayed(const Error&) {}
  /// The core runs: connect or listen.
  virtual void on_started() = 0;
  virtual void on_registry(const billing::Registry& registry, Now now) = 0;
  /// After every turn: events, metrics.
  virtual void after_turn() = 0;
  virtual void begin_drain(Now now) = 0;
  virtual bool drained() const = 0;
  /// Once, when the role has drained or the grace is over.
  virtual void settle(Now now) = 0;
  /// Whether what settle() waits for has come.
  virtual bool settled() const { return drained(); }
  virtual ports::Engine* engine() { return nullptr; }
  /// The node cannot go on, or not until it can attest; it has been logged. The owner of the
  /// process decides what follows.
  virtual void on_failed(const Error&) {}
  /// The last call: give back what was made from context().
  virtual void on_closing() = 0;
  /// A new certificate is used for new connections; shown_evidence() goes with it.
  virtual void on_certificate(const Hash& leaf_sha256, Now now) = 0;

  Result<std::vector<ports::StoreEntry>> stored() { return store_->load(""); }
  /// Gives a core that was just made what the store has. Errors: as they are, within what failed.
  template <class Core>
  Status restore(Core& core) {
    const auto entries = stored();
    Status restored = entries ? core.restore(*entries) : Status(entries.error());
    if (restored) return ok();
    return Error(restored.error())
        .within("the state that is stored in " + options_.state_dir + " is unusable");
  }
  const io::Context& context() const { return context_; }
  const Logger& log() const { return log_; }
  /// For what runs on the loop.
  Random& random() { return random_ahead_; }
  Metrics* metrics() const { return options_.metrics.get(); }
  /// Reports what a counter has grown by; there are metrics.
  void count(std::string_view name, std::uint64_t now, std::uint64_t before,
             std::string_view label = {}) const {
    if (now != before) metrics()->add(name, static_cast<double>(now - before), label);
  }
  const billing::Registry& registry() const { return *registry_; }
  /// The certificate with the evidence of this machine's GPUs behind it; empty where it shows none.
  Bytes shown_evidence() const;

 private:
  using Answer = Callback<void(ports::LedgerReply)>;

  /// Asks the ledger until it answers.
  void ask(ports::LedgerRequest request, std::string_view what, Answer answer);
  void read_registry();
  void read_beacon();
  void read_epoch();
  attest::EvidenceRole evidence_role() const {
    return options_.role == wire::Role::proxy ? attest::EvidenceRole::proxy
                                              : attest::EvidenceRole::worker;
  }
  Status open_sources();
  void attest();
  void certify(const attest::GpuBundle& gpus);
  void on_attested(Result<Bytes> certificate, Bytes gpu_evidence);
  void attest_later(Error why);
  void publish_epoch();
  void look_at_epoch();
  void run();
  void refresh_registry();
  void set_registry_stale(const Error& why);
  void use_registry(billing::Registry registry);
  Status open_supply();
  Status apply_policies();
  void renew_certificate();
  void use_renewed(Result<Bytes> certificate, Bytes gpu_evidence);
  void fail(const Error& error);
  void give_up(const Error& error);
  void drain();
  void when_drained();
  void close_parts();
  void close_context();

  RoleOptions options_;
  io::Context context_;
  Logger log_;
  crypto::SystemRandom random_;
  RandomAhead random_ahead_;
  std::optional<crypto::SigningKey> account_;
  AccountId account_id_;
  std::optional<crypto::SigningKey> boot_;
  std::optional<billing::SignedEpoch> epoch_;
  std::optional<billing::Registry> registry_;
  std::optional<ports::Beacon> beacon_;
  Bytes certificate_;
  Bytes gpu_evidence_;  ///< behind it; its claims have the digest

  std::optional<io::JobPool> attest_jobs_;
  std::unique_ptr<tee::Source> source_;
  std::unique_ptr<tee::GpuSource> gpu_source_;  ///< null where no GPUs are shown
  std::unique_ptr<store::SqliteStore> store_;
  std::unique_ptr<ports::Ledger> ledger_;
  std::unique_ptr<collateral::Supply> supply_;  ///< null where no policy has Intel's root
  std::unique_ptr<verify::Verifier> verifier_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<io::Timer> retry_;
  std::unique_ptr<io::Timer> renewal_;
  std::unique_ptr<io::Timer> epoch_look_;
  std::unique_ptr<io::Timer> drain_timer_;
  std::vector<Callback<void()>> on_stopped_;
  std::string starting_ = "ledger: waiting to read the registry";  ///< what start-up waits for
  std::string attesting_ = "waiting for what this machine shows";  ///< what attest() waits for
  MonoTime drain_until_{};
  /// No new work: the ledger could not be read for too long.
  std::optional<std::string> registry_stale_;
  std::optional<std::string> broken_;  ///< it cannot go on, and why
  bool begun_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool settling_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_;
};

}  // namespace cocoon::node
