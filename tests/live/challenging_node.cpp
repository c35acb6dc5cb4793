#include "live/challenging_node.h"

#include "attest/verdict.h"
#include "crypto/system_random.h"
#include "io/clock.h"

namespace cocoon::live {
namespace {

io::JobPool jobs_of(const io::Context& context, const char* name) {
  io::JobPoolOptions options;
  options.name = name;
  options.queue_bounds = {64, 64, 0};
  return io::JobPool::start(context, options).value();
}

tee::MakeQuote counted(tee::MakeQuote make, std::shared_ptr<std::atomic<int>> count) {
  return [make = std::move(make), count = std::move(count)](const ByteArray<64>& report_data) {
    ++*count;
    return make(report_data);
  };
}

}  // namespace

// --- The core ---

void ChallengingCore::dial(const std::string& endpoint) {
  emit(core::Connect{++last_peer_, endpoint, wire::Role::proxy});
}

void ChallengingCore::on_connected(core::PeerId peer, core::PeerIdentity identity, Now now) {
  const bool acceptor = own_ == wire::Role::proxy;
  core::Link& link =
      links_
          .emplace(peer,
                   core::Link(peer, std::move(identity),
                              acceptor ? session::Side::acceptor : session::Side::initiator, now))
          .first->second;
  if (acceptor) return;
  link.connection.start({.role = own_});
  touch(peer);
}

void ChallengingCore::on_bytes(core::PeerId peer, ByteView bytes, Now now) {
  const auto at = links_.find(peer);
  if (at == links_.end()) return;
  at->second.connection.feed(bytes, now.mono);
  while (auto event = at->second.connection.next_event()) on_event(at->second, *event, now);
  touch(peer);
}

void ChallengingCore::on_event(core::Link& link, session::Event& event, Now now) {
  static crypto::SystemRandom random;
  if (std::get_if<session::HelloReceived>(&event)) {
    link.connection.accept_hello({.role = own_});
    return begin_challenge(link, random, now);
  }
  if (std::get_if<session::HelloAcked>(&event)) return begin_challenge(link, random, now);
  if (auto* control = std::get_if<session::Control>(&event)) {
    EXPECT_TRUE(link.challenge) << "more came than the challenge";
    return on_challenge_message(link, control->message, now);
  }
  if (auto* failed = std::get_if<session::ConnectionFailed>(&event)) {
    end_challenge(link);
    ended.push_back(failed->error);
    emit(core::Disconnect{link.peer});
  }
}

void ChallengingCore::on_disconnected(core::PeerId peer, const Error&, Now) {
  const auto at = links_.find(peer);
  if (at == links_.end()) return;
  end_challenge(at->second);
  links_.erase(at);
}

void ChallengingCore::on_challenge_failed(core::PeerId peer, const Error& error, Now) {
  ended.push_back(error);
  links_.at(peer).connection.fail(error);
  touch(peer);
  emit(core::Disconnect{peer});
}

core::Link* ChallengingCore::challenged_link(core::PeerId peer) {
  const auto at = links_.find(peer);
  return at == links_.end() ? nullptr : &at->second;
}

Bytes* ChallengingCore::output(core::PeerId peer) {
  core::Link* link = challenged_link(peer);
  return link == nullptr ? nullptr : &link->connection.output();
}

// --- The node ---

Result<Bytes> honest_quote(const ByteArray<64>& report_data) {
  auto td = guest();
  td.report_data = report_data;
  return platform().quote(td);
}

ChallengingNode::ChallengingNode(const io::Context& context, wire::Role own,
                                 Credentials credentials, const std::string& trust,
                                 tee::MakeQuote make)
    : context_(context),
      expect_(own == wire::Role::proxy ? wire::Role::worker : wire::Role::proxy),
      credentials_(std::move(credentials)),
      core_(own),
      jobs_(jobs_of(context, "live-quotes")),
      source_(counted(std::move(make), quotes_), {}, true, jobs_) {
  verifier_ = std::make_unique<verify::Verifier>(context, jobs_of(context, "live-verify"),
                                                 network(), billing::NetworkKind::dev);
  AttestationPolicy policy;
  policy.root = TrustedRootKind::simulated;
  policy.simulated_dir = trust;
  policy.images = {attest::image_hash(attest::sim::sim_td_report(guest()))};
  EXPECT_TRUE(verifier_->set_policy(expect_, policy));
  node::DriverParts parts;
  parts.core = &core_;
  parts.verifier = verifier_.get();
  parts.quotes = &source_;
  driver_.emplace(
      context, parts, credentials_.tls(), [] {},
      [](const Error& e) { ADD_FAILURE() << e.detail(); });
}

io::Address ChallengingNode::listen() {
  auto listener = io::Listener::open(
      context_, {.host = "127.0.0.1"}, {},
      [this](io::Connection socket) { driver_->accept(std::move(socket), expect_); });
  EXPECT_TRUE(listener);
  listener_ = std::move(*listener);
  return listener_->address();
}

void ChallengingNode::dial(const io::Address& address) {
  core_.dial(address.text());
  driver_->arm();
}

// --- By hand ---

void HandPeer::come(const io::Context& context, const io::Address& address,
                    const Credentials& own) {
  connector_ = std::make_unique<io::Connector>(
      context, address, Millis(30000),
      [this, context, tls = own.tls().client](Result<io::Connection> socket) {
        ASSERT_TRUE(socket) << socket.error().detail();
        start(context, std::move(*socket), tls);
      });
}

io::Address HandPeer::listen(const io::Context& context, const Credentials& own) {
  auto listener =
      io::Listener::open(context, {.host = "127.0.0.1"}, {},
                         [this, context, tls = own.tls().server](io::Connection socket) {
                           start(context, std::move(socket), tls);
                         });
  EXPECT_TRUE(listener);
  listener_ = std::move(*listener);
  return listener_->address();
}

void HandPeer::start(const io::Context& context, io::Connection socket, const tls::Context& tls) {
  io::SecureEvents events;
  events.on_unverified = [this](io::UnverifiedPeer peer) {
    facts = std::move(peer);
    connection_.admit();
    if (!waiting_.empty()) connection_.write(std::exchange(waiting_, {}));
  };
  events.on_bytes = [this](ByteView bytes) { on_bytes(bytes); };
  events.on_pressure = [](bool) {};
  events.on_closed = [this](Error why) { closed = std::move(why); };
  auto started = io::SecureConnection::start(context, std::move(socket), tls, std::move(events));
  ASSERT_TRUE(started) << started.error().detail();
  connection_ = std::move(*started);
}

void HandPeer::on_bytes(ByteView bytes) {
  splitter_.feed(bytes);
  while (true) {
    const auto frame = splitter_.next();
    ASSERT_TRUE(frame);
    if (!*frame) return;
    const auto message = wire::decode(**frame);
    ASSERT_TRUE(message) << message.error().detail();
    const auto* goaway = std::get_if<wire::GoAway>(&*message);
    if (goaway != nullptr && goaway->fatal) ended = goaway->reason;
    on_message(*message);
  }
}

void HandPeer::send(const wire::Message& message) {
  Bytes frame;
  wire::encode(frame, message);
  if (facts) {
    connection_.write(std::move(frame));
  } else {
    append(waiting_, frame);
  }
}

}  // namespace cocoon::live
