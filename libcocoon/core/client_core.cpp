#include "core/client_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attest/gpu_bundle.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "core/listed_proxy.h"
#include "core/named.h"
#include "core/store_keys.h"
#include "crypto/hash.h"

namespace cocoon::core {

ClientCore::ClientCore(NodeIdentity identity, billing::Registry registry, ClientCoreOptions options,
                       Random& random, Now now)
    : identity_(std::move(identity)),
      options_(std::move(options)),
      random_(random),
      next_check_(now.mono + limits::kLivenessInterval) {
  (void)registry_.adopt(std::move(registry));
  // Stable for this account, so that its own requests share an engine's cache; unknown to others.
  cache_salt_ =
      to_hex(crypto::hmac_sha256(identity_.account.seed(), as_bytes("cocoon-cache-salt")));
  for (const std::string& endpoint : options_.proxies) proxies_.emplace_back().endpoint = endpoint;
  if (!options_.proxies.empty()) return;
  for (const std::string& endpoint : unknown_endpoints(*registry_.current(), proxies_)) {
    proxies_.emplace_back().endpoint = endpoint;
  }
}

ClientCore::~ClientCore() = default;

Status ClientCore::restore(const std::vector<ports::StoreEntry>& entries) {
  for (const ports::StoreEntry& entry : entries) {
    if (entry.key.starts_with(kChannelKey)) restored_.push_back(entry);
  }
  return ok();
}

void ClientCore::start(Now) {
  for (ProxyLink& proxy : proxies_) connect(proxy);
}

Status ClientCore::on_registry(billing::Registry registry, Now now) {
  COCOON_CHECK(registry_.adopt(std::move(registry)));
  // Images may have been removed: every verdict is asked for again before the next request, and for
  // the workers that have one already.
  evidence_.clear();
  begin_reviews(now);
  for (ProxyLink& proxy : proxies_) {
    proxy.sets.clear();
    proxy.behind_until = now.mono + limits::kTonRegistryPoll;
    if (!proxy.link || proxy.state == ProxyState::closing) continue;
    if (auto status = check_listed(*registry_.current(), proxy.account); !status) {
      fail_proxy(proxy, status.error(), now);
    }
  }
  follow_registry();
  advance_ = true;
  return ok();
}

/// Where no proxies are configured: those that it lists now.
void ClientCore::follow_registry() {
  if (!options_.proxies.empty() || draining_) return;
  follow_endpoints(*registry_.current(), proxies_, [this](ProxyLink& proxy) { connect(proxy); });
}

bool ClientCore::has_left(const ProxyLink& proxy) const {
  return options_.proxies.empty() && !lists_endpoint(*registry_.current(), proxy.endpoint);
}

void ClientCore::on_registry_stale(bool stale, Now) {
  registry_.set_stale(stale);
  advance_ = true;
}

bool ClientCore::ready() const {
  return registry_.fresh() && std::any_of(proxies_.begin(), proxies_.end(), [](const ProxyLink& p) {
           return p.state == ProxyState::ready && !p.going_away;
         });
}

std::string ClientCore::not_ready_reason() const {
  if (const Status fresh = registry_.fresh(); !fresh) return fresh.error().detail();
  for (const ProxyLink& proxy : proxies_) {
    if (proxy.problem) return named(proxy.endpoint, *proxy.problem);
  }
  return proxies_.empty() ? "no proxy is configured, and the registry lists none"
                          : "connecting to " + proxies_.front().endpoint;
}

void ClientCore::drain(Now) {
  draining_ = true;
}

// --- Proxies ---

ClientCore::ProxyLink* ClientCore::find_proxy(PeerId peer) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.peer == peer && peer != 0) return &proxy;
  }
  return nullptr;
}

/// The first that is ready and not among `except`.
/// A connection that was used is not any more. Another one, and the workers at its other end, are a
/// few moments away at worst: for so long requests wait.
void ClientCore::out_of_use(Now now) {
  if (draining_) return;
  moving_until_ = now.mono + limits::kRetryAfterNoProxy;
  try_those_left(proxies_, random_, now);
}

