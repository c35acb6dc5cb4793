#pragma once
/// @file WorkerCore: opens sealed requests, has the engine answer them, seals the answers, signs
/// receipts. Pure: the engine is a port.
///
/// Files: worker_core.cpp (proxies, readiness), worker_renewal.cpp (fresh connections for old),
/// worker_requests.cpp (from the sealed body to the engine), worker_answers.cpp (from the engine to
/// the sealed answer and its receipt), worker_earnings.cpp (what proxies owe, vouchers, cashing).

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "billing/meter.h"
#include "billing/receipt.h"
#include "billing/registry.h"
#include "core/attested_core.h"
#include "core/backoff.h"
#include "core/engine_health.h"
#include "core/identity.h"
#include "core/link.h"
#include "core/link_renewal.h"
#include "core/market.h"
#include "core/usage_counter.h"
#include "session/sealed_request.h"

namespace cocoon::core {

struct WorkerCoreOptions {
  std::vector<std::string> proxies;  ///< "host:port"; empty: those that the registry lists
  std::vector<std::string> models;
  std::uint32_t coefficient_e3 = 1000;
  std::uint32_t capacity = 32;
  Nano max_unpaid{1'000'000'000};
  std::size_t max_request_bytes = limits::kDefaultMaxRequestBytes;
};

/// What an owner sees of a worker.
struct WorkerCounts {
  bool engine_ready = false;
  std::string engine_reason;  ///< why it is not
  std::uint32_t proxies_connected = 0;
  /// Why the last connection failed; empty where all is well.
  std::string proxy_reason = "no connection to a proxy has been made yet";
  std::size_t running = 0;
  std::uint64_t requests_done = 0;
  std::uint64_t requests_failed = 0;
  std::uint64_t requests_cancelled = 0;
  std::uint64_t requests_refused = 0;
  Nano earned{};
};

class WorkerCore final : public AttestedCore {
 public:
  using RunKey = std::uint64_t;  ///< names a run to the engine port

  /// @param leaf_sha256 of the certificate that carries this node's evidence
  WorkerCore(NodeIdentity identity, const Hash& leaf_sha256, billing::Registry registry,
             WorkerCoreOptions options, Random& random, Now now);
  ~WorkerCore() override;

  /// State of an earlier run, before start(). Errors: io/bad_snapshot.
  Status restore(const std::vector<ports::StoreEntry>& entries);
  /// Connects to the proxies.
  void start(Now now);
  /// Errors: those of RegistryHistory::adopt.
  Status on_registry(billing::Registry registry, Now now);
  /// All that this node shows where its claims have evidence of GPUs: the certificate, and that
  /// behind it. Proxies get it ahead of the record. Before start(), and before on_certificate().
  void show(Bytes evidence) { shown_ = std::move(evidence); }
  /// A new certificate for the same boot key: every connection is replaced by one that shows it,
  /// and running requests finish on the old ones.
  void on_certificate(const Hash& leaf_sha256, Now now);
  /// Takes nothing new; running requests go on.
  void drain(Now now);
  /// Nothing runs, and neither a ledger nor a proxy that is to send the last voucher is waited for.
  bool idle() const { return runs_.empty() && ledger_calls_.empty() && !voucher_to_come(); }
  /// Cashes what is owed and worth it (Worth::backing): the last thing before stopping.
  void settle_all(Now now);
  WorkerCounts counts() const;
  /// What a proxy says about this worker and about its market.
  struct ProxyWord {
    AccountId proxy;
    std::string endpoint;
    wire::ServiceFigures rating;
    std::vector<ModelInfo> market;
  };
  /// Of every proxy that is connected.
  std::vector<ProxyWord> words() const;

  // --- The engine ---

  /// What the last probe found.
  void on_engine_ready(bool ready, std::string reason, Now now);
  /// The engine has taken the request; from here on it may have been run.
  void on_engine_started(RunKey run, Now now);
  void on_engine_head(RunKey run, int status, std::string_view content_type, Now now);
  void on_engine_bytes(RunKey run, ByteView bytes, Now now);
  /// The last call of a run. An error: it could not be reached, stalled, or broke off.
  void on_engine_end(RunKey run, const Status& status, Now now);

  void on_connected(PeerId peer, PeerIdentity identity, Now now) override;
  void on_bytes(PeerId peer, ByteView bytes, Now now) override;
  void on_disconnected(PeerId peer, const Error& why, Now now) override;
  void on_verified(CallId call, EvidenceVerdict verdict, Now now) override;
  void on_ledger(CallId call, LedgerAnswer answer, Now now) override;
  void on_registry_stale(bool stale, Now now) override;
  void on_time(Now now) override;
  void end_turn(Now now) override;
  MonoTime next_deadline() const override;
  Bytes* output(PeerId peer) override;

