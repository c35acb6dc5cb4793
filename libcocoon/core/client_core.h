#pragma once
/// @file ClientCore: finds attested workers, seals requests for them, pays, opens the answers.
/// Pure.
///
/// Files: client_core.cpp (proxies), client_silence.cpp (which is asked), client_renewal.cpp
/// (fresh connections), client_candidates.cpp (candidates, their evidence), client_requests.cpp
/// (the life of a request), client_accounts.cpp (channel, vouchers, receipts), client_cuts.cpp
/// (requests that ended before the proxy had said what they cost), client_review.cpp (what is under
/// way when the registry changes).

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "billing/meter.h"
#include "billing/receipt.h"
#include "billing/registry.h"
#include "cocoon/request.h"
#include "core/backoff.h"
#include "core/body_rules.h"
#include "core/core.h"
#include "core/identity.h"
#include "core/link.h"
#include "core/link_renewal.h"
#include "core/market.h"
#include "routing/candidates.h"
#include "session/sealed_request.h"
#include "wire/evidence_parts.h"

namespace cocoon::core {

struct ClientCoreOptions {
  /// "host:port", the most preferred first; empty: those that the registry lists.
  std::vector<std::string> proxies;
  Nano max_exposure{500'000'000};
  Nano max_request_cost{100'000'000};
  std::uint32_t max_coefficient_e3 = limits::kMaxCoefficientE3;  ///< of a worker that it pays
  std::size_t max_request_bytes = limits::kDefaultMaxRequestBytes;
  std::uint32_t requests_per_key_agreement = limits::kMaxExporterUses;
};

// --- What a client tells its host ---

using ClientRequestId = std::uint64_t;

struct HeadReceived {
  ClientRequestId request;
  int status;
  std::string content_type;
};
struct ChunkReceived {
  ClientRequestId request;
  Bytes bytes;
};
/// The last event of a request.
struct RequestDone {
  ClientRequestId request;
  RequestOutcome outcome;
};
/// Answer to ask_models().
struct ModelsReceived {
  std::uint64_t ask;
  Result<std::vector<ModelInfo>> models;
};
using ClientEvent = std::variant<HeadReceived, ChunkReceived, RequestDone, ModelsReceived>;

class ClientCore final : public Core {
 public:
  ClientCore(NodeIdentity identity, billing::Registry registry, ClientCoreOptions options,
             Random& random, Now now);
  ~ClientCore() override;

  /// State of an earlier run, before start(). Errors: io/bad_snapshot.
  Status restore(const std::vector<ports::StoreEntry>& entries);
  /// Connects to the proxies.
  void start(Now now);
  /// Errors: those of RegistryHistory::adopt.
  Status on_registry(billing::Registry registry, Now now);

  /// Takes a request in; its events follow, beginning on a later call.
  /// Errors: those of check_terms() and plan_request(); unavailable/draining.
  Result<ClientRequestId> submit(const InferenceRequest& request, Now now);
  /// RequestDone with `cancelled` follows. Unknown requests are ignored: they may just have ended.
  void cancel(ClientRequestId request, Now now);
  /// While paused, no credit is given back: the worker stops once it is used up. Nor is it held
  /// against the network that no more comes.
  void pause(ClientRequestId request, bool paused, Now now);
  /// Waits for a proxy where none is ready, but not for ever. @return what ModelsReceived will
  /// name.
  std::uint64_t ask_models(Now now);

  std::vector<ClientEvent> take_events() { return std::exchange(events_, {}); }

  /// A proxy is connected, verified, and has a funded channel.
  bool ready() const;
  /// Why not.
  std::string not_ready_reason() const;
  /// The evidence and verdicts that the current directory rests on, as JSON.
  std::string evidence_json() const;
  void drain(Now now);
  bool idle() const { return requests_.empty(); }
  /// Paid for requests since the start, those that were cut with them.
  Nano spent() const { return spent_; }
  /// Signs and sends what is due, and stores the accounts.
  void settle_all(Now now);
  /// Ends every request that is left, after drain(); what they cost is acknowledged as it is said.
  void end_all(Now now);
  /// Nothing is left to hear from a proxy of requests that ended here, nor to say to it.
  bool settled() const;

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

