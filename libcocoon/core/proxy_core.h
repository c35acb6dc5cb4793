#pragma once
/// @file ProxyCore: admits clients and workers, routes sealed requests, keeps the accounts. Pure.
///
/// It sees headers, wraps and sealed chunks, never a prompt or an answer.
///
/// Files: proxy_core.cpp (connections, dispatch), proxy_clients.cpp (channels, candidates),
/// proxy_workers.cpp (records, status), proxy_requests.cpp (the life of a request),
/// proxy_endings.cpp (how it ends), proxy_settlement.cpp (charges, payouts, redeeming),
/// proxy_cuts.cpp (charges of cut requests).

#include <bitset>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "billing/meter.h"
#include "billing/receipt.h"
#include "billing/registry.h"
#include "cocoon/callback.h"
#include "cocoon/request.h"
#include "core/attested_core.h"
#include "core/identity.h"
#include "core/link.h"
#include "core/market.h"
#include "routing/scheduler.h"
#include "routing/token_bucket.h"
#include "session/sealed_header.h"
#include "wire/evidence_parts.h"

namespace cocoon::core {

struct ProxyCoreOptions {
  Nano max_unacknowledged{1'000'000'000};
  std::size_t max_clients = 9000;
  std::size_t max_workers = 9000;
  std::size_t max_requests_per_client = 1024;
  std::uint32_t max_request_rate_per_client = 0;  ///< a second; 0: no bound
  /// Admission by an embedding gateway; empty admits everybody. Must not call back.
  Callback<Status(const AccountId& client, const ChannelId& channel, std::string_view model)> admit;
  /// The client's share where requests wait; empty: all have the same. Must not call back.
  Callback<std::uint32_t(const AccountId& client, const ChannelId& channel)> weight;
  /// A request was charged; empty: nobody wants to know.
  Callback<void(const AccountId& client, const ChannelId& channel, std::string_view model,
                const Usage& usage)>
      on_usage;
};

/// What an operator sees of a proxy.
struct ProxyCounts {
  std::size_t clients = 0;
  std::size_t workers = 0;
  std::size_t running = 0;  ///< those that wait included
  std::size_t waiting = 0;
  std::uint64_t requests_done = 0;
  std::uint64_t requests_failed = 0;
  std::uint64_t requests_cancelled = 0;
  std::uint64_t requests_refused = 0;
  std::uint64_t worker_pauses = 0;  ///< because their requests failed
  Nano charged{};
};

class ProxyCore final : public AttestedCore {
 public:
  ProxyCore(NodeIdentity identity, billing::Registry registry, ProxyCoreOptions options,
            Random& random, Now now);
  ~ProxyCore() override;

  /// State of an earlier run, before the first connection. Unknown keys are ignored.
  /// Errors: io/bad_snapshot.
  Status restore(const std::vector<ports::StoreEntry>& entries);

  /// A newer registry. Errors: those of RegistryHistory::adopt.
  Status on_registry(billing::Registry registry, Now now);

  /// Takes nothing new and tells all peers; running requests go on.
  void drain(Now now);
  /// Nothing runs and nothing waits for the ledger.
  bool idle() const {
    return requests_.empty() && ledger_calls_.empty() && unsent_payouts_.empty();
  }
  /// Redeems what is held and worth it (Worth::backing): the last thing before stopping.
  void settle_all(Now now);

  ProxyCounts counts() const;
  /// Whose hello was answered since it was asked last: no longer strangers, and bounded by
  /// accounts, max_clients and max_workers from then on.
  std::vector<PeerId> take_admitted() { return std::exchange(admitted_, {}); }
  /// As the ledger was read last. Unless it is open, no client is taken in.
  billing::ProxyPhase contract_phase() const { return contract_phase_; }
  /// What is served here and asked for.
  std::vector<ModelInfo> market(Now now) const {
    return market_of(scheduler_.models(now), registry_.current()->prices);
  }
  const routing::ReputationBook& reputation() const { return scheduler_.reputation(); }
  bool connected(const AccountId& worker) const {
    return scheduler_.directory().find(worker).has_value();
  }

