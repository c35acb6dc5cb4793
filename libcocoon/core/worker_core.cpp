#include "core/worker_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/listed_proxy.h"
#include "core/named.h"
#include "core/store_keys.h"
#include "wire/evidence_parts.h"
#include "wire/records.h"

namespace cocoon::core {
WorkerCore::WorkerCore(NodeIdentity identity, const Hash& leaf_sha256, billing::Registry registry,
                       WorkerCoreOptions options, Random& random, Now now)
    : AttestedCore(wire::Role::worker),
      identity_(std::move(identity)),
      leaf_sha256_(leaf_sha256),
      options_(std::move(options)),
      random_(random),
      keys_(identity_.network, random, now),
      next_settlement_(now.mono + limits::kPayoutInterval),
      next_market_(now.mono + limits::kMarketPeriod),
      next_liveness_(now.mono + limits::kLivenessInterval) {
  (void)registry_.adopt(std::move(registry));
  for (const std::string& endpoint : options_.proxies) proxies_.emplace_back().endpoint = endpoint;
  if (options_.proxies.empty()) {
    for (const std::string& endpoint : unknown_endpoints(*registry_.current(), proxies_)) {
      proxies_.emplace_back().endpoint = endpoint;
    }
  }
  if (proxies_.empty()) {
    counts_.proxy_reason = "no proxy is configured, and the registry lists none";
  }
}

WorkerCore::~WorkerCore() = default;

Status WorkerCore::restore(const std::vector<ports::StoreEntry>& entries) {
  for (const ports::StoreEntry& entry : entries) {
    if (entry.key.starts_with(kEarningsKey)) restored_.push_back(entry);
  }
  return ok();
}

void WorkerCore::start(Now now) {
  if (proxies_.empty()) report(LogLevel::error, counts_.proxy_reason);
  for (ProxyLink& proxy : proxies_) connect(proxy, now);
}

Status WorkerCore::on_registry(billing::Registry registry, Now now) {
  COCOON_CHECK(registry_.adopt(std::move(registry)));
  for (ProxyLink& proxy : proxies_) {
    const bool known = proxy.state >= ProxyState::looking_up && proxy.state <= ProxyState::ready;
    if (!known) continue;
    auto status = check_listed(*registry_.current(), proxy.account);
    if (status) continue;
    fail_proxy(proxy, status.error(), now);
    // As at a stop: it may never pay anything again.
    settle(proxy.account, meter_of(proxy.account), billing::Worth::backing);
  }
  follow_registry(now);
  return ok();
}

/// Where no proxies are configured: those that it lists now.
void WorkerCore::follow_registry(Now now) {
  if (!options_.proxies.empty() || draining_) return;
  follow_endpoints(*registry_.current(), proxies_,
                   [this, now](ProxyLink& proxy) { connect(proxy, now); });
}

bool WorkerCore::has_left(const ProxyLink& proxy) const {
  return options_.proxies.empty() && !lists_endpoint(*registry_.current(), proxy.endpoint);
}

void WorkerCore::on_registry_stale(bool stale, Now) {
  registry_.set_stale(stale);
  send_status_to_all();
}

void WorkerCore::drain(Now) {
  draining_ = true;
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready) continue;
    send_status(proxy);
    say_leaving(proxy);
  }
}

void WorkerCore::say_leaving(ProxyLink& proxy) {
  proxy.link->connection.go_away("draining", "this worker is shutting down");
  touch(proxy.peer);
}

WorkerCounts WorkerCore::counts() const {
  WorkerCounts counts = counts_;
  counts.engine_ready = engine_.ready();
  counts.engine_reason = engine_.reason();
  counts.running = runs_.size();
  counts.proxies_connected = static_cast<std::uint32_t>(
      std::count_if(proxies_.begin(), proxies_.end(), [](const ProxyLink& p) {
        return p.state == ProxyState::ready && !(p.replaced && p.going_away);
      }));
  return counts;
}

// --- Proxies ---

WorkerCore::ProxyLink* WorkerCore::find_proxy(PeerId peer) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.peer == peer && peer != 0) return &proxy;
  }
  return nullptr;
}

Bytes* WorkerCore::output(PeerId peer) {
  ProxyLink* proxy = find_proxy(peer);
  return proxy == nullptr || !proxy->link ? nullptr : &proxy->link->connection.output();
}

