#include "node/driver.h"

#include <fmt/format.h>

#include "attest/evidence.h"
#include "base/limits.h"
#include "io/clock.h"

namespace cocoon::node {
namespace {

/// Accepted peers are numbered apart from those that a core connects to.
constexpr core::PeerId kFirstAccepted = 1ull << 40;

}  // namespace

Driver::Driver(const io::Context& context, DriverParts parts, OwnCertificate certificate,
               Callback<void()> on_turn, Callback<void(Error)> on_fatal)
    : context_(context),
      parts_(std::move(parts)),
      certificate_(std::move(certificate)),
      on_turn_(std::move(on_turn)),
      on_fatal_(std::move(on_fatal)),
      turn_(context, io::TurnPhase::work, [this] { run(); }),
      deadline_(context,
                [this] {
                  parts_.core->on_time(io::now());
                  arm();
                }),
      review_(context,
              [this] {
                review_peers();
                review_.set_in(limits::kEvidenceReview);
              }),
      next_accepted_(kFirstAccepted),
      alive_(std::make_shared<bool>(true)) {
  review_.set_in(limits::kEvidenceReview);
  arm();
}

Driver::~Driver() {
  *alive_ = false;
}

Driver::Peer* Driver::find(core::PeerId id) {
  const auto at = peers_.find(id);
  return at == peers_.end() ? nullptr : at->second.get();
}

// --- One turn ---

void Driver::run() {
  core::Core& core = *parts_.core;
  std::vector<core::PeerId> leaving;
  core.end_turn(io::now());
  for (core::Effect& effect : core.take_effects()) carry_out(effect, leaving);
  for (const core::PeerId id : core.take_writable()) {
    Bytes* out = core.output(id);
    if (out == nullptr || out->empty()) continue;
    if (Peer* peer = find(id); peer != nullptr && peer->admitted) {
      peer->connection.write(std::move(*out));
      // Credit bounds the data that waits; this bounds what a peer can make us answer unread.
      if (peer->connection.pending_bytes() > limits::kMaxPendingOutputBytes) {
        peer->connection.pause();
      }
    }
    out->clear();
  }
  for (const core::PeerId id : leaving) {
    Peer* peer = find(id);
    if (peer != nullptr && peer->admitted) peer->connection.finish(limits::kFarewellPatience);
    lose(id, Error(ErrorKind::cancelled, "disconnected", "this side ended the connection"));
  }
  deadline_.set(core.next_deadline());
  on_turn_();
}

void Driver::carry_out(core::Effect& effect, std::vector<core::PeerId>& leaving) {
  struct Visitor {
    Driver& driver;
    std::vector<core::PeerId>& leaving;
    void operator()(core::Connect& e) { driver.connect(e); }
    void operator()(core::Disconnect& e) { leaving.push_back(e.peer); }
    void operator()(core::VerifyEvidence& e) {
      driver.parts_.verifier->verify(
          std::move(e.shown), verify::Shown::all, e.expect, io::now().unix,
          [&driver = driver, alive = driver.alive_, call = e.call,
           peer = e.peer](verify::EvidenceVerdict verdict) {
            if (!*alive) return;
            if (verdict) driver.keep_evidence(peer, *verdict);
            driver.parts_.core->on_verified(call, std::move(verdict), io::now());
            driver.arm();
          });
    }
    void operator()(core::MakeQuote& e) {
      driver.parts_.quotes->quote(e.report_data, [&driver = driver, alive = driver.alive_,
                                                  call = e.call](Result<Bytes> quote) {
        if (!*alive) return;
        driver.parts_.core->on_quote(call, std::move(quote), io::now());
        driver.arm();
      });
    }
    void operator()(core::VerifyAnswer& e) {
      driver.parts_.verifier->verify_answer(
          std::move(e.quote), e.report_data, e.peer, io::now().unix,
          [&driver = driver, alive = driver.alive_, call = e.call](const Status& verdict) {
            if (!*alive) return;
            driver.parts_.core->on_answer_verified(call, verdict, io::now());
            driver.arm();
          });
    }
    void operator()(core::CallLedger& e) {
      driver.parts_.ledger->call(std::move(e.request),
                                 [&driver = driver, alive = driver.alive_,
                                  call = e.call](Result<ports::LedgerReply> reply) {
                                   if (!*alive) return;
                                   driver.parts_.core->on_ledger(call, std::move(reply), io::now());
                                   driver.arm();
                                 });
    }
    void operator()(core::WriteStore& e) {
      driver.parts_.store->commit(std::move(e.batch), [&driver = driver, alive = driver.alive_,
                                                       call = e.call](const Status& status) {
        if (!*alive) return;
        // The node ends then, and settles first: its peers show it what they were sent once it
        // is there again.
        if (!status) driver.on_fatal_(status.error());
        if (!*alive || call == 0) return;
        driver.parts_.core->on_stored(call, io::now());
        driver.arm();
      });
    }
    void operator()(core::StartEngine& e) { driver.parts_.engine->start(std::move(e.request)); }
    void operator()(core::CancelEngine& e) { driver.parts_.engine->cancel(e.run); }
    void operator()(core::PauseEngine& e) { driver.parts_.engine->pause(e.run, e.paused); }
    void operator()(core::Report& e) {
      switch (e.level) {
        case LogLevel::debug: return driver.parts_.log.debug("{}", e.message);
        case LogLevel::info: return driver.parts_.log.info("{}", e.message);
        case LogLevel::warning: return driver.parts_.log.warning("{}", e.message);
        case LogLevel::error: return driver.parts_.log.error("{}", e.message);
      }
    }
  };
  std::visit(Visitor{*this, leaving}, effect);
}

// --- Connections ---

void Driver::connect(const core::Connect& effect) {
  auto made = std::make_unique<Peer>();
  Peer& peer = *made;
  peer.id = effect.peer;
  peer.expect = effect.expect;
  peers_[peer.id] = std::move(made);
  auto address = io::Address::parse(effect.endpoint);
  if (!address) return lose(effect.peer, address.error());
  peer.connector =
      std::make_unique<io::Connector>(context_, *address, limits::kConnectDeadline,
                                      [this, id = peer.id](Result<io::Connection> connection) {
                                        Peer* p = find(id);
                                        if (p == nullptr) return;
                                        p->connector.reset();
                                        if (!connection) return lose(id, connection.error());
                                        start_tls(*p, std::move(*connection), certificate_.client);
                                      });
}

void Driver::accept(io::Connection connection, wire::Role expect) {
  const std::string host = connection.peer_host();
  std::size_t& waiting = waiting_[host];
  if (waiting >= limits::kMaxHandshakesPerAddress) {
    parts_.log.debug("{}: dropped: {} of its connections wait to be admitted", host, waiting);
    return;  // dropped
  }
  ++waiting;
  auto made = std::make_unique<Peer>();
  Peer& peer = *made;
  peer.id = next_accepted_++;
  peer.expect = expect;
  peer.host = host;
  peer.counted = true;
  peers_[peer.id] = std::move(made);
  start_tls(peer, std::move(connection), certificate_.server);
}

void Driver::start_tls(Peer& peer, io::Connection connection, const tls::Context& tls) {
  peer.own_leaf = certificate_.leaf_sha256;
  const core::PeerId id = peer.id;
  io::SecureEvents events;
  events.on_unverified = [this, id](io::UnverifiedPeer proved) {
    on_unverified(id, std::move(proved));
  };
  events.on_bytes = [this, id](ByteView bytes) {
    parts_.core->on_bytes(id, bytes, io::now());
    arm();
  };
  events.on_pressure = [this, id](bool pressed) {
    if (Peer* p = find(id); p != nullptr && !pressed) p->connection.resume();
  };
  events.on_closed = [this, id](Error why) { lose(id, why); };
  auto secure =
      io::SecureConnection::start(context_, std::move(connection), tls, std::move(events));
  if (!secure) return lose(id, secure.error());
  peer.connection = std::move(*secure);
}

void Driver::on_unverified(core::PeerId id, io::UnverifiedPeer proved) {
  Peer* peer = find(id);
  if (peer == nullptr) return;
  // Only those who come to us may be without evidence: then they are clients, and their channel's
  // signature has to speak for them.
  if (peer->counted && !attest::has_evidence(proved.certificate))
    return admit(*peer, proved, nullptr);
  Bytes certificate = std::move(proved.certificate);
  auto facts = std::make_shared<io::UnverifiedPeer>(std::move(proved));
  parts_.verifier->verify(std::move(certificate), verify::Shown::certificate, peer->expect,
                          io::now().unix,
                          [this, alive = alive_, id, facts](verify::EvidenceVerdict verdict) {
                            if (*alive) on_verdict(id, *facts, verdict);
                          });
}

void Driver::on_verdict(core::PeerId id, const io::UnverifiedPeer& proved,
                        const verify::EvidenceVerdict& verdict) {
  Peer* peer = find(id);
  if (peer == nullptr) return;
  if (!verdict) return turn_away(*peer, verdict.error());
  // The verdict is about a certificate; TLS proved that the peer holds this key.
  if ((*verdict)->boot_key.bytes != proved.public_key) {
    return turn_away(*peer, Error(ErrorKind::attestation, "key_not_bound",
                                  "the evidence is for another key than the connection's"));
  }
  admit(*peer, proved, *verdict);
}

/// The verdict on all that a peer shows, in the place of the one on its certificate.
void Driver::keep_evidence(core::PeerId id,
                           const std::shared_ptr<const ports::VerifiedEvidence>& whole) {
  Peer* peer = find(id);
  if (peer == nullptr || !peer->evidence || peer->evidence->digest != whole->digest) return;
  peer->evidence = whole;
}

void Driver::admit(Peer& peer, const io::UnverifiedPeer& proved,
                   std::shared_ptr<const ports::VerifiedEvidence> evidence) {
  peer.admitted = true;
  peer.evidence = evidence;
  core::PeerIdentity identity;
  identity.boot_key = BootKeyId{proved.public_key};
  identity.leaf_sha256 = proved.fingerprint;
  identity.own_leaf_sha256 = peer.own_leaf;
  identity.exporter = proved.exporter;
  identity.evidence = std::move(evidence);
  peer.connection.admit();
  parts_.core->on_connected(peer.id, std::move(identity), io::now());
  arm();
}

void Driver::turn_away(Peer& peer, const Error& why) {
  parts_.log.warning("{}: refused: {} ({})", peer.connection.peer(), why.detail(), why.code());
  peer.connection.refuse();
  lose(peer.id, why);
}

void Driver::core_admitted(core::PeerId id) {
  if (Peer* peer = find(id)) uncount(*peer);
}

void Driver::uncount(Peer& peer) {
  if (!std::exchange(peer.counted, false)) return;
  const auto at = waiting_.find(peer.host);
  if (at != waiting_.end() && --at->second == 0) waiting_.erase(at);
}

void Driver::lose(core::PeerId id, const Error& why) {
  const auto at = peers_.find(id);
  if (at == peers_.end()) return;
  uncount(*at->second);
  peers_.erase(at);
  parts_.core->on_disconnected(id, why, io::now());
  arm();
}

void Driver::review_peers() {
  const UnixTime now = io::now().unix;
  for (const auto& [id, peer] : peers_) {
    if (!peer->evidence || parts_.verifier->still_holds(*peer->evidence, now)) continue;
    const ports::VerifiedEvidence& last = *peer->evidence;
    Bytes shown = last.certificate;
    append(shown, last.gpu_evidence);
    const auto extent = last.gpu_owed ? verify::Shown::certificate : verify::Shown::all;
    parts_.verifier->verify(std::move(shown), extent, peer->expect, now,
                            [this, alive = alive_, id = id](verify::EvidenceVerdict verdict) {
                              if (!*alive) return;
                              Peer* p = find(id);
                              if (p == nullptr) return;
                              if (verdict) {
                                // What it owed may have come meanwhile.
                                const bool less = (*verdict)->gpu_owed && !p->evidence->gpu_owed;
                                if (!less) p->evidence = std::move(*verdict);
                                return;
                              }
                              // Who could not be judged (a queue is full, collateral is on its way)
                              // may stay while the last verdict holds.
                              const bool refused = verdict.error().kind() == ErrorKind::attestation;
                              const bool held = p->evidence->expires > io::now().unix;
                              if (refused || !held) turn_away(*p, verdict.error());
                            });
  }
}

void Driver::close_all() {
  deadline_.stop();
  review_.stop();
  turn_.disarm();
  for (auto& [id, peer] : peers_) peer->connection.finish(limits::kFarewellPatience);
  peers_.clear();
}

}  // namespace cocoon::node
