#pragma once
/// @file Nodes that challenge whoever they are connected to, and peers that speak by hand, for the
/// tests of the challenge between proxy and worker over real TLS.

#include <atomic>
#include <functional>
#include <list>
#include <map>

#include "core/attested_core.h"
#include "live/live_node.h"
#include "tee/source.h"
#include "wire/codec.h"
#include "wire/frame_splitter.h"

namespace cocoon::live {

/// What proxies and workers do of the challenge, and nothing else of theirs: no ledger, no
/// requests. Hellos are taken as they come.
class ChallengingCore final : public core::AttestedCore {
 public:
  explicit ChallengingCore(wire::Role own) : AttestedCore(own), own_(own) {}

  unsigned passed = 0;       ///< connections on which both have answered
  std::vector<Error> ended;  ///< why this side ended one, or what the peer said as it did

  void dial(const std::string& endpoint);

  void on_connected(core::PeerId peer, core::PeerIdentity identity, Now now) override;
  void on_bytes(core::PeerId peer, ByteView bytes, Now now) override;
  void on_disconnected(core::PeerId peer, const Error&, Now) override;
  void on_verified(core::CallId, core::EvidenceVerdict, Now) override {}
  void on_ledger(core::CallId, core::LedgerAnswer, Now) override {}
  void on_registry_stale(bool, Now) override {}
  void on_time(Now) override {}
  void end_turn(Now) override { begin_batch(); }
  MonoTime next_deadline() const override { return kNever; }
  Bytes* output(core::PeerId peer) override;

 private:
  core::Link* challenged_link(core::PeerId peer) override;
  void on_challenge_complete(core::PeerId, Now) override { ++passed; }
  void on_challenge_failed(core::PeerId peer, const Error& error, Now now) override;
  void on_event(core::Link& link, session::Event& event, Now now);

  wire::Role own_;
  std::map<core::PeerId, core::Link> links_;
  core::PeerId last_peer_ = 0;
};

/// A quote of guest(), as the simulated platform makes it.
Result<Bytes> honest_quote(const ByteArray<64>& report_data);

/// A proxy or worker with all that makes it real but its role: verifier, driver, TLS, and a source
/// of quotes whose number it knows.
class ChallengingNode {
 public:
  ChallengingNode(const io::Context& context, wire::Role own, Credentials credentials,
                  const std::string& trust, tee::MakeQuote make = honest_quote);

  /// It listens; where.
  io::Address listen();
  void dial(const io::Address& address);
  int quotes() const { return *quotes_; }
  ChallengingCore& core() { return core_; }
  const Credentials& credentials() const { return credentials_; }
  verify::Verifier& verifier() { return *verifier_; }

 private:
  io::Context context_;
  wire::Role expect_;
  Credentials credentials_;
  std::shared_ptr<std::atomic<int>> quotes_ = std::make_shared<std::atomic<int>>(0);
  ChallengingCore core_;
  io::JobPool jobs_;
  tee::Source source_;
  std::unique_ptr<verify::Verifier> verifier_;
  std::optional<node::Driver> driver_;
  std::optional<io::Listener> listener_;
};

/// An end of a TLS connection whose messages a test writes by hand.
class HandPeer {
 public:
  /// Every message that comes. Views live during the call.
  std::function<void(const wire::Message&)> on_message = [](const wire::Message&) {};
  std::optional<io::UnverifiedPeer> facts;  ///< once the handshake is done
  std::optional<Error> closed;
  std::string ended;  ///< the code of a fatal goaway

  void come(const io::Context& context, const io::Address& address, const Credentials& own);
  io::Address listen(const io::Context& context, const Credentials& own);
  /// Sent now, or as soon as the handshake is done.
  void send(const wire::Message& message);

 private:
  void start(const io::Context& context, io::Connection socket, const tls::Context& tls);
  void on_bytes(ByteView bytes);

  std::optional<io::Listener> listener_;
  std::unique_ptr<io::Connector> connector_;
  io::SecureConnection connection_;
  wire::FrameSplitter splitter_;
  Bytes waiting_;
};

}  // namespace cocoon::live