 private:
  using StreamId = wire::StreamId;

  /// waiting: until retry_at. connecting: the transport is being made. greeting: hello was sent.
  /// looking_up: the ledger is asked for the proxy's epoch, and the challenges begin. challenging:
  /// they are not over. closing: told to disconnect.
  enum class ProxyState : std::uint8_t {
    waiting,
    connecting,
    greeting,
    looking_up,
    challenging,
    ready,
    closing
  };
  struct ProxyLink : Renewable<ProxyLink> {
    std::string endpoint;
    ProxyState state = ProxyState::waiting;
    PeerId peer = 0;
    std::unique_ptr<Link> link;
    AccountId account;
    std::optional<billing::SignedEpoch> epoch;
    MonoTime retry_at{};
    FailureRow failures;
    bool going_away = false;  ///< the proxy opens no more streams here
    bool paid = false;        ///< nor does it send another voucher
    // What it was told last of free slots, and how many of its own requests ran then.
    std::uint32_t told_free = 0;
    std::size_t told_runs = 0;
    wire::ServiceFigures rating;
    std::vector<ModelInfo> market;
    std::unordered_map<StreamId, RunKey> runs;
  };

  /// receiving: the body comes. starting: the engine was asked. running: it answers. closing: the
  /// receipt waits for the end of the turn or for credit.
  enum class RunState : std::uint8_t { receiving, starting, running, closing };
  struct Run {
    explicit Run(session::RequestOpener o) : opener(std::move(o)) {}
    RunKey key = 0;
    RunState state = RunState::receiving;
    PeerId peer = 0;
    StreamId stream = 0;
    AccountId proxy;
    RunId run_id;
    session::RequestOpener opener;
    std::optional<session::AnswerSealer> sealer;
    UsageCounter usage;
    billing::ModelEntry model;  ///< it and the prices: of the version that the header names
    billing::Prices prices;
    MonoTime deadline{};         ///< the client's
    MonoTime body_by{};          ///< more of the body is to come by then
    MonoTime due{};              ///< its entry in deadlines_
    MonoTime asked_at = kNever;  ///< when the engine was given it
    MonoTime head_by = kNever;  ///< a head goes out by then, whether the engine has answered or not
    int status = 0;             ///< the engine's HTTP status
    std::size_t body_hash = 0;  ///< of what the engine was given
    bool streams = false;       ///< the answer is a stream, where it is none of an error
    std::string content_type;
    bool head_sealed = false;
    bool head_assumed = false;     ///< it went out, or is to, before the engine's was there
    std::optional<Error> refusal;  ///< by the engine, once that was so
    bool answered = false;         ///< the proxy has been sent some of the answer
    Bytes pending;                 ///< from the engine, not sealed yet
    std::size_t pending_at = 0;    ///< what of `pending` is sealed
    Bytes sealed;                  ///< one chunk that waits for credit
    std::uint64_t body_bytes = 0;  ///< answer bytes sealed
    wire::UsageMark sent_mark;     ///< the last one that the proxy was sent
    bool paused = false;
    bool engine_ended = false;
    std::optional<billing::SignedReceipt> receipt;
    bool receipt_queued = false;
    bool touched = false;  ///< in touched_runs_
  };

  // worker_core.cpp
  ProxyLink* find_proxy(PeerId peer);
  void follow_registry(Now now);
  bool has_left(const ProxyLink& proxy) const;
  void connect(ProxyLink& proxy, Now now);
  void say_leaving(ProxyLink& proxy);
  void on_event(ProxyLink& proxy, session::Event& event, Now now);
  void on_hello_ack(ProxyLink& proxy, const wire::HelloAck& ack, Now now);
  void admit_proxy(ProxyLink& proxy, const ports::EpochView& view, Now now);
  void begin_service(ProxyLink& proxy, Now now);
  Link* challenged_link(PeerId peer) override;
  void on_challenge_complete(PeerId peer, Now now) override;
  void on_challenge_failed(PeerId peer, const Error& error, Now now) override;
  void on_control(ProxyLink& proxy, const wire::Message& message, Now now);
  void fail_proxy(ProxyLink& proxy, const Error& error, Now now);
  void lose_proxy(ProxyLink& proxy, const Error& why, Now now);
  void send_shown(ProxyLink& proxy);
  void send_record(ProxyLink& proxy, Now now);
  void send_status(ProxyLink& proxy);
  void send_status_to_all();
  std::uint32_t free_slots() const;
  void hear(Now now);
  void tell_others_load();
  void ask_market(ProxyLink& proxy);
  void drain_events(PeerId peer, Now now);
  void check_liveness(Now now);

  // worker_renewal.cpp
  MonoTime renewal_due(const ProxyLink& proxy) const;
  void renew_due(Now now);
  void on_going_away(ProxyLink& proxy, std::string_view reason, Now now);
  void close_replaced();