void WorkerCore::connect(ProxyLink& proxy, Now) {
  proxy.state = ProxyState::connecting;
  proxy.going_away = false;
  proxy.paid = false;
  proxy.peer = ++last_peer_;
  emit(Connect{proxy.peer, proxy.endpoint, wire::Role::proxy});
}

void WorkerCore::on_connected(PeerId peer, PeerIdentity identity, Now now) {
  ProxyLink* proxy = find_proxy(peer);
  if (proxy == nullptr || proxy->state != ProxyState::connecting) return;
  proxy->link = std::make_unique<Link>(peer, std::move(identity), session::Side::initiator, now);
  proxy->state = ProxyState::greeting;
  const Bytes record = identity_.epoch.value.encode();
  wire::Hello hello;
  hello.role = wire::Role::worker;
  hello.network = identity_.network;
  hello.account = identity_.account.account_id();
  hello.epoch_record = record;
  hello.epoch_signature = identity_.epoch.signature;
  hello.software = kSoftware;
  proxy->link->connection.start(hello);
  touch(peer);
}

void WorkerCore::on_bytes(PeerId peer, ByteView bytes, Now now) {
  ProxyLink* proxy = find_proxy(peer);
  if (proxy == nullptr || !proxy->link) return;
  proxy->link->connection.feed(bytes, now.mono);
  drain_events(peer, now);
}

void WorkerCore::drain_events(PeerId peer, Now now) {
  while (ProxyLink* proxy = find_proxy(peer)) {
    if (!proxy->link) break;
    auto event = proxy->link->connection.next_event();
    if (!event) break;
    on_event(*proxy, *event, now);
  }
  touch(peer);
}

void WorkerCore::on_disconnected(PeerId peer, const Error& why, Now now) {
  if (ProxyLink* proxy = find_proxy(peer)) lose_proxy(*proxy, why, now);
}

void WorkerCore::on_event(ProxyLink& proxy, session::Event& event, Now now) {
  if (proxy.link->challenge && std::holds_alternative<session::StreamOpened>(event)) {
    return refuse_early(*proxy.link, now);
  }
  struct Visitor {
    WorkerCore& core;
    ProxyLink& proxy;
    Now now;
    void operator()(session::HelloReceived&) {}  // only acceptors get one
    void operator()(session::HelloAcked& e) { core.on_hello_ack(proxy, e.ack, now); }
    void operator()(session::StreamOpened& e) { core.on_open(proxy, e.open, now); }
    void operator()(session::StreamAccepted&) {}  // a worker opens no streams
    void operator()(session::StreamData& e) { core.on_data(proxy, e.data, now); }
    void operator()(session::StreamEnded& e) { core.on_end(proxy, e.end.stream, now); }
    void operator()(session::StreamReset& e) { core.on_reset(proxy, e.reset, now); }
    void operator()(session::StreamWritable& e) {
      if (Run* run = core.run_of(proxy, e.stream)) core.send_answer(*run, now);
    }
    void operator()(session::Control& e) { core.on_control(proxy, e.message, now); }
    void operator()(session::PeerGoingAway& e) { core.on_going_away(proxy, e.reason, now); }
    void operator()(session::ConnectionFailed& e) { core.fail_proxy(proxy, e.error, now); }
  };
  std::visit(Visitor{*this, proxy, now}, event);
}

void WorkerCore::on_hello_ack(ProxyLink& proxy, const wire::HelloAck& ack, Now now) {
  if (ack.network != identity_.network) {
    return fail_proxy(proxy,
                      Error(ErrorKind::protocol, "wrong_network",
                            "that proxy serves another network than this worker's ledger"),
                      now);
  }
  if (auto status = check_role(*proxy.link, wire::Role::proxy, ack.account); !status) {
    return fail_proxy(proxy, status.error(), now);
  }
  if (auto status = check_listed(*registry_.current(), ack.account); !status) {
    return fail_proxy(proxy, status.error(), now);
  }
  auto epoch = decode_epoch(ack.epoch_record, ack.epoch_signature, ack.account);
  if (!epoch) return fail_proxy(proxy, epoch.error(), now);
  proxy.account = ack.account;
  proxy.epoch = *epoch;
  proxy.state = ProxyState::looking_up;
  call_ledger(ports::ReadEpoch{ack.account}, ForProxyEpoch{proxy.peer});
  begin_challenge(*proxy.link, random_, now);
}