  void on_connected(PeerId peer, PeerIdentity identity, Now now) override;
  void on_bytes(PeerId peer, ByteView bytes, Now now) override;
  void on_disconnected(PeerId peer, const Error& why, Now now) override;
  void on_verified(CallId call, EvidenceVerdict verdict, Now now) override;
  void on_ledger(CallId call, LedgerAnswer answer, Now now) override;
  void on_stored(CallId call, Now now) override;
  void on_registry_stale(bool stale, Now now) override;
  void on_time(Now now) override;
  void end_turn(Now now) override;
  MonoTime next_deadline() const override;
  Bytes* output(PeerId peer) override;

 private:
  using RequestId = std::uint64_t;
  using StreamId = wire::StreamId;

  /// One channel, which outlives the connections that spend from it.
  struct Channel {
    AccountId client;
    ChannelId id;
    billing::ProxyMeter meter;
    std::size_t running = 0;
    std::size_t held_bytes = 0;     ///< of its requests' bodies
    routing::TokenBucket begins;    ///< bounds how fast it begins requests
    bool dirty = false;             ///< its snapshot is to be stored
    bool busy = false;              ///< a ledger call about it is under way
    Seconds close_delay{};          ///< from the start of its closing to the end
    MonoTime look_from{};           ///< not before, whether it has begun to close
    MonoTime reread_from{};         ///< not before, for what may have changed since
    Nano redeeming{};               ///< by that call, or by the one before that it reads after
    bool stale = false;             ///< read it again from the ledger
    PeerId peer = 0;                ///< its newest connection
    std::vector<RequestHash> cuts;  ///< in cuts_, and not told to the client for want of one
  };
  /// A charged request that the client gave up, or whose client was lost: the worker's receipt is
  /// yet to come, or the client.
  struct Cut {
    Channel* channel = nullptr;
    Nano cost;
    AccountId worker;
    Bytes receipt;  ///< empty until it comes
  };
  /// What a worker owes of its GPUs: on its way, or being judged. What it says about itself
  /// meanwhile waits; the last word counts.
  struct OwedEvidence {
    explicit OwedEvidence(const EvidenceDigest& digest) : assembly(digest) {}
    wire::EvidenceAssembly assembly;
    bool complete = false;
    Bytes record;  ///< empty: none yet
    Bytes record_signature;
    std::optional<wire::WorkerStatus> status;  ///< without its reason, which is a view
  };
  /// challenging: a worker whose connection is open, and counted, but good for nothing else yet.
  /// ended: told to disconnect; the transport has yet to say that it is gone.
  enum class PeerState : std::uint8_t { greeting, looking_up, challenging, ready, ended };
  struct Peer {
    explicit Peer(Link l) : link(std::move(l)) {}
    Link link;
    PeerState state = PeerState::greeting;
    wire::Role role{};
    AccountId account;
    Channel* channel = nullptr;                  // clients
    std::optional<routing::WorkerIndex> worker;  // workers with a record, unless replaced
    std::unique_ptr<OwedEvidence> owed;          // workers, until their GPUs are accepted
    std::map<std::string, std::uint32_t, std::less<>> price_caps;  // by model, of its last question
    bool going_away = false;                                       // it said so
    std::optional<MonoTime> replaced_at;               // a newer connection has its place
    PeerId replaces = 0;                               // the older one, whose place it has
    std::unordered_map<StreamId, RequestId> requests;  // by this connection's stream
    // What hello said, kept while the ledger is asked.
    ChannelId hello_channel;
    Bytes hello_signature;
    bool hello_beside = false;
    std::optional<billing::SignedEpoch> hello_epoch;
  };
  /// receiving: its body comes, and no worker was asked yet. queued: between candidates, or waiting
  /// for one. assigned: offered to one. accepted: its engine has started.
  enum class RequestState : std::uint8_t { receiving, queued, assigned, accepted };
  struct Request {
    RequestId id = 0;
    RequestState state = RequestState::receiving;
    PeerId client = 0;
    StreamId client_stream = 0;
    session::RequestHeader header;
    Bytes header_bytes;
    RequestHash hash;
    std::vector<Bytes> wraps;
    Channel* channel = nullptr;
    UnixTime admitted{};    ///< its prices are those of then, whatever the registry says at its end
    MonoTime deadline{};    ///< the client's
    MonoTime due{};         ///< its entry in deadlines_
    MonoTime wait_until{};  ///< it does not wait for a worker for longer
    // The sealed body, held until a worker accepts (or dropped once it is too large to hold).
    std::deque<Bytes> body;
    std::uint64_t body_chunks = 0;  ///< that came
    std::uint64_t body_bytes = 0;   ///< that came
    MonoTime body_by{};             ///< more of it is to come by then
    std::size_t sent_chunks = 0;    ///< of `body`, to the present worker
    bool body_complete = false;
    bool end_sent = false;
    bool held = true;  ///< `body` still has its first chunk
    // The candidate at work.
    std::size_t next_candidate = 0;
    std::bitset<limits::kMaxCandidates> gave_up;  ///< those that would do so again
    PeerId worker = 0;
    StreamId worker_stream = 0;
    routing::WorkerIndex worker_index{};
    AccountId worker_account;
    BootKeyId worker_boot_key;
    EvidenceDigest worker_evidence;
    std::uint32_t coefficient_e3 = 0;
    MonoTime assigned_at{};
    MonoTime body_sent_at{};  ///< all of it, where end_sent
    MonoTime first_byte_at{};
    std::optional<Error> refusal;  ///< a worker finds fault with the request itself
    // The answer.
    struct AnswerChunk {
      Bytes payload;
      std::optional<wire::UsageMark> mark;
    };
    std::deque<AnswerChunk> answer;    ///< waits for the client's credit
    std::uint64_t answer_bytes = 0;    ///< forwarded, sealed
    wire::UsageMark mark;              ///< the last one forwarded; at first what `accepted` said
    wire::UsageMark last_queued_mark;  ///< the last one received
    std::optional<Bytes> receipt;      ///< the worker has ended
  };

