#pragma once
/// @file What the hostile peers have in common: one connection, spoken by hand.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/core.h"
#include "core/identity.h"
#include "session/connection.h"
#include "wire/codec.h"

namespace cocoon::core::test {

/// A peer of a proxy that does as its test tells it. It connects once.
class Rogue : public Core {
 public:
  Rogue(NodeIdentity self, wire::Role role, std::string endpoint)
      : identity(std::move(self)), role_(role), endpoint_(std::move(endpoint)) {}

  NodeIdentity identity;
  /// The last word on the hello.
  std::function<void(wire::Hello&)> edit_hello;
  std::optional<session::Connection> link;
  PeerIdentity far;
  bool admitted = false;
  /// Why the proxy ended the connection.
  std::optional<Error> ended;
  /// Codes of the resets that came, by stream.
  std::map<wire::StreamId, std::string> resets;
  /// What they say that it cost.
  std::map<wire::StreamId, Nano> costs;
  /// Ends that came, by stream.
  std::map<wire::StreamId, Nano> ends;

  void connect() { emit(Connect{1, endpoint_, wire::Role::proxy}); }
  /// Sends what the connection would not.
  void send_raw(const wire::Message& message) {
    wire::encode(link->output(), message);
    touch(1);
  }
  void send(const wire::Message& message) {
    link->send(message);
    touch(1);
  }

  void on_connected(PeerId, PeerIdentity identity_of_far, Now now) override {
    far = std::move(identity_of_far);
    link.emplace(session::Side::initiator, now.mono);
    wire::Hello hello;
    hello.role = role_;
    hello.network = identity.network;
    hello.account = identity.account.account_id();
    hello.software = "rogue";
    introduce(hello);
    if (edit_hello) edit_hello(hello);
    link->start(hello);
    touch(1);
  }
  void on_bytes(PeerId, ByteView bytes, Now now) override {
    link->feed(bytes, now.mono);
    while (auto event = link->next_event()) handle(*event, now);
    touch(1);
  }
  void on_disconnected(PeerId, const Error& why, Now) override {
    if (!ended) ended = why;
    link.reset();
  }
  void on_verified(CallId, EvidenceVerdict, Now) override {}
  void on_ledger(CallId, LedgerAnswer, Now) override {}
  void on_registry_stale(bool, Now) override {}
  void on_time(Now) override {}
  void end_turn(Now) override {}
  MonoTime next_deadline() const override { return kNever; }
  Bytes* output(PeerId) override { return link ? &link->output() : nullptr; }

 protected:
  /// Fills in what the role adds to a hello; what views point to stays in the object.
  virtual void introduce(wire::Hello& hello) = 0;
  virtual void on_admitted(Now now) = 0;
  virtual void on_event(session::Event& event, Now now) = 0;

 private:
  void handle(session::Event& event, Now now) {
    if (std::get_if<session::HelloAcked>(&event)) {
      admitted = true;
      on_admitted(now);
    } else if (auto* failed = std::get_if<session::ConnectionFailed>(&event)) {
      ended = failed->error;
    } else if (auto* reset = std::get_if<session::StreamReset>(&event)) {
      resets[reset->reset.stream] = reset->reset.code;
      costs[reset->reset.stream] = reset->reset.cost;
    } else if (auto* end = std::get_if<session::StreamEnded>(&event)) {
      ends[end->end.stream] = end->end.cost;
    }
    on_event(event, now);
  }

  wire::Role role_;
  std::string endpoint_;
};

}  // namespace cocoon::core::test
