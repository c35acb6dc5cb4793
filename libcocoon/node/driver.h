#pragma once
/// @file Drives a core: sockets, timers and ports around a thing that has none of them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "core/core.h"
#include "io/context.h"
#include "io/secure_connection.h"
#include "io/tcp.h"
#include "io/timer.h"
#include "io/turn.h"
#include "ports/engine.h"
#include "ports/ledger.h"
#include "ports/store.h"
#include "tee/source.h"
#include "tls/context.h"
#include "verify/verifier.h"

namespace cocoon::node {

/// What a driver works with. All of it outlives the driver; `engine` may be null, and so may
/// `quotes` where the core asks for none.
struct DriverParts {
  core::Core* core = nullptr;
  verify::Verifier* verifier = nullptr;
  tee::Source* quotes = nullptr;
  ports::Ledger* ledger = nullptr;
  ports::Store* store = nullptr;
  ports::Engine* engine = nullptr;
  Logger log;
};

/// The certificate that new connections show.
struct OwnCertificate {
  tls::Context client;
  tls::Context server;
  Hash leaf_sha256{};
};

/// Loop thread only.
class Driver {
 public:
  /// @param on_turn after each turn's work: the owner takes the core's events
  /// @param on_fatal the store failed: the node must stop
  Driver(const io::Context& context, DriverParts parts, OwnCertificate certificate,
         Callback<void()> on_turn, Callback<void(Error)> on_fatal);
  ~Driver();

  void set_certificate(OwnCertificate certificate) { certificate_ = std::move(certificate); }

  /// A connection that a listener took in: a client, or a node with evidence of role `expect`.
  /// It counts against its address until core_admitted(), or until it has gone.
  void accept(io::Connection connection, wire::Role expect);
  /// The core has let it in. Whoever has only shaken hands costs a peer nothing: any key will do.
  void core_admitted(core::PeerId peer);

  /// The owner called into the core: its effects are carried out at the end of this turn.
  void arm() { turn_.arm(); }

  /// The policy or registry has changed: every peer with evidence is judged again, and those that
  /// fail are disconnected.
  void review_peers();

  /// Says goodbye to every peer and closes.
  void close_all();
  std::size_t connections() const { return peers_.size(); }

 private:
  struct Peer {
    core::PeerId id = 0;
    wire::Role expect{};  ///< of its evidence, where it has any
    Hash own_leaf{};
    std::unique_ptr<io::Connector> connector;
    io::SecureConnection connection;
    std::string host;      ///< that it came from
    bool counted = false;  ///< in waiting_
    bool admitted = false;
    std::shared_ptr<const ports::VerifiedEvidence> evidence;
  };

  void run();
  void carry_out(core::Effect& effect, std::vector<core::PeerId>& leaving);
  void connect(const core::Connect& effect);
  void start_tls(Peer& peer, io::Connection connection, const tls::Context& tls);
  void on_unverified(core::PeerId id, io::UnverifiedPeer peer);
  void on_verdict(core::PeerId id, const io::UnverifiedPeer& proved,
                  const verify::EvidenceVerdict& verdict);
  void keep_evidence(core::PeerId id, const std::shared_ptr<const ports::VerifiedEvidence>& whole);
  void admit(Peer& peer, const io::UnverifiedPeer& proved,
             std::shared_ptr<const ports::VerifiedEvidence> evidence);
  void lose(core::PeerId id, const Error& why);
  void turn_away(Peer& peer, const Error& why);
  void uncount(Peer& peer);
  Peer* find(core::PeerId id);

  io::Context context_;
  DriverParts parts_;
  OwnCertificate certificate_;
  Callback<void()> on_turn_;
  Callback<void(Error)> on_fatal_;
  io::TurnHook turn_;
  io::Timer deadline_;
  io::Timer review_;
  std::unordered_map<core::PeerId, std::unique_ptr<Peer>> peers_;
  std::map<std::string, std::size_t> waiting_;  ///< not yet admitted by the core, by address
  core::PeerId next_accepted_;
  std::shared_ptr<bool> alive_;  ///< answers of ports may come after the driver is gone
};

}  // namespace cocoon::node