  // proxy_core.cpp
  Peer* find_peer(PeerId peer);
  void on_event(Peer& peer, session::Event& event, Now now);
  void on_hello(Peer& peer, const wire::Hello& hello, Now now);
  void on_control(Peer& peer, wire::Message& message, Now now);
  void fail_peer(Peer& peer, const Error& error, Now now);
  void end_peer(Peer& peer, const Error& why, Now now);
  void drop_peer(PeerId peer, const Error& why, Now now);
  void on_going_away(Peer& peer, Now now);
  void on_lookup(PeerId peer, const LedgerAnswer& answer, Now now);
  void check_liveness(Now now);
  void look_up(const Peer& peer);
  void begin_lookups();
  void accept(Peer& peer, Now now);
  static Error draining();

  // proxy_clients.cpp
  void admit_client(Peer& peer, const ports::ChannelView& view, Now now);
  void on_voucher(Peer& peer, const wire::Voucher& voucher, Now now);
  static std::uint32_t price_cap(const Peer& client, std::string_view model);
  void on_candidates_request(Peer& peer, const wire::CandidatesRequest& ask, Now now);
  void on_evidence_request(Peer& peer, const EvidenceDigest& digest, Now now);
  void on_models_request(Peer& peer, std::uint64_t id, Now now);
  void on_statement_shown(Peer& peer, const wire::UsageStatement& statement, Now now);
  void end_older(const Channel& channel, Now now);
  void end_closed(Now now);
  void send_statement(Peer& peer);
  Channel& channel_of(const billing::ChannelState& state);