  /// A worker that a request can be sealed for.
  struct Worker {
    AccountId account;
    BootKeyId boot_key;
    EvidenceDigest evidence;
    session::Recipient recipient;
    std::uint32_t coefficient_e3 = 0;
    std::shared_ptr<const VerifiedEvidence> verified{};  ///< once it is accepted
    std::optional<Error> refusal{};  ///< by a later registry, of one that has a request already
  };

  /// A request that ended here before the proxy had said what it cost.
  struct Cut {
    Nano cap;
    PeerId peer = 0;  ///< the connection that it ran on; 0: one of an earlier life
    StreamId stream = 0;
    bool settled = false;  ///< by its name, or by a statement's sum
    bool named = false;    ///< the proxy has said what this request cost
    Nano cost;             ///< acknowledged
    Nano unproved;         ///< of that, while no receipt has come
    MonoTime since{};      ///< settled
    // What its receipt has to say; no candidates where it ran in an earlier life.
    std::vector<Worker> candidates;
    std::uint64_t registry_version = 0;
    UnixTime sealed_at{};
    billing::UsageBounds bounds;
  };
  using Cuts = std::map<RequestHash, Cut>;
  enum class CutBy : std::uint8_t { caller, network };
  /// The account with one proxy; it outlives connections.
  struct Channel {
    ChannelId id;
    billing::ClientMeter meter;
    Cuts cuts;
    bool dirty = false;
    bool heard = false;      ///< the proxy has said in this run what it charged
    MonoTime reread_from{};  ///< not before, whether it was topped up
  };
  /// asked: the proxy is to answer. checking: evidence is being verified. ready: usable, or empty.
  enum class SetState : std::uint8_t { none, asked, checking, ready };
  struct CandidateSet {
    SetState state = SetState::none;
    std::uint64_t ask = 0;
    ByteArray<16> seed{};
    std::vector<Worker> workers;
    MonoTime since{};
    std::uint32_t retry_after_ms = 0;
    std::optional<Error> problem;  ///< why it is empty, where the proxy named workers or nothing
    std::optional<AccountId> preferred;  ///< as it was asked for
    std::uint32_t untrusted = 0;         ///< answers in a row of which no worker is trusted
  };

  /// Requests of one model that prefer the same, and can pay about the same, share their
  /// candidates.
  struct SetKey {
    std::string model;
    Preference preference{};
    std::uint32_t max_coefficient_e3 = limits::kMaxCoefficientE3;  ///< none dearer is asked for
    friend auto operator<=>(const SetKey&, const SetKey&) = default;
  };

  /// connecting, finding_channel, greeting, checking_epoch, then ready; closing: told to
  /// disconnect.
  enum class ProxyState : std::uint8_t {
    waiting,
    connecting,
    finding_channel,
    greeting,
    checking_epoch,
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
    Channel* channel = nullptr;
    std::unique_ptr<session::ExporterCache> exporters;
    std::map<SetKey, CandidateSet> sets;
    std::map<std::pair<std::string, Preference>, AccountId> last_workers;  ///< that answered
    std::unordered_map<StreamId, ClientRequestId> streams;
    MonoTime retry_at{};
    FailureRow failures;
    bool going_away = false;
    bool silent = false;           ///< it has not answered a ping for a while
    MonoTime behind_until{};       ///< it may not have read our registry by then
    std::optional<Error> problem;  ///< why it is not ready
  };

  /// Somebody wants to know the models.
  struct ModelsAsk {
    std::uint64_t id = 0;
    PeerId peer = 0;  ///< who was asked; 0: it waits for a proxy
    MonoTime until{};
  };