/// Whether a connection may be ready within the time for which requests wait, though the last one
/// has failed: its end could not be reached, rather than refused us or was refused.
bool ClientCore::is_on_its_way(const ProxyLink& proxy, Now now) const {
  if (!proxy.problem || now.mono >= moving_until_ || proxy.state == ProxyState::ready) return false;
  if (proxy.state == ProxyState::waiting && proxy.retry_at >= moving_until_) return false;
  const ErrorKind why = proxy.problem->kind();
  return why == ErrorKind::unavailable || why == ErrorKind::io || why == ErrorKind::timeout;
}

bool ClientCore::any_is_on_its_way(Now now) const {
  return std::any_of(proxies_.begin(), proxies_.end(),
                     [&](const ProxyLink& p) { return is_on_its_way(p, now); });
}

/// Why no proxy will be ready soon: each has failed. None while one is being connected.
std::optional<Error> ClientCore::no_proxy(Now now) const {
  const bool hopeless = std::all_of(proxies_.begin(), proxies_.end(), [&](const ProxyLink& p) {
    if (p.state == ProxyState::ready) return p.going_away;
    return p.problem && p.failures.count() > 0 && !is_on_its_way(p, now);
  });
  if (!hopeless) return std::nullopt;
  for (const ProxyLink& p : proxies_) {
    if (p.problem && p.problem->kind() == ErrorKind::payment) return p.problem;
  }
  return Error(ErrorKind::unavailable, "no_proxy",
               "no proxy can be reached: " + not_ready_reason());
}

Bytes* ClientCore::output(PeerId peer) {
  ProxyLink* proxy = find_proxy(peer);
  return proxy == nullptr || !proxy->link ? nullptr : &proxy->link->connection.output();
}

void ClientCore::connect(ProxyLink& proxy) {
  proxy.state = ProxyState::connecting;
  proxy.going_away = false;
  proxy.silent = false;
  proxy.peer = ++last_peer_;
  emit(Connect{proxy.peer, proxy.endpoint, wire::Role::proxy});
}

void ClientCore::on_connected(PeerId peer, PeerIdentity identity, Now now) {
  ProxyLink* proxy = find_proxy(peer);
  if (proxy == nullptr || proxy->state != ProxyState::connecting) return;
  proxy->link = std::make_unique<Link>(peer, std::move(identity), session::Side::initiator, now);
  if (!proxy->link->identity.evidence) {
    return fail_proxy(
        *proxy, Error(ErrorKind::attestation, "no_evidence", "the proxy shows no evidence"), now);
  }
  proxy->account = proxy->link->identity.evidence->account;
  if (auto status = check_listed(*registry_.current(), proxy->account); !status) {
    return fail_proxy(*proxy, status.error(), now);
  }
  proxy->state = ProxyState::finding_channel;
  call_ledger(ports::FindChannel{identity_.account.account_id(), proxy->account}, ForChannel{peer});
}

void ClientCore::on_channel_found(ProxyLink& proxy, const ports::ChannelView& view, Now now) {
  if (!view.channel) {
    return fail_proxy(
        proxy,
        Error(
            ErrorKind::payment, "no_channel",
            fmt::format("this account has no open channel with proxy {0}; open one: cocoon-wallet "
                        "--client FILE open --proxy {0} --deposit \"20 TON\"",
                        to_hex(proxy.account.bytes))),
        now);
  }
  proxy.channel = &channel_of(*view.channel);
  if (!proxy.channel->meter.is_open()) return fail_proxy(proxy, channel_not_open(proxy), now);
  const billing::ChannelAuth auth{identity_.network, proxy.channel->id,
                                  proxy.link->identity.exporter,
                                  proxy.link->identity.own_leaf_sha256};
  const auto signature = billing::sign_channel(auth, identity_.account);
  wire::Hello hello;
  hello.role = wire::Role::client;
  hello.network = identity_.network;
  hello.account = identity_.account.account_id();
  hello.channel = proxy.channel->id;
  hello.channel_signature = signature;
  hello.software = kSoftware;
  hello.max_streams = 0;  // a client serves nothing
  hello.beside = std::any_of(proxies_.begin(), proxies_.end(), [&](const ProxyLink& other) {
    return other.channel == proxy.channel && other.state == ProxyState::ready;
  });
  proxy.state = ProxyState::greeting;
  proxy.link->connection.start(hello);
  touch(proxy.peer);
}

