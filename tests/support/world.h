#pragma once
/// @file The world around the cores: a virtual clock, links with latency and loss of connections, a
/// real local ledger, an engine that counts what it runs, and nodes that crash and come back.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "core/client_core.h"
#include "core/proxy_core.h"
#include "core/worker_core.h"
#include "ledger/local_calls.h"
#include "support/sim_random.h"

namespace cocoon::simulation {

/// What a client of this world pays for one request at most.
inline constexpr Nano kMaxRequestCost{60'000};

/// How unkind the world is. Chances are per thousand.
struct Weather {
  Millis latency_low{1};
  Millis latency_high{30};
  std::uint64_t ledger_away = 0;    ///< of a ledger call that is answered by "unavailable"
  std::uint64_t quote_fails = 0;    ///< of a quote that a node's machine does not give it
  std::uint64_t engine_fails = 0;   ///< of a run that breaks off
  std::uint64_t engine_stalls = 0;  ///< of a run that says nothing more
  std::uint64_t link_breaks = 0;  ///< of a piece of bytes that never arrives: both ends see a reset
  std::uint64_t link_silences =
      0;                  ///< of a piece with which a link goes silent, unseen by both ends
  Millis quote_time{40};  ///< of a TDX machine (protocol.md "Challenge")
  Millis ledger_low{1};
  Millis ledger_high{20};
  int engine_status = 200;
  Millis chunk_gap{20};
  unsigned chunks = 8;
  std::string chunk_text = "token";
  std::string stream_end = "data: [DONE]\n\n";
  Millis plain_begins{0};  ///< so late an engine takes the body of a request for one
  Millis plain_takes{20};  ///< an answer that is no stream, of which nothing comes before its end
  Millis plain_pauses{0};  ///< in the middle of such an answer
};

class World;

/// Sends a message and sees it confirmed.
void carry_out_on(ledger::LocalLedger& ledger, const ledger::LocalMessage& message, UnixTime now);

/// One node: a core, its keys, its store, and the connections of its present life.
class Node {
 public:
  /// Makes what a node runs in the place of the product's core.
  using Actor = std::function<std::unique_ptr<core::Core>(core::NodeIdentity)>;

  Node(World& world, wire::Role role, std::string name);

  /// From the next boot() on this node is played by what `actor` makes.
  void play(Actor actor) { actor_ = std::move(actor); }

  void boot();    ///< a new life: fresh boot key, next epoch, what the store holds
  void crash();   ///< everything in memory is gone; connections break
  void vanish();  ///< as crash(), and the other ends of its connections do not notice
  /// A fresh certificate of the same boot key, with evidence where it had any. It comes by itself
  /// after three quarters of the world's certificate_lifetime.
  void renew();
  /// Its clock of the day is wrong by so much from now on.
  void set_clock_error(Seconds error) { clock_error_ = error; }
  Now now() const;
  /// The connection that it made last breaks, and the other end does not notice.
  void lose_newest_link();
  /// Ends the connections whose peer's evidence has run out, as node/ does.
  void review();
  std::size_t links() const { return pipes_.size(); }
  bool up() const { return core_ != nullptr; }
  /// After any call into the core: carries out what it asks for.
  void turn();

  core::Core& core() { return *core_; }
  core::ClientCore& client() { return *static_cast<core::ClientCore*>(core_.get()); }
  core::ProxyCore& proxy() { return *static_cast<core::ProxyCore*>(core_.get()); }
  core::WorkerCore& worker() { return *static_cast<core::WorkerCore*>(core_.get()); }
  AccountId account() const { return account_.account_id(); }
  const std::string& name() const { return name_; }
  wire::Role role() const { return role_; }
  /// Its keys, for whoever forges in its name.
  const crypto::SigningKey& account_key() const { return account_; }
  const crypto::SigningKey& boot_key() const { return *boot_; }
  /// What verifiers find its evidence to say; null for clients.
  const std::shared_ptr<const ports::VerifiedEvidence>& evidence() const { return evidence_; }
  void show_evidence(ports::VerifiedEvidence evidence) {
    evidence_ = std::make_shared<ports::VerifiedEvidence>(std::move(evidence));
  }
  /// From the next boot() on it owes evidence of GPUs; `evidence` stands for that, and is what
  /// verifiers accept behind its certificate. Empty: it has none to show.
  void owe_gpus(Bytes evidence) { gpu_evidence_ = std::move(evidence); }
  /// All that it shows, or would.
  Bytes shown() const;
  /// What it asks of the registry's price from the next boot() on, in 1/1000.
  void ask_coefficient(std::uint32_t coefficient_e3) { coefficient_e3_ = coefficient_e3; }
  /// How many quotes its machine has made, in all its lives.
  unsigned quotes() const { return quotes_; }
  /// What its store has under a key, over its lives; nothing where that is missing.
  std::optional<Bytes> stored(const std::string& key) const {
    const auto at = store_.find(key);
    return at == store_.end() ? std::nullopt : std::optional(at->second);
  }
  /// How often it has told its operator something with `part` in it.
  std::size_t reported(std::string_view part) const;
  /// Bytes for `far`, as if this node's core had sent them on its connection.
  void inject(Node& far, Bytes bytes);

 private:
  friend class World;
  struct Pipe {
    Node* far = nullptr;
    core::PeerId far_peer = 0;
    std::uint64_t far_life = 0;
    MonoTime last_arrival{};             ///< bytes never overtake each other
    bool silent = false;                 ///< nothing arrives any more; neither end is told
    UnixTime expires = UnixTime::max();  ///< of the evidence that the far end showed
  };

  void carry_out(core::Effect& effect);
  void write(core::WriteStore effect);
  void write_until(core::CallId call);
  void connect(const core::Connect& effect);
  void make_quote(const core::MakeQuote& effect);
  void verify_evidence(const core::VerifyEvidence& effect);
  void verify_answer(const core::VerifyAnswer& effect);
  void engine_start(const ports::EngineRequest& request);
  void engine_embed(std::uint64_t run);
  void engine_step(std::uint64_t run, unsigned left);
  void engine_run(const ports::EngineRequest& request);
  void engine_think(std::uint64_t run);
  void call_ledger(core::CallId call, ports::LedgerRequest request);
  std::unique_ptr<core::Core> make_core(core::NodeIdentity identity);
  void make_certificate();
  core::EvidenceVerdict judge(ByteView shown) const;
  void send(core::PeerId peer, Pipe& pipe, Bytes bytes);
  void break_pipe(core::PeerId peer, const Error& why);
  core::PeerIdentity identity_for(const Node& far, const Hash& exporter) const;
  void arm_deadline();

  World& world_;
  wire::Role role_;
  std::string name_;
  crypto::SigningKey account_;
  std::optional<crypto::SigningKey> boot_;
  std::uint64_t epoch_ = 0;
  std::uint32_t coefficient_e3_ = 1000;
  std::uint64_t life_ = 0;  ///< events of an earlier life are dropped
  Bytes certificate_;
  std::shared_ptr<const ports::VerifiedEvidence> evidence_;
  std::optional<Bytes> gpu_evidence_;
  std::map<std::string, Bytes> store_;
  std::deque<core::WriteStore> writing_;  ///< not on disk yet: lost where it crashes
  Actor actor_;
  std::unique_ptr<core::Core> core_;
  std::map<core::PeerId, Pipe> pipes_;
  Seconds clock_error_{};
  bool quoting_ = false;
  unsigned quotes_ = 0;
  std::vector<std::string> reports_;
  std::map<std::uint64_t, bool> runs_;  ///< engine runs of this life; true: paused
  MonoTime armed_ = kNever;
  core::PeerId next_accepted_ = 1ull << 40;
};

class World {
 public:
  World(std::uint64_t seed, Weather weather);
  ~World();

  Node& add(wire::Role role);
  /// Opens a channel for each client with each proxy.
  void fund(Nano deposit);
  /// Runs events until `until`, or until nothing is left.
  void run_until(MonoTime until);
  /// Runs the next event. False: nothing is left.
  bool step();
  void run_for(Millis time) { run_until(now.mono + time); }
  void after(Millis delay, std::function<void()> what);

  Now now{MonoTime{} + std::chrono::hours(1), UnixTime(Millis(1'800'000'000'000))};
  SimRandom random;
  Weather weather;
  Nano max_exposure{2'000'000'000};                              ///< of each client
  std::uint32_t max_coefficient_e3 = limits::kMaxCoefficientE3;  ///< that each client pays
  /// What proxies that boot from now on are configured with, beside the defaults.
  std::function<void(core::ProxyCoreOptions&)> proxy_options;
  Nano max_unpaid{1'000'000'000};  ///< of each worker
  Nano stake{2'000'000'000};       ///< of each proxy that is added
  Seconds certificate_lifetime{7 * 24 * 3600};
  std::vector<std::unique_ptr<Node>> nodes;
  std::unique_ptr<ledger::LocalLedger> ledger;
  /// What the engines ran, by the request's "user" field.
  std::map<std::string, unsigned> executions;
  /// What they said of it, in pieces: more than their callers got, where they were cut.
  unsigned engine_pieces = 0;
  /// The bodies that engines were given, in order.
  std::vector<std::string> engine_bodies;
  /// Sees what each node sends and may change it: whole frames of one connection in one direction.
  std::function<void(Node& from, Node& to, Bytes& bytes)> tap;
  std::vector<std::string> endpoints;
  /// What was shown before a renewal.
  std::vector<std::shared_ptr<const ports::VerifiedEvidence>> old_evidence;
  bool verifiers_busy = false;  ///< none judges anything: their queues are full
  unsigned connections = 0;     ///< made
  unsigned expired = 0;         ///< ended by review()
  unsigned channel_reads = 0;   ///< that nodes asked of the ledger

  Node* at(const std::string& endpoint);
  billing::Registry registry();

 private:
  struct Event {
    MonoTime at;
    std::uint64_t order;
    std::shared_ptr<std::function<void()>> what;
    friend bool operator>(const Event& a, const Event& b) {
      return std::tie(a.at, a.order) > std::tie(b.at, b.order);
    }
  };
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::string directory_;
};

}  // namespace cocoon::simulation