  // worker_requests.cpp
  void on_open(ProxyLink& proxy, const wire::Open& open, Now now);
  Result<std::unique_ptr<Run>> admit_request(ProxyLink& proxy, const wire::Open& open, Now now);
  Result<Nano> most_earned(Run& run, Now now);
  void doubt_clock(const ProxyLink& proxy, Now now);
  void on_data(ProxyLink& proxy, const wire::Data& data, Now now);
  void on_end(ProxyLink& proxy, StreamId stream, Now now);
  void on_reset(ProxyLink& proxy, const wire::Reset& reset, Now now);
  Run* run_of(ProxyLink& proxy, StreamId stream);
  Run* find_run(RunKey key);
  void refuse_run(Run& run, const Error& error, Now now);
  void abandon(Run& run, Now now);
  void account_for_cut(Run& run);
  void arm(Run& run);
  void end_overdue(Now now);
  void erase_run(Run& run, Now now);

  // worker_answers.cpp
  void touch_run(Run& run);
  void send_answers(Now now);
  void send_answer(Run& run, Now now);
  bool seal_next(Run& run);
  void assume_head(Run& run);
  static Status check_whole(const Run& run);
  void queue_receipt(Run& run, Now now);
  void queue_cut_receipt(Run& run, Now now);
  billing::Receipt make_receipt(Run& run, billing::Outcome outcome,
                                const billing::TokenCounts& tokens, Now now);
  void fail_run(Run& run, const Error& error, Now now);
  void finish_run(Run& run, Now now);
  bool is_bodys_fault(const Run& run);
  static bool withholds(const Run& run);
  billing::UsageBounds bounds_of(const Run& run) const;
  billing::TokenCounts usage_so_far(const Run& run) const;
  wire::UsageMark mark_of(const Run& run) const;
  void set_paused(Run& run, bool paused);

  struct ForProxyEpoch {
    PeerId peer;
  };
  enum class PayoutStep {
    look,    ///< read what was paid and what backs the rest; then cash
    cash,    ///< a cash-out was sent
    confirm  ///< read what came of it
  };
  struct ForPayout {
    AccountId proxy;
    PayoutStep step;
  };
  using LedgerPurpose = std::variant<ForProxyEpoch, ForPayout>;
  void call_ledger(ports::LedgerRequest request, LedgerPurpose purpose);

  // worker_earnings.cpp
  void on_payout(ProxyLink& proxy, const wire::Payout& payout, Now now);
  void on_payout_answer(const ForPayout& payout, const LedgerAnswer& answer);
  void ask_payout(const AccountId& proxy, PayoutStep step);
  void settle(const AccountId& proxy, const billing::WorkerMeter& meter, billing::Worth worth);
  void settle_periodically(Now now, billing::Worth worth);
  bool voucher_to_come() const;
  void store_earnings();
  billing::WorkerMeter& meter_of(const AccountId& proxy);

  NodeIdentity identity_;
  Hash leaf_sha256_;
  Bytes shown_;  ///< empty: there are no GPUs to show
  billing::RegistryHistory registry_;
  WorkerCoreOptions options_;
  Random& random_;
  session::SealingKeys keys_;
  session::ReplayTable replays_;
  billing::ReceiptBatch batch_;
  /// Whose receipt is in batch_: a run that ends, or the proxy that cut one.
  struct BatchEntry {
    RunKey run = 0;
    PeerId cut_by = 0;
  };
  std::vector<BatchEntry> batch_entries_;  ///< in the order of batch_

  /// In the order of the options; a fresh link stands before the one that it replaces.
  std::list<ProxyLink> proxies_;
  std::unordered_map<RunKey, std::unique_ptr<Run>> runs_;
  std::map<AccountId, billing::WorkerMeter> meters_;
  std::map<AccountId, bool> payout_calls_;  ///< under way, by proxy
  std::unordered_map<CallId, LedgerPurpose> ledger_calls_;
  std::vector<RunKey> touched_runs_;
  std::multimap<MonoTime, RunKey> deadlines_;
  std::vector<ports::StoreEntry> restored_;
  PeerId last_peer_ = 0;
  RunKey last_run_ = 0;
  MonoTime next_settlement_{};
  MonoTime doubt_clock_from_{};  ///< when the next warning may be given
  MonoTime next_market_{};
  MonoTime next_liveness_{};
  EngineHealth engine_;
  bool draining_ = false;
  int engine_failure_ = 0;  ///< the status of its last answer, if that was a failure: it is logged
  std::uint32_t failed_bodies_ = 0;  ///< in a row, to which its engine answered with status 500
  std::size_t failed_body_ = 0;      ///< the hash of the last one
  bool dirty_ = false;               ///< a meter changed since it was stored
  WorkerCounts counts_;
};

}  // namespace cocoon::core