void ClientCore::on_hello_ack(ProxyLink& proxy, const wire::HelloAck& ack, Now now) {
  if (ack.network != identity_.network) {
    return fail_proxy(proxy,
                      Error(ErrorKind::protocol, "wrong_network",
                            "that proxy serves another network than this client's ledger"),
                      now);
  }
  if (auto status = check_role(*proxy.link, wire::Role::proxy, ack.account); !status) {
    return fail_proxy(proxy, status.error(), now);
  }
  auto epoch = decode_epoch(ack.epoch_record, ack.epoch_signature, ack.account);
  if (!epoch) return fail_proxy(proxy, epoch.error(), now);
  proxy.epoch = *epoch;
  const bool behind = ack.registry_version < registry_.current()->version;
  if (behind) proxy.behind_until = now.mono + limits::kTonRegistryPoll;
  proxy.state = ProxyState::checking_epoch;
  call_ledger(ports::ReadEpoch{ack.account}, ForEpoch{proxy.peer});
}

void ClientCore::on_epoch(ProxyLink& proxy, const ports::EpochView& view, Now now) {
  if (auto status = billing::epoch_admits(*proxy.epoch, view.newest, proxy.account,
                                          identity_.network, proxy.link->identity.boot_key);
      !status) {
    return fail_proxy(proxy, status.error(), now);
  }
  proxy.state = ProxyState::ready;
  proxy.failures.ready(now);
  proxy.problem.reset();
  proxy.renew_at = renewal_time(*proxy.link, random_, now);
  proxy.exporters = std::make_unique<session::ExporterCache>(identity_.network,
                                                             options_.requests_per_key_agreement);
  report(
      LogLevel::info,
      fmt::format(
          "connected to proxy {} at {}{}", short_hex(proxy.account.bytes), proxy.endpoint,
          proxy.link->identity.evidence->simulated ? " (simulated evidence: proves nothing)" : ""));
  // A proxy that was killed may have lost the newest voucher, and what it charged since: both are
  // in this one. One that has them takes no notice.
  if (proxy.channel->meter.authorised().value > 0) send_voucher(proxy);
  advance_ = true;
}

void ClientCore::on_bytes(PeerId peer, ByteView bytes, Now now) {
  ProxyLink* proxy = find_proxy(peer);
  if (proxy == nullptr || !proxy->link) return;
  proxy->link->connection.feed(bytes, now.mono);
  if (proxy->link->connection.pinged_at() == kNever) proxy->silent = false;
  drain_events(peer, now);
}

void ClientCore::drain_events(PeerId peer, Now now) {
  while (ProxyLink* proxy = find_proxy(peer)) {
    if (!proxy->link) break;
    auto event = proxy->link->connection.next_event();
    if (!event) break;
    on_event(*proxy, *event, now);
  }
  touch(peer);
}

void ClientCore::on_disconnected(PeerId peer, const Error& why, Now now) {
  if (ProxyLink* proxy = find_proxy(peer)) lose_proxy(*proxy, why, now);
}

void ClientCore::on_event(ProxyLink& proxy, session::Event& event, Now now) {
  struct Visitor {
    ClientCore& core;
    ProxyLink& proxy;
    Now now;
    void operator()(session::HelloReceived&) {}  // only acceptors get one
    void operator()(session::HelloAcked& e) { core.on_hello_ack(proxy, e.ack, now); }
    void operator()(session::StreamOpened&) {}  // a client lets nobody open streams
    void operator()(session::StreamAccepted& e) { core.on_accepted(proxy, e.accepted, now); }
    void operator()(session::StreamData& e) { core.on_data(proxy, e.data, now); }
    void operator()(session::StreamEnded& e) { core.on_end(proxy, e.end, now); }
    void operator()(session::StreamReset& e) { core.on_reset(proxy, e.reset, now); }
    void operator()(session::StreamWritable& e) {
      if (Request* request = core.request_of(proxy, e.stream)) core.send_body(*request);
    }
    void operator()(session::Control& e) { core.on_control(proxy, e.message, now); }
    void operator()(session::PeerGoingAway&) {
      proxy.going_away = true;
      core.out_of_use(now);
      core.advance_ = true;
    }
    void operator()(session::ConnectionFailed& e) { core.fail_proxy(proxy, e.error, now); }
  };
  std::visit(Visitor{*this, proxy, now}, event);
}