  enum class EvidenceState : std::uint8_t { fetching, verifying, accepted, refused };
  struct EvidenceEntry {
    EvidenceState state = EvidenceState::fetching;
    PeerId from = 0;
    std::optional<wire::EvidenceAssembly> assembly;
    std::shared_ptr<const VerifiedEvidence> verified;
    std::string refusal;
    CallId call = 0;   ///< verifying: whose answer counts
    MonoTime since{};  ///< in its state; accepted: needed last
  };

  /// Evidence of a worker that has a request, or may get it, to be judged by the newest registry.
  struct Review {
    std::shared_ptr<const VerifiedEvidence> shown;
    CallId call = 0;  ///< 0: to be asked again
    MonoTime until{};
    std::string obstacle;  ///< why there is no verdict yet
  };

  /// That proxy is asked next who is there at any price.
  struct NobodyWithinPrice {
    PeerId peer = 0;
    std::uint32_t retry_after_ms = 0;  ///< 0: nor are there busy ones
  };

  /// waiting: for a proxy or candidates. offered: sent, no worker has accepted. accepted: it runs.
  enum class RequestState : std::uint8_t { waiting, offered, accepted };
  struct Request {
    ClientRequestId id = 0;
    RequestState state = RequestState::waiting;
    RequestPlan plan;
    Preference preference{};
    Nano max_cost;
    Nano cap;                ///< of the present attempt
    MonoTime deadline{};     ///< of the whole
    MonoTime progress_by{};  ///< first byte, then each further one; only moves on
    MonoTime due{};          ///< its place in due_: no later than either
    MonoTime started{};
    std::uint32_t attempts = 0;
    PeerId peer = 0;
    StreamId stream = 0;
    std::optional<session::SealedRequest> sealed;
    std::size_t sent_chunks = 0;
    bool end_sent = false;
    SetKey set;  ///< that it was sealed for
    std::vector<Worker> candidates;
    std::size_t candidate = 0;
    std::optional<session::AnswerOpener> answer;
    wire::UsageMark mark;
    std::uint64_t answer_bytes = 0;  ///< of body, opened
    std::optional<billing::SignedReceipt> receipt;
    int answer_status = 0;  ///< the engine's HTTP status
    std::optional<Error> engine_error;
    bool cost_told = false;     ///< its end or reset has come: what it cost is known
    bool cost_unknown = false;  ///< of an attempt that was lost once a worker had accepted it
    bool paused = false;
    std::size_t unconsumed = 0;
    std::uint64_t registry_version = 0;
    UnixTime sealed_at{};  ///< its prices are those of then, whatever the registry says at its end
    std::vector<PeerId> without_worker;  ///< proxies that cannot serve it: no worker, no money
    std::optional<NobodyWithinPrice> nobody_within_price;
    std::optional<Error> shortage;  ///< what they lack; the word of the most hopeful
    std::uint32_t shortage_wait_s = 0;
  };

  // client_core.cpp
  ProxyLink* find_proxy(PeerId peer);
  void follow_registry();
  bool has_left(const ProxyLink& proxy) const;
  void connect(ProxyLink& proxy);
  void on_event(ProxyLink& proxy, session::Event& event, Now now);
  void on_hello_ack(ProxyLink& proxy, const wire::HelloAck& ack, Now now);
  void on_channel_found(ProxyLink& proxy, const ports::ChannelView& view, Now now);
  void on_epoch(ProxyLink& proxy, const ports::EpochView& view, Now now);
  void on_control(ProxyLink& proxy, wire::Message& message, Now now);
  void advance_models(Now now);
  void end_models_overdue(Now now);
  void on_models(ProxyLink& proxy, const wire::Models& models);
  void fail_proxy(ProxyLink& proxy, const Error& error, Now now);
  void lose_proxy(ProxyLink& proxy, const Error& why, Now now);
  void drain_events(PeerId peer, Now now);
  std::optional<Error> no_proxy(Now now) const;
  void out_of_use(Now now);
  bool is_on_its_way(const ProxyLink& proxy, Now now) const;
  bool any_is_on_its_way(Now now) const;