void WorkerCore::admit_proxy(ProxyLink& proxy, const ports::EpochView& view, Now now) {
  if (auto status = billing::epoch_admits(*proxy.epoch, view.newest, proxy.account,
                                          identity_.network, proxy.link->identity.boot_key);
      !status) {
    return fail_proxy(proxy, status.error(), now);
  }
  proxy.state = ProxyState::challenging;
  if (!proxy.link->challenge) begin_service(proxy, now);
}

Link* WorkerCore::challenged_link(PeerId peer) {
  ProxyLink* proxy = find_proxy(peer);
  return proxy == nullptr ? nullptr : proxy->link.get();
}

void WorkerCore::on_challenge_complete(PeerId peer, Now now) {
  ProxyLink* proxy = find_proxy(peer);
  if (proxy != nullptr && proxy->state == ProxyState::challenging) begin_service(*proxy, now);
}

void WorkerCore::on_challenge_failed(PeerId peer, const Error& error, Now now) {
  if (ProxyLink* proxy = find_proxy(peer)) fail_proxy(*proxy, error, now);
}

/// The ledger knows the proxy's run, and its machine has shown that it is there now.
void WorkerCore::begin_service(ProxyLink& proxy, Now now) {
  // Its handshake may have begun before the certificate was renewed.
  const bool outdated = proxy.link->identity.own_leaf_sha256 != leaf_sha256_;
  if (outdated && !shown_.empty()) {
    return fail_proxy(proxy,
                      Error(ErrorKind::unavailable, "certificate_renewed",
                            "this worker's certificate, and with it the evidence of its GPUs, was "
                            "renewed while it connected; it connects again"),
                      now);
  }
  proxy.state = ProxyState::ready;
  proxy.failures.ready(now);
  counts_.proxy_reason.clear();
  proxy.renew_at = outdated ? now.mono : renewal_time(*proxy.link, random_, now);
  report(LogLevel::info, fmt::format("connected to proxy {} at {}", short_hex(proxy.account.bytes),
                                     proxy.endpoint));
  send_shown(proxy);
  send_record(proxy, now);
  send_status(proxy);
  ask_market(proxy);
  // A proxy that lost its state adopts what it has signed.
  if (const auto& voucher = meter_of(proxy.account).voucher()) {
    const Bytes bytes = voucher->value.encode();
    wire::Payout message;
    message.voucher = bytes;
    message.signature = voucher->signature;
    proxy.link->connection.send(message);
  }
  if (draining_) say_leaving(proxy);
}

/// What the proxy needs before it takes the record in, and passes on to clients.
void WorkerCore::send_shown(ProxyLink& proxy) {
  const EvidenceDigest digest{proxy.link->identity.own_leaf_sha256};
  if (shown_.empty()) return;
  for (const wire::Evidence& part : wire::split_evidence(digest, shown_)) {
    proxy.link->connection.send(part);
  }
}

void WorkerCore::send_record(ProxyLink& proxy, Now) {
  wire::WorkerRecord record;
  record.network = identity_.network;
  record.account = identity_.account.account_id();
  record.boot_key = identity_.boot.boot_key_id();
  record.evidence = EvidenceDigest{proxy.link->identity.own_leaf_sha256};
  record.sealing_key = keys_.public_key();
  record.not_before = keys_.not_before();
  record.not_after = keys_.not_after();
  record.coefficient_e3 = options_.coefficient_e3;
  record.capacity = options_.capacity;
  record.models = options_.models;
  auto bytes = wire::encode_worker_record(record);
  if (!bytes) return report(LogLevel::error, "worker record: " + bytes.error().detail());
  const auto signature = identity_.boot.sign(wire::worker_record_signing_bytes(*bytes));
  wire::SignedWorkerRecord message;
  message.record = *bytes;
  message.signature = signature;
  proxy.link->connection.send(message);
  touch(proxy.peer);
}