void ClientCore::on_control(ProxyLink& proxy, wire::Message& message, Now now) {
  if (auto* candidates = std::get_if<wire::Candidates>(&message)) {
    return on_candidates(proxy, *candidates, now);
  }
  if (auto* evidence = std::get_if<wire::Evidence>(&message)) {
    return on_evidence(proxy, *evidence, now);
  }
  if (auto* statement = std::get_if<wire::UsageStatement>(&message)) {
    return on_statement(proxy, *statement, now);
  }
  if (auto* cut = std::get_if<wire::Settlement>(&message)) {
    return settle_cut(proxy, *cut, now);
  }
  if (auto* models = std::get_if<wire::Models>(&message)) return on_models(proxy, *models);
  if (std::get_if<wire::ChannelState>(&message))
    return;  // the ledger says the same, and is believed
  fail_proxy(proxy,
             Error(ErrorKind::protocol, "unexpected_message",
                   "a message that a proxy does not send to a client"),
             now);
}

void ClientCore::fail_proxy(ProxyLink& proxy, const Error& error, Now now) {
  const bool told = proxy.problem && proxy.problem->code() == error.code();
  proxy.problem = error;
  if (!told) {
    report(LogLevel::warning, "proxy " + named(proxy.endpoint, error));
  }
  // Before the hello a goaway would be a riddle to the proxy, which does not know who says it.
  if (proxy.state < ProxyState::greeting) proxy.link.reset();
  if (proxy.link) proxy.link->connection.fail(error);
  if (std::exchange(proxy.state, ProxyState::closing) == ProxyState::ready) out_of_use(now);
  touch(proxy.peer);
  emit(Disconnect{proxy.peer});
}

void ClientCore::lose_proxy(ProxyLink& proxy, const Error& why, Now now) {
  if (proxy.state != ProxyState::closing) {
    const bool told = proxy.problem && proxy.problem->detail() == why.detail();
    proxy.problem = why;
    if (!told) {
      report(LogLevel::warning, "proxy " + named(proxy.endpoint, why));
    }
  }
  const auto streams = std::exchange(proxy.streams, {});
  for (const auto& [stream, id] : streams) {
    const auto at = requests_.find(id);
    if (at != requests_.end()) leave_cut(*at->second, CutBy::network);
  }
  if (std::exchange(proxy.state, ProxyState::closing) == ProxyState::ready) out_of_use(now);
  proxy.sets.clear();
  for (auto at = evidence_.begin(); at != evidence_.end();) {
    at = at->second.state == EvidenceState::fetching && at->second.from == proxy.peer
             ? evidence_.erase(at)
             : std::next(at);
  }
  for (ModelsAsk& ask : models_asked_) {
    if (ask.peer == proxy.peer) ask.peer = 0;
  }
  if (proxy.replaced || has_left(proxy)) {
    forget_replaced(proxies_, proxy);
  } else {
    proxy.link.reset();
    proxy.exporters.reset();
    proxy.peer = 0;
    proxy.state = ProxyState::waiting;
    proxy.retry_at = proxy.failures.failed(random_, now);
  }
  for (const auto& [stream, id] : streams) {
    const auto at = requests_.find(id);
    if (at != requests_.end()) lose_attempt(*at->second, why, now);
  }
  advance_ = true;
}

// --- Models ---

std::uint64_t ClientCore::ask_models(Now now) {
  models_asked_.push_back({++last_ask_, 0, now.mono + limits::kCandidatesDeadline});
  advance_ = true;
  return last_ask_;
}