  // client_renewal.cpp
  MonoTime renewal_due(const ProxyLink& proxy) const;
  void renew_due(Now now);
  bool in_use(const ProxyLink& proxy) const;
  void close_replaced();

  // client_candidates.cpp
  std::uint32_t highest_coefficient(const Request& request, const ProxyLink& proxy, Now now) const;
  static SetKey set_key(const Request& request, std::uint32_t coefficient_e3);
  static std::vector<Worker> within(const CandidateSet& set, std::uint32_t coefficient_e3);
  CandidateSet* usable_set(ProxyLink& proxy, const SetKey& key, Now now);
  void forget_empty_sets();
  static wire::CandidatesRequest question(const SetKey& key, const CandidateSet& set);
  void ask_candidates(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now);
  void on_candidates(ProxyLink& proxy, const wire::Candidates& answer, Now now);
  void take_candidates(ProxyLink& proxy, const SetKey& key, CandidateSet& set,
                       const wire::Candidates& answer, const wire::CandidatesRequest& asked,
                       Now now);
  static bool has_expired(const EvidenceEntry& entry, Now now);
  bool make_room(Now now);
  void need_evidence(ProxyLink& proxy, const EvidenceDigest& digest, Now now);
  void on_evidence(ProxyLink& proxy, const wire::Evidence& part, Now now);
  void refuse_evidence(EvidenceEntry& entry, std::string why, Now now);
  void check_sets(Now now);
  void give_up(const ProxyLink& proxy, CandidateSet& set);
  bool asks_on(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now);
  void check_set(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now);
  Status judge(const Worker& worker, const EvidenceEntry& entry, Now now) const;

  // client_silence.cpp
  ProxyLink* best_proxy(const std::vector<PeerId>& except = {});
  static bool is_awaited(const ProxyLink& proxy);
  void check_liveness(Now now);

  // client_requests.cpp
  void advance_waiting(Now now);
  void advance(Request& request, Now now);
  Error too_dear(const Request& request, const ProxyLink& proxy, const CandidateSet& set,
                 Now now) const;
  Error shortage_of(const Request& request, const ProxyLink& proxy, const CandidateSet& set,
                    Now now) const;
  static std::uint32_t wait_of(const Request& request, const CandidateSet& set, const Error& why);
  static void pass_over(Request& request, const ProxyLink& proxy, const Error& why,
                        std::uint32_t wait_s);
  void attempt(Request& request, ProxyLink& proxy, std::vector<Worker> workers, Now now);
  bool has_another(const Request& request, const ProxyLink& proxy);
  const billing::Registry& registry_for(const ProxyLink& proxy, Now now) const;
  void step_back(Request& request, ProxyLink& proxy, const Error& why, Now now);
  Result<session::RequestHeader> make_header(Request& request, const ProxyLink& proxy, Now now);
  static bool awaits_plain_answer(const Request& request);
  static MonoTime due_of(const Request& request);
  void arm(Request& request);
  void send_body(Request& request);
  void on_accepted(ProxyLink& proxy, const wire::Accepted& accepted, Now now);
  void on_data(ProxyLink& proxy, const wire::Data& data, Now now);
  void on_end(ProxyLink& proxy, const wire::End& end, Now now);
  void on_reset(ProxyLink& proxy, const wire::Reset& reset, Now now);
  void take_part(Request& request, const session::AnswerPart& part);
  void lose_attempt(Request& request, const Error& why, Now now);
  void retry_or_fail(Request& request, const Error& error, std::uint32_t retry_after_ms, Now now);
  void break_off(Request& request, const Error& error, Now now);
  void remember_worker(const Request& request, const Status& status);
  void finish(Request& request, Status status, Nano cost, std::uint32_t retry_after_ms);
  Request* request_of(ProxyLink& proxy, StreamId stream);
  void forget_stream(Request& request);