void WorkerCore::send_status(ProxyLink& proxy) {
  if (proxy.state != ProxyState::ready) return;
  wire::WorkerStatus status;
  const bool solvent = meter_of(proxy.account).accepts();
  const Status fresh = registry_.fresh();
  status.ready = engine_.takes() && !draining_ && solvent && fresh;
  status.free_slots = free_slots();
  if (draining_) {
    status.reason = "shutting down";
  } else if (!engine_.takes()) {
    status.reason = engine_.reason();
  } else if (!solvent) {
    status.reason =
        "this proxy owes as much as max_unpaid, or cut answers for which it has not paid";
  } else if (!fresh) {
    status.reason = fresh.error().detail();
  }
  proxy.told_free = status.free_slots;
  proxy.told_runs = proxy.runs.size();
  proxy.link->connection.send(status);
  touch(proxy.peer);
}

std::uint32_t WorkerCore::free_slots() const {
  const auto running = static_cast<std::uint32_t>(runs_.size());
  return engine_.slots(options_.capacity > running ? options_.capacity - running : 0);
}

/// A proxy counts its own requests; those of other proxies it has to be told of: where they are
/// many, and where they take the last slot or free it.
void WorkerCore::tell_others_load() {
  if (proxies_.size() < 2) return;
  const std::int64_t free = free_slots();
  const std::int64_t much = std::max<std::int64_t>(1, options_.capacity / 8);
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready || proxy.going_away) continue;
    const std::int64_t assumed = std::int64_t{proxy.told_free} +
                                 static_cast<std::int64_t>(proxy.told_runs) -
                                 static_cast<std::int64_t>(proxy.runs.size());
    const bool boundary = (free == 0) != (assumed <= 0);
    if (boundary || std::abs(free - assumed) >= much) send_status(proxy);
  }
}

void WorkerCore::ask_market(ProxyLink& proxy) {
  if (proxy.state != ProxyState::ready) return;
  proxy.link->connection.send(wire::ModelsRequest{});
  touch(proxy.peer);
}

std::vector<WorkerCore::ProxyWord> WorkerCore::words() const {
  std::vector<ProxyWord> words;
  for (const ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready || proxy.going_away) continue;
    words.push_back({proxy.account, proxy.endpoint, proxy.rating, proxy.market});
  }
  return words;
}

void WorkerCore::send_status_to_all() {
  for (ProxyLink& proxy : proxies_) send_status(proxy);
}

void WorkerCore::on_engine_ready(bool ready, std::string reason, Now) {
  if (engine_.probed(ready, std::move(reason))) send_status_to_all();  // its own client logs it
}

/// The engine has said something.
void WorkerCore::hear(Now now) {
  if (engine_.spoke(now)) report(LogLevel::info, "the engine answers requests again");
}

void WorkerCore::on_control(ProxyLink& proxy, const wire::Message& message, Now now) {
  if (proxy.link->challenge) return on_challenge_message(*proxy.link, message, now);
  if (const auto* payout = std::get_if<wire::Payout>(&message)) {
    return on_payout(proxy, *payout, now);
  }
  if (const auto* models = std::get_if<wire::Models>(&message)) {
    proxy.market = market_of(models->models, registry_.current()->prices);
    return;
  }
  fail_proxy(proxy,
             Error(ErrorKind::protocol, "unexpected_message",
                   "a message that a proxy does not send to a worker"),
             now);
}

void WorkerCore::fail_proxy(ProxyLink& proxy, const Error& error, Now now) {
  const PeerId peer = proxy.peer;
  if (proxy.link) {
    end_challenge(*proxy.link);
    proxy.link->connection.fail(error);
  }
  touch(peer);
  emit(Disconnect{peer});
  // The link stays until the transport is gone, so that the peer is told why.
  const bool used = std::exchange(proxy.state, ProxyState::closing) == ProxyState::ready;
  if (used && !draining_) try_those_left(proxies_, random_, now);
  counts_.proxy_reason = named(proxy.endpoint, error);
  report(LogLevel::warning, fmt::format("proxy {}", counts_.proxy_reason));
  const auto runs = std::exchange(proxy.runs, {});
  for (const auto& [stream, key] : runs) {
    if (Run* run = find_run(key)) abandon(*run, now);
  }
}