/// Those that wait ask the best proxy, or end where there will be none.
void ClientCore::advance_models(Now now) {
  ProxyLink* proxy = best_proxy();
  const auto hopeless = proxy == nullptr ? no_proxy(now) : std::nullopt;
  if (proxy == nullptr && !hopeless) return;
  for (ModelsAsk& ask : models_asked_) {
    if (ask.peer != 0) continue;
    if (hopeless) {
      events_.push_back(ModelsReceived{ask.id, *hopeless});
      continue;
    }
    ask.peer = proxy->peer;
    proxy->link->connection.send(wire::ModelsRequest{ask.id});
    touch(proxy->peer);
  }
  if (hopeless) std::erase_if(models_asked_, [](const ModelsAsk& ask) { return ask.peer == 0; });
}

void ClientCore::end_models_overdue(Now now) {
  for (const ModelsAsk& ask : models_asked_) {
    if (ask.until > now.mono) continue;
    events_.push_back(ModelsReceived{
        ask.id, Error(ErrorKind::timeout, "models_unanswered",
                      ask.peer != 0 ? "the proxy did not say in time which models are served: try "
                                      "again, or use another proxy"
                                    : "no proxy was ready in time: " + not_ready_reason())});
  }
  std::erase_if(models_asked_, [&](const ModelsAsk& ask) { return ask.until <= now.mono; });
}

void ClientCore::on_models(ProxyLink& proxy, const wire::Models& models) {
  const auto asked = std::find_if(
      models_asked_.begin(), models_asked_.end(),
      [&](const ModelsAsk& ask) { return ask.id == models.id && ask.peer == proxy.peer; });
  if (asked == models_asked_.end()) return;
  models_asked_.erase(asked);
  proxy.failures.proved();
  auto offers = market_of(models.models, registry_.current()->prices);
  events_.push_back(ModelsReceived{models.id, std::move(offers)});
}

// --- Ledger and time ---

void ClientCore::call_ledger(ports::LedgerRequest request, LedgerPurpose purpose) {
  const CallId call = next_call();
  ledger_calls_.emplace(call, purpose);
  emit(CallLedger{call, std::move(request)});
}

void ClientCore::on_ledger(CallId call, LedgerAnswer answer, Now now) {
  const auto at = ledger_calls_.find(call);
  if (at == ledger_calls_.end()) return;
  const LedgerPurpose purpose = at->second;
  ledger_calls_.erase(at);
  const PeerId peer = std::visit([](const auto& p) { return p.peer; }, purpose);
  ProxyLink* proxy = find_proxy(peer);
  if (proxy == nullptr || proxy->state == ProxyState::closing) return;
  if (proxy->state == ProxyState::ready && proxy->channel) {  // a top-up was looked for
    proxy->channel->reread_from = now.mono + limits::kChannelReread;
    if (!answer) return;
  }
  if (!answer) return fail_proxy(*proxy, answer.error(), now);
  if (std::get_if<ForChannel>(&purpose)) {
    const auto* view = std::get_if<ports::ChannelView>(&*answer);
    if (view == nullptr) return;
    if (proxy->state == ProxyState::finding_channel) return on_channel_found(*proxy, *view, now);
    if (view->channel && proxy->channel) on_channel_reread(*proxy, *view->channel, now);
    return;
  }
  const auto* view = std::get_if<ports::EpochView>(&*answer);
  if (view != nullptr && proxy->state == ProxyState::checking_epoch) on_epoch(*proxy, *view, now);
}