  // client_accounts.cpp
  Status settle(Channel& channel, const RequestHash& hash, Nano cost, billing::Proof proof);
  Channel& channel_of(const billing::ChannelState& state);
  Status authorise(ProxyLink& proxy, const RequestHash& hash, Nano cap, Now now);
  void reread_channel(ProxyLink& proxy, Now now);
  void on_channel_reread(ProxyLink& proxy, const billing::ChannelState& newest, Now now);
  void leave_closed(Now now);
  static Error channel_not_open(const ProxyLink& proxy);
  void send_voucher(ProxyLink& proxy);
  void on_statement(ProxyLink& proxy, const wire::UsageStatement& message, Now now);
  void report_unexplained(const Channel& channel, Nano charged);
  Result<Nano> check_receipt_of(Request& request);
  static billing::TokenCounts marked(const Request& request);
  Nano cost_of_mark(const Request& request) const;
  void store_dirty();

  // client_cuts.cpp
  void leave_cut(const Request& request, CutBy by);
  Nano settle_reset(ProxyLink& proxy, const Request& request, const wire::Reset& reset, Now now);
  void charge_cut(Channel& channel, Cut& cut, const RequestHash& hash, Nano cost, Now now);
  void settle_lost(Channel& channel, Nano charged, Now now);
  void settle_cut(ProxyLink& proxy, const wire::Settlement& said, Now now);
  void charge_late(Channel& channel, Cut& cut, const wire::Settlement& said, Now now);
  void settle_crossed(ProxyLink& proxy, StreamId stream, wire::Settlement said, Now now);
  Result<Nano> cost_proved(const Cut& cut, const RequestHash& hash, const AccountId& proxy,
                           ByteView receipt);
  void forget_cuts(Now now);

  // client_review.cpp
  static std::span<Worker> holders(Request& request);
  void begin_reviews(Now now);
  void ask_verdict(const EvidenceDigest& digest, Review& review);
  bool on_reviewed(CallId call, const EvidenceDigest& digest, const EvidenceVerdict& verdict,
                   Now now);
  void continue_reviews(Now now);
  void refuse_worker(const EvidenceDigest& digest, const std::string& why, Now now);

  struct ForChannel {
    PeerId peer;
  };
  struct ForEpoch {
    PeerId peer;
  };
  using LedgerPurpose = std::variant<ForChannel, ForEpoch>;
  void call_ledger(ports::LedgerRequest request, LedgerPurpose purpose);

  NodeIdentity identity_;
  billing::RegistryHistory registry_;
  ClientCoreOptions options_;
  Random& random_;
  std::string cache_salt_;
  billing::ReceiptVerifier receipts_;

  /// The most preferred first; a fresh link stands before the one that it replaces.
  std::list<ProxyLink> proxies_;
  std::unordered_map<ChannelId, std::unique_ptr<Channel>> channels_;
  std::unordered_map<EvidenceDigest, EvidenceEntry> evidence_;
  std::unordered_map<CallId, EvidenceDigest> verifications_;
  std::unordered_map<EvidenceDigest, Review> reviews_;
  std::unordered_map<CallId, LedgerPurpose> ledger_calls_;
  std::map<ClientRequestId, std::unique_ptr<Request>> requests_;
  std::set<std::pair<MonoTime, ClientRequestId>> due_;  ///< each request, by when to look at it
  std::vector<ClientEvent> events_;
  std::vector<ports::StoreEntry> restored_;
  std::vector<PeerId> voucher_due_;
  PeerId last_peer_ = 0;
  ClientRequestId last_request_ = 0;
  std::uint64_t last_ask_ = 0;
  std::vector<ModelsAsk> models_asked_;
  MonoTime next_check_{};
  Nano spent_;
  bool advance_ = false;  ///< waiting requests may be able to go on
  bool draining_ = false;
  bool ended_ = false;       ///< by end_all()
  MonoTime moving_until_{};  ///< a proxy has just gone: others, and its workers there, may be near
};

}  // namespace cocoon::core