void WorkerCore::lose_proxy(ProxyLink& proxy, const Error& why, Now now) {
  const auto runs = std::exchange(proxy.runs, {});
  for (const auto& [stream, key] : runs) {
    if (Run* run = find_run(key)) abandon(*run, now);
  }
  if (proxy.state != ProxyState::closing) {
    counts_.proxy_reason = named(proxy.endpoint, why);
    // Whose evidence it refuses, a proxy tells nothing.
    if (proxy.state == ProxyState::greeting && why.code() == "closed_by_peer") {
      counts_.proxy_reason +=
          " before it knew this worker's account, as a proxy does that does not accept a worker's "
          "evidence: see that the registry lists this worker's image; the proxy's log says why";
    }
    report(LogLevel::warning, fmt::format("proxy {}", counts_.proxy_reason));
  }
  if (proxy.link) end_challenge(*proxy.link);
  const bool used = std::exchange(proxy.state, ProxyState::closing) == ProxyState::ready;
  if (used && !draining_) try_those_left(proxies_, random_, now);
  if (proxy.replaced || has_left(proxy)) return forget_replaced(proxies_, proxy);
  proxy.link.reset();
  proxy.peer = 0;
  proxy.state = ProxyState::waiting;
  proxy.retry_at = draining_ ? kNever : proxy.failures.failed(random_, now);
}

// --- Ledger, store and time ---

void WorkerCore::on_verified(CallId, EvidenceVerdict, Now) {
  // A worker's peers are verified before on_connected(); it asks for no verdicts of its own.
}

void WorkerCore::call_ledger(ports::LedgerRequest request, LedgerPurpose purpose) {
  const CallId call = next_call();
  ledger_calls_.emplace(call, purpose);
  emit(CallLedger{call, std::move(request)});
}

void WorkerCore::on_ledger(CallId call, LedgerAnswer answer, Now now) {
  const auto at = ledger_calls_.find(call);
  if (at == ledger_calls_.end()) return;
  const LedgerPurpose purpose = at->second;
  ledger_calls_.erase(at);
  if (const auto* epoch = std::get_if<ForProxyEpoch>(&purpose)) {
    ProxyLink* proxy = find_proxy(epoch->peer);
    if (proxy == nullptr || proxy->state != ProxyState::looking_up) return;
    if (!answer) return fail_proxy(*proxy, answer.error(), now);
    const auto* view = std::get_if<ports::EpochView>(&*answer);
    return admit_proxy(*proxy, view == nullptr ? ports::EpochView{} : *view, now);
  }
  on_payout_answer(std::get<ForPayout>(purpose), answer);
}

void WorkerCore::on_time(Now now) {
  end_overdue(now);
  engine_.on_time(now);
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state == ProxyState::waiting && proxy.retry_at <= now.mono) connect(proxy, now);
  }
  if (keys_.maintain(random_, now)) {
    for (ProxyLink& proxy : proxies_) {
      if (proxy.state == ProxyState::ready) send_record(proxy, now);
    }
  }
  if (now.mono >= next_liveness_) {
    next_liveness_ = now.mono + limits::kLivenessInterval;
    check_liveness(now);
    close_replaced();
  }
  renew_due(now);
  if (now.mono >= next_market_) {
    next_market_ = now.mono + limits::kMarketPeriod;
    for (ProxyLink& proxy : proxies_) ask_market(proxy);
  }
  if (now.mono >= next_settlement_) {
    next_settlement_ = now.mono + limits::kPayoutInterval;
    settle_periodically(now, billing::Worth::usual);
  }
}

void WorkerCore::check_liveness(Now now) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.link) check_challenge(*proxy.link, now);
    if (!proxy.link || proxy.link->connection.next_deadline() > now.mono) continue;
    proxy.link->connection.on_time(now.mono);
    drain_events(proxy.peer, now);
  }
}

MonoTime WorkerCore::next_deadline() const {
  MonoTime next = std::min({next_settlement_, next_liveness_, next_market_, keys_.next_rotation(),
                            engine_.next_trial()});
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  for (const ProxyLink& proxy : proxies_) {
    if (proxy.state == ProxyState::waiting) next = std::min(next, proxy.retry_at);
    next = std::min(next, renewal_due(proxy));
  }
  return next;
}

}  // namespace cocoon::core
