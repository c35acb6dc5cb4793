#include "core/proxy_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "core/store_keys.h"

namespace cocoon::core {

ProxyCore::ProxyCore(NodeIdentity identity, billing::Registry registry, ProxyCoreOptions options,
                     Random& random, Now now)
    : AttestedCore(wire::Role::proxy),
      identity_(std::move(identity)),
      options_(std::move(options)),
      random_(random),
      scheduler_(identity_.network, identity_.boot),
      payouts_(identity_.network, identity_.account.account_id()),
      next_settlement_(now.mono + limits::kSettlementInterval),
      next_liveness_(now.mono + limits::kLivenessInterval) {
  (void)registry_.adopt(std::move(registry));
  read_contract();
}

ProxyCore::~ProxyCore() = default;

Status ProxyCore::restore(const std::vector<ports::StoreEntry>& entries) {
  for (const ports::StoreEntry& entry : entries) {
    if (entry.key.starts_with(kPayoutKey)) {
      COCOON_CHECK(payouts_.restore(entry.value));
    } else if (entry.key == kReputationKey) {
      COCOON_CHECK(scheduler_.reputation().restore(entry.value));
    } else if (entry.key.starts_with(kChannelKey)) {
      const std::string_view id = std::string_view(entry.key).substr(kChannelKey.size());
      COCOON_TRY(const auto bytes, array_from_hex<32>(id));
      unseen_.emplace_back(MonoTime{}, ChannelId{bytes});
      restored_channels_.emplace(entry.key, entry.value);
    }
  }
  return ok();
}

Status ProxyCore::on_registry(billing::Registry registry, Now) {
  return registry_.adopt(std::move(registry));
}

void ProxyCore::on_registry_stale(bool stale, Now) {
  registry_.set_stale(stale);
}

void ProxyCore::drain(Now now) {
  draining_ = true;
  for (auto& [id, peer] : peers_) {
    peer->link.connection.go_away("draining", "this proxy is shutting down; use another one");
    touch(id);
  }
  for (const PeerId id : std::exchange(lookups_, {})) fail_peer(*find_peer(id), draining(), now);
}

Error ProxyCore::draining() {
  return Error(ErrorKind::unavailable, "draining", "this proxy is shutting down; use another one");
}

ProxyCounts ProxyCore::counts() const {
  ProxyCounts counts = counts_;
  counts.clients = clients_;
  counts.workers = workers_;
  counts.running = requests_.size();
  counts.waiting = scheduler_.waiting();
  return counts;
}

ProxyCore::Peer* ProxyCore::find_peer(PeerId peer) {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? nullptr : at->second.get();
}

Bytes* ProxyCore::output(PeerId peer) {
  Peer* p = find_peer(peer);
  return p == nullptr ? nullptr : &p->link.connection.output();
}

void ProxyCore::on_connected(PeerId peer, PeerIdentity identity, Now now) {
  peers_[peer] =
      std::make_unique<Peer>(Link(peer, std::move(identity), session::Side::acceptor, now));
}

void ProxyCore::on_bytes(PeerId peer, ByteView bytes, Now now) {
  Peer* p = find_peer(peer);
  if (p == nullptr) return;
  p->link.connection.feed(bytes, now.mono);
  while (p != nullptr) {
    auto event = p->link.connection.next_event();
    if (!event) break;
    on_event(*p, *event, now);
    p = find_peer(peer);  // the event may have ended the connection
  }
  touch(peer);
}

void ProxyCore::on_disconnected(PeerId peer, const Error& why, Now now) {
  drop_peer(peer, why, now);
}

void ProxyCore::on_event(Peer& peer, session::Event& event, Now now) {
  struct Visitor {
    ProxyCore& core;
    Peer& peer;
    Now now;
    void operator()(session::HelloReceived& e) { core.on_hello(peer, e.hello, now); }
    void operator()(session::HelloAcked&) {}  // only initiators get one, and a proxy is none
    void operator()(session::StreamOpened& e) { core.on_open(peer, e.open, now); }
    void operator()(session::StreamAccepted& e) { core.on_accepted(peer, e.accepted, now); }
    void operator()(session::StreamData& e) { core.on_data(peer, e.data, now); }
    void operator()(session::StreamEnded& e) { core.on_end(peer, e.end, now); }
    void operator()(session::StreamReset& e) { core.on_reset(peer, e.reset, now); }
    void operator()(session::StreamWritable& e) { core.on_writable(peer, e.stream, now); }
    void operator()(session::Control& e) { core.on_control(peer, e.message, now); }
    void operator()(session::PeerGoingAway&) { core.on_going_away(peer, now); }
    void operator()(session::ConnectionFailed& e) { core.fail_peer(peer, e.error, now); }
  };
  std::visit(Visitor{*this, peer, now}, event);
}

void ProxyCore::on_hello(Peer& peer, const wire::Hello& hello, Now now) {
  if (hello.network != identity_.network) {
    return fail_peer(peer,
                     Error(ErrorKind::protocol, "wrong_network",
                           "this proxy serves another network; check which ledger you use"),
                     now);
  }
  if (draining_) return fail_peer(peer, draining(), now);
  peer.account = hello.account;
  peer.role = hello.role;
  peer.state = PeerState::looking_up;
  if (hello.role == wire::Role::client) {
    if (!hello.channel) {
      return fail_peer(
          peer,
          Error(ErrorKind::payment, "no_channel",
                "the client named no payment channel; open one with cocoon-wallet open"),
          now);
    }
    peer.hello_channel = *hello.channel;
    peer.hello_signature = to_bytes(hello.channel_signature);
    peer.hello_beside = hello.beside;
    look_up(peer);
  } else if (hello.role == wire::Role::worker) {
    if (auto status = check_role(peer.link, wire::Role::worker, hello.account); !status) {
      return fail_peer(peer, status.error(), now);
    }
    auto epoch = decode_epoch(hello.epoch_record, hello.epoch_signature, hello.account);
    if (!epoch) return fail_peer(peer, epoch.error(), now);
    peer.hello_epoch = std::move(*epoch);
    look_up(peer);
  } else {
    fail_peer(peer, Error(ErrorKind::protocol, "unexpected_role", "a proxy serves no proxies"),
              now);
  }
}

void ProxyCore::look_up(const Peer& peer) {
  lookups_.insert(peer.link.peer);
  begin_lookups();
}

/// A ledger answers in the order of the questions. After a restart, with every peer's at once, it
/// would answer those that have given up; so few are out, and the peers that came last go first.
void ProxyCore::begin_lookups() {
  while (lookups_out_ < limits::kMaxLookups && !lookups_.empty()) {
    const Peer& peer = *find_peer(*lookups_.begin());
    lookups_.erase(lookups_.begin());
    ++lookups_out_;
    ports::LedgerRequest question = ports::ReadEpoch{peer.account};
    if (peer.role == wire::Role::client) question = ports::ReadChannel{peer.hello_channel};
    call_ledger(std::move(question), ForPeer{peer.link.peer});
  }
}

void ProxyCore::accept(Peer& peer, Now now) {
  if (draining_) return fail_peer(peer, draining(), now);
  if (peer.role == wire::Role::client && contract_phase_ != billing::ProxyPhase::open) {
    return fail_peer(peer, unpaid(), now);
  }
  const std::size_t taken = peer.role == wire::Role::client ? clients_ : workers_;
  const std::size_t most =
      peer.role == wire::Role::client ? options_.max_clients : options_.max_workers;
  const auto known = connections_.find(peer.account);
  const std::size_t own = known == connections_.end() ? 0 : known->second;
  // Who renews its certificate has two connections for a while; a full proxy has room for that.
  const std::size_t room = own == 0 ? most : most + most / limits::kRenewalRoom + 1;
  if (taken >= room) {
    return fail_peer(
        peer, Error(ErrorKind::busy, "proxy_full", "this proxy takes no more connections"), now);
  }
  if (own >= limits::kMaxConnectionsPerAccount) {
    return fail_peer(peer,
                     Error(ErrorKind::busy, "too_many_connections",
                           "this account has as many connections to the proxy as it may"),
                     now);
  }
  ++connections_[peer.account];
  ++(peer.role == wire::Role::client ? clients_ : workers_);
  peer.state = peer.role == wire::Role::client ? PeerState::ready : PeerState::challenging;
  const Bytes record = identity_.epoch.value.encode();
  wire::HelloAck ack;
  ack.role = wire::Role::proxy;
  ack.network = identity_.network;
  ack.account = identity_.account.account_id();
  ack.epoch_record = record;
  ack.epoch_signature = identity_.epoch.signature;
  ack.registry_version = registry_.current()->version;
  ack.software = kSoftware;
  ack.max_streams = peer.role == wire::Role::client
                        ? static_cast<std::uint32_t>(options_.max_requests_per_client)
                        : 0;
  peer.link.connection.accept_hello(ack);
  admitted_.push_back(peer.link.peer);
  touch(peer.link.peer);
}

void ProxyCore::on_control(Peer& peer, wire::Message& message, Now now) {
  if (peer.link.challenge) return on_challenge_message(peer.link, message, now);
  const bool client = peer.role == wire::Role::client;
  if (auto* voucher = std::get_if<wire::Voucher>(&message); voucher != nullptr && client) {
    return on_voucher(peer, *voucher, now);
  }
  if (auto* ask = std::get_if<wire::CandidatesRequest>(&message); ask != nullptr && client) {
    return on_candidates_request(peer, *ask, now);
  }
  if (auto* ask = std::get_if<wire::EvidenceRequest>(&message); ask != nullptr && client) {
    return on_evidence_request(peer, ask->digest, now);
  }
  if (auto* ask = std::get_if<wire::ModelsRequest>(&message); ask != nullptr) {
    return on_models_request(peer, ask->id, now);
  }
  if (auto* statement = std::get_if<wire::UsageStatement>(&message); statement && client) {
    return on_statement_shown(peer, *statement, now);
  }
  if (auto* part = std::get_if<wire::Evidence>(&message); part != nullptr && !client) {
    return on_shown(peer, *part, now);
  }
  if (auto* record = std::get_if<wire::SignedWorkerRecord>(&message); record && !client) {
    return on_worker_record(peer, *record, now);
  }
  if (auto* status = std::get_if<wire::WorkerStatus>(&message); status != nullptr && !client) {
    return on_worker_status(peer, *status, now);
  }
  if (auto* payout = std::get_if<wire::Payout>(&message); payout != nullptr && !client) {
    return on_payout_shown(peer, *payout, now);
  }
  if (auto* cut = std::get_if<wire::Settlement>(&message); cut != nullptr && !client) {
    return on_cut_receipt(peer.account, cut->request, cut->receipt);
  }
  fail_peer(peer,
            Error(ErrorKind::protocol, "unexpected_message",
                  "a message that this role does not send to a proxy"),
            now);
}

void ProxyCore::on_going_away(Peer& peer, Now now) {
  peer.going_away = true;
  if (!peer.worker) return;
  wire::WorkerStatus status;  // not ready: it gets nothing new
  scheduler_.report(*peer.worker, status, now);
  note_leaving(peer.account);
}

void ProxyCore::fail_peer(Peer& peer, const Error& error, Now now) {
  const PeerId id = peer.link.peer;
  report(LogLevel::info, fmt::format("{} {}: {}", wire::to_string(peer.role),
                                     short_hex(peer.account.bytes), error.detail()));
  peer.link.connection.fail(error);
  touch(id);
  emit(Disconnect{id});
  end_peer(peer, error, now);
}

void ProxyCore::end_peer(Peer& peer, const Error& why, Now now) {
  // First, so that nothing is offered or told to it any more.
  const PeerState was = std::exchange(peer.state, PeerState::ended);
  end_challenge(peer.link);
  lookups_.erase(peer.link.peer);
  const auto running = std::exchange(peer.requests, {});
  for (const auto& [stream, id] : running) {
    const auto at = requests_.find(id);
    if (at == requests_.end()) continue;
    Request& request = *at->second;
    if (request.client == peer.link.peer) {
      cancel_request(request, now);
    } else {
      worker_gave_up(request,
                     Error(ErrorKind::upstream, "worker_lost",
                           "the connection to the worker was lost: " + why.detail()),
                     now);
    }
  }
  if (was == PeerState::challenging || was == PeerState::ready) {
    --(peer.role == wire::Role::client ? clients_ : workers_);
    const auto counted = connections_.find(peer.account);
    if (--counted->second == 0) connections_.erase(counted);
  }
  if (peer.worker) {
    scheduler_.leave(*peer.worker);
    peer.worker.reset();
  }
  // A newer connection may show the same certificate.
  const auto shown = evidence_.find(EvidenceDigest{peer.link.identity.leaf_sha256});
  if (shown != evidence_.end() && shown->second == peer.link.peer) evidence_.erase(shown);
}

void ProxyCore::drop_peer(PeerId peer, const Error& why, Now now) {
  Peer* p = find_peer(peer);
  if (p == nullptr) return;
  end_peer(*p, why, now);
  peers_.erase(peer);
}

void ProxyCore::call_ledger(ports::LedgerRequest request, LedgerPurpose purpose) {
  const CallId call = next_call();
  ledger_calls_.emplace(call, purpose);
  emit(CallLedger{call, std::move(request)});
}

void ProxyCore::on_ledger(CallId call, LedgerAnswer answer, Now now) {
  const auto at = ledger_calls_.find(call);
  if (at == ledger_calls_.end()) return;
  const LedgerPurpose purpose = at->second;
  ledger_calls_.erase(at);
  if (const auto* p = std::get_if<ForPeer>(&purpose)) {
    --lookups_out_;
    on_lookup(p->peer, answer, now);
    return begin_lookups();
  }
  if (const auto* c = std::get_if<ForChannel>(&purpose)) {
    return on_channel_answer(c->channel, answer);
  }
  if (const auto* r = std::get_if<ForRestored>(&purpose)) {
    return on_restored_answer(r->channel, answer, now);
  }
  on_contract_answer(answer);
}

void ProxyCore::on_lookup(PeerId id, const LedgerAnswer& answer, Now now) {
  Peer* peer = find_peer(id);
  if (peer == nullptr || peer->state != PeerState::looking_up) return;
  if (!answer) return fail_peer(*peer, answer.error(), now);
  if (const auto* channel = std::get_if<ports::ChannelView>(&*answer)) {
    return admit_client(*peer, *channel, now);
  }
  if (const auto* epoch = std::get_if<ports::EpochView>(&*answer)) {
    return admit_worker(*peer, *epoch, now);
  }
  fail_peer(*peer,
            Error(ErrorKind::internal, "ledger_answer", "the ledger answered something else"), now);
}

void ProxyCore::on_time(Now now) {
  end_overdue(now);
  if (now.mono >= next_liveness_) {
    next_liveness_ = now.mono + limits::kLivenessInterval;
    check_liveness(now);
    end_half_open(now);
    end_closed(now);
  }
  if (now.mono >= next_settlement_) {
    next_settlement_ = now.mono + limits::kSettlementInterval;
    settle_periodically(now);
  }
}

void ProxyCore::check_liveness(Now now) {
  std::vector<PeerId> due;
  for (const auto& [id, peer] : peers_) {
    const bool late = peer->link.challenge && peer->link.challenge_until <= now.mono;
    if (late || peer->link.connection.next_deadline() <= now.mono) due.push_back(id);
  }
  for (const PeerId id : due) {
    Peer* peer = find_peer(id);
    if (peer == nullptr) continue;
    check_challenge(peer->link, now);
    peer->link.connection.on_time(now.mono);
    touch(id);
    while (peer != nullptr) {
      auto event = peer->link.connection.next_event();
      if (!event) break;
      on_event(*peer, *event, now);
      peer = find_peer(id);
    }
  }
}

void ProxyCore::end_turn(Now now) {
  serve_waiting(now);
  pay_leaving();
  begin_batch();
}

MonoTime ProxyCore::next_deadline() const {
  const MonoTime next = std::min({next_settlement_, next_liveness_, scheduler_.next_deadline()});
  return deadlines_.empty() ? next : std::min(next, deadlines_.begin()->first);
}

}  // namespace cocoon::core