void ClientCore::on_time(Now now) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state == ProxyState::waiting && proxy.retry_at <= now.mono && !draining_) {
      connect(proxy);
    }
  }
  while (!due_.empty() && due_.begin()->first <= now.mono) {
    Request& request = *requests_.at(due_.begin()->second);
    due_.erase(due_.begin());
    request.due = due_of(request);
    if (request.due > now.mono) {  // it has moved on since
      due_.emplace(request.due, request.id);
      continue;
    }
    const bool whole = request.deadline <= now.mono;
    break_off(request,
              Error(ErrorKind::timeout, "deadline_exceeded",
                    whole ? "the request's deadline passed"
                          : "the network made no progress on the request in time"),
              now);
  }
  if (now.mono >= next_check_) {
    next_check_ = now.mono + limits::kLivenessInterval;
    check_liveness(now);
    leave_closed(now);
    check_sets(now);
    continue_reviews(now);
    end_models_overdue(now);
    forget_cuts(now);
    if (moving_until_ != MonoTime{}) {
      advance_ = true;
      if (moving_until_ <= now.mono) moving_until_ = {};
    }
    settle_all(now);
    close_replaced();  // after the last acknowledgement: the fresh one may have another channel
  }
  renew_due(now);
}

MonoTime ClientCore::next_deadline() const {
  MonoTime next = next_check_;
  for (const ProxyLink& proxy : proxies_) {
    if (proxy.state == ProxyState::waiting && !draining_) next = std::min(next, proxy.retry_at);
    next = std::min(next, renewal_due(proxy));
  }
  return due_.empty() ? next : std::min(next, due_.begin()->first);
}

void ClientCore::end_turn(Now now) {
  if (std::exchange(advance_, false)) {
    advance_models(now);
    advance_waiting(now);
  }
  for (const PeerId peer : std::exchange(voucher_due_, {})) {
    ProxyLink* proxy = find_proxy(peer);
    if (proxy == nullptr || proxy->state != ProxyState::ready) continue;
    if (proxy->channel->meter.voucher_need() != billing::VoucherNeed::none) send_voucher(*proxy);
  }
  if (ended_) settle_all(now);  // there may be no later turn
}

namespace {

/// What a worker shows of its GPUs, as further members of its object.
std::string gpu_members(ByteView gpu_evidence) {
  // It was read when it was verified.
  const auto bundle = attest::parse_gpu_bundle(gpu_evidence);
  if (!bundle) return {};
  json::Writer sets;
  sets.begin_array();
  for (const attest::GpuMeasurementSet& set : bundle->sets) sets.string(set.text());
  return R"(,"gpu_evidence":)" + attest::gpu_evidence_json(bundle->gpus) +
         R"(,"gpu_measurement_sets":)" + sets.end_array().take();
}

/// The bundle of docs/attestation.md: everything that is needed to verify again without a network.
class Bundle {
 public:
  void add(const VerifiedEvidence& evidence) {
    if (!std::exchange(first_, false)) text_ += ',';
    const std::string digest = to_hex(evidence.collateral_digest);
    text_ += '{' + evidence.json + R"(,"certificate":")" + to_base64(evidence.certificate) +
             R"(","collateral":")" + digest + '"' + gpu_members(evidence.gpu_evidence) + '}';
    collateral_.emplace(digest, evidence.collateral);
  }
  void begin(std::string_view group) {
    text_ += (text_.empty() ? "" : "],");
    text_ += '"' + std::string(group) + "\":[";
    first_ = true;
  }
  std::string finish() {
    text_ += R"(],"collateral":{)";
    first_ = true;
    for (const auto& [digest, json] : collateral_) {
      if (!std::exchange(first_, false)) text_ += ',';
      text_ += '"' + digest + "\":" + (json ? *json : "{}");
    }
    return R"({"object":"cocoon.evidence",)" + text_ + "}}";
  }

 private:
  std::string text_;
  bool first_ = true;
  std::map<std::string, std::shared_ptr<const std::string>> collateral_;
};

}  // namespace

std::string ClientCore::evidence_json() const {
  Bundle bundle;
  bundle.begin("proxies");
  for (const ProxyLink& proxy : proxies_) {
    if (proxy.link && proxy.link->identity.evidence) bundle.add(*proxy.link->identity.evidence);
  }
  bundle.begin("workers");
  for (const auto& [digest, entry] : evidence_) {
    if (entry.state == EvidenceState::accepted) bundle.add(*entry.verified);
  }
  return bundle.finish();
}

}  // namespace cocoon::core