  // proxy_workers.cpp
  void admit_worker(Peer& peer, const ports::EpochView& view, Now now);
  void on_shown(Peer& peer, const wire::Evidence& part, Now now);
  void on_worker_record(Peer& peer, const wire::SignedWorkerRecord& record, Now now);
  void hold_record(Peer& peer, const wire::SignedWorkerRecord& record, Now now);
  void take_held(Peer& peer, const OwedEvidence& held, Now now);
  Link* challenged_link(PeerId peer) override;
  void on_challenge_complete(PeerId peer, Now now) override;
  void on_challenge_failed(PeerId peer, const Error& error, Now now) override;
  Status check_models(const wire::SignedWorkerRecord& record) const;
  void on_payout_shown(Peer& peer, const wire::Payout& payout, Now now);
  void on_worker_status(Peer& peer, const wire::WorkerStatus& status, Now now);
  Peer* listed_peer(const AccountId& account);
  static Error superseded();
  void hand_over(Peer& older, Peer& newer, Now now);
  void end_half_open(Now now);

  // proxy_requests.cpp
  void on_open(Peer& peer, const wire::Open& open, Now now);
  Result<session::RequestHeader> admit_request(const Peer& peer, const wire::Open& open, Now now);
  void refuse(Peer& peer, StreamId stream, const Error& error, std::uint32_t retry_after_ms);
  void refuse_busy(Request& request, Now now);
  void assign(Request& request, Now now);
  bool offer(Request& request, std::size_t candidate, Now now);
  std::optional<routing::WorkerIndex> candidate_of(const Request& request, std::size_t candidate);
  bool give(Request& request, std::size_t candidate, routing::WorkerIndex index, Now now);
  Status wait(Request& request, Now now);
  void serve_waiting(Now now);
  void send_body(Request& request, Now now);
  void on_data(Peer& peer, const wire::Data& data, Now now);
  void on_body_chunk(Request& request, const wire::Data& data, Now now);
  void on_body_end(Request& request, Now now);
  void drop_body(Request& request, std::size_t chunks);
  void on_answer_chunk(Request& request, const wire::Data& data, Now now);
  void send_answer(Request& request, Now now);
  void on_accepted(Peer& peer, const wire::Accepted& accepted, Now now);
  void on_end(Peer& peer, const wire::End& end, Now now);
  void on_writable(Peer& peer, StreamId stream, Now now);
  Request* request_of(Peer& peer, StreamId stream);

  // proxy_endings.cpp
  void on_reset(Peer& peer, const wire::Reset& reset, Now now);
  static bool has_time(const Request& request, Now now);
  bool is_silent(const Request& request, Now now) const;
  routing::Outcome outcome_of(const Request& request, const Error& error, Now now) const;
  void worker_gave_up(Request& request, const Error& error, Now now);
  void leave_worker(Request& request, routing::Outcome outcome, Now now);
  void note_breaker(const AccountId& worker, routing::BreakerChange change);
  routing::Observation observe(const Request& request, routing::Outcome outcome, Now now) const;
  void fail_request(Request& request, const Error& error, std::uint32_t retry_after_ms, Now now);
  void reset_client(Request& request, const Error& error, std::uint32_t retry_after_ms,
                    Nano charged);
  Nano cut(Request& request, Now now);
  void cancel_request(Request& request, Now now);
  void expire_request(Request& request, Now now);
  void cut_short(Request& request, const Error& why, Now now);
  void arm(Request& request);
  void end_overdue(Now now);
  void erase_request(Request& request);

  // proxy_settlement.cpp
  void complete(Request& request, Now now);
  Result<billing::Receipt> check_receipt_of(const Request& request);
  Nano charge(Request& request, Nano cost, const billing::TokenCounts& tokens);
  Nano cost_of_mark(const Request& request) const;
  void leave_cut(const Request& request, Nano charged, Now now);
  void on_cut_receipt(const AccountId& worker, const RequestHash& request, ByteView receipt);
  void tell_cuts(Channel& channel);
  void forget_cuts(Now now);
  void settle_periodically(Now now);
  void redeem_for_backing();
  void look_for_closing(Now now);
  void look_at_restored();
  void on_restored_answer(const ChannelId& id, const LedgerAnswer& answer, Now now);
  void redeem(Channel& channel, billing::Worth worth);
  void present(Channel& channel);
  void read_channel(Channel& channel);
  void reread_refusing(Channel& channel, const Error& why, Now now);
  void reread(Channel& channel, Now now);
  void read_contract();
  void on_channel_answer(const ChannelId& channel, const LedgerAnswer& answer);
  void on_contract_answer(const LedgerAnswer& answer);
  void set_contract_phase(billing::ProxyPhase phase);
  Error unpaid() const;
  void send_payouts(const std::vector<AccountId>& workers);
  void note_leaving(const AccountId& worker);
  void pay_leaving();
  void dismiss_paid(Peer& peer);
  void owe(const Request& request, const AccountId& worker, Nano charged);
  bool has_unsent_payout(const AccountId& worker) const;
  void send_payout(Peer& peer, const billing::SignedPayout& voucher);
  void repeat_payout(Peer& peer);
  void store_dirty();
  void store_reputation();
  const billing::Prices* prices_of(const Request& request) const;

  // The ledger's answers come back by what they were asked for.
  struct ForPeer {
    PeerId peer;
  };
  struct ForChannel {
    ChannelId channel;
  };
  struct ForContract {};
  struct ForRestored {
    ChannelId channel;
  };
  using LedgerPurpose = std::variant<ForPeer, ForChannel, ForContract, ForRestored>;
  void call_ledger(ports::LedgerRequest request, LedgerPurpose purpose);

  NodeIdentity identity_;
  billing::RegistryHistory registry_;
  ProxyCoreOptions options_;
  Random& random_;
  routing::Scheduler scheduler_;
  billing::PayoutBook payouts_;
  billing::ReceiptVerifier receipts_;

  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::unordered_map<RequestId, std::unique_ptr<Request>> requests_;
  std::unordered_map<ChannelId, std::unique_ptr<Channel>> channels_;
  std::multimap<MonoTime, RequestId> deadlines_;
  std::unordered_map<RequestHash, Cut> cuts_;
  std::deque<std::pair<MonoTime, RequestHash>> cut_order_;  ///< all of cuts_, the oldest first
  std::unordered_map<CallId, LedgerPurpose> ledger_calls_;
  std::set<PeerId, std::greater<>> lookups_;  ///< whose accounts are to be read, the newest first
  std::size_t lookups_out_ = 0;               ///< that the ledger is being asked for
  std::vector<PeerId> admitted_;              ///< of take_admitted()
  std::unordered_map<CallId, PeerId> verifications_;
  std::unordered_map<std::string, Bytes> restored_channels_;  ///< by store key, until first used
  /// Of an earlier run, not read from the ledger in this one; since when each waits for that.
  std::deque<std::pair<MonoTime, ChannelId>> unseen_;
  bool looking_ = false;  ///< at one of them
  std::unordered_map<EvidenceDigest, PeerId> evidence_;
  std::set<AccountId> dirty_workers_;  ///< whose accounts are to be stored
  /// Vouchers that go out once they are on disk.
  std::map<CallId, std::vector<billing::SignedPayout>> unsent_payouts_;
  std::vector<AccountId> leaving_;  ///< workers on which nothing runs any more, this turn
  RequestId last_request_ = 0;
  std::size_t held_bytes_ = 0;  ///< of all bodies
  std::size_t clients_ = 0;
  std::size_t workers_ = 0;
  std::map<AccountId, std::size_t> connections_;  ///< that are admitted, by account
  MonoTime next_settlement_{};
  MonoTime next_reputation_{};
  bool reputation_dirty_ = false;  ///< something was served since it was stored
  MonoTime next_liveness_{};
  bool contract_busy_ = false;   ///< the contract is being read
  bool contract_stale_ = false;  ///< and is to be read again then
  billing::ProxyPhase contract_phase_ = billing::ProxyPhase::open;
  bool draining_ = false;
  ProxyCounts counts_;
};

}  // namespace cocoon::core
