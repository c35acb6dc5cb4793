#pragma once
/// @file A core that remembers what reached it, in order, and greets whom it is told of.

#include <string>
#include <vector>

#include "core/core.h"

namespace cocoon::live {

class RecordingCore final : public core::Core {
 public:
  /// Said to every admitted peer at once.
  static constexpr std::string_view kGreeting = "greeting of the core";

  /// "connected", "bytes", "disconnected", "verified", "refused"; repetitions of "bytes" count
  /// once.
  std::vector<std::string> log;
  std::string bytes;
  std::vector<core::PeerId> peer_ids;
  std::vector<core::PeerIdentity> peers;
  std::vector<Error> losses;
  std::vector<core::EvidenceVerdict> verdicts;

  void dial(core::PeerId peer, std::string endpoint, wire::Role expect) {
    emit(core::Connect{peer, std::move(endpoint), expect});
  }
  void ask_verdict(Bytes shown, wire::Role expect, core::PeerId peer = 0) {
    emit(core::VerifyEvidence{next_call(), expect, std::move(shown), peer});
  }

  void on_connected(core::PeerId peer, core::PeerIdentity identity, Now) override {
    log.emplace_back("connected");
    peer_ids.push_back(peer);
    peers.push_back(std::move(identity));
    append(outputs_[peer], as_bytes(kGreeting));
    touch(peer);
  }
  void on_bytes(core::PeerId, ByteView received, Now) override {
    if (log.empty() || log.back() != "bytes") log.emplace_back("bytes");
    bytes += as_text(received);
  }
  void on_disconnected(core::PeerId peer, const Error& why, Now) override {
    log.emplace_back("disconnected");
    losses.push_back(why);
    outputs_.erase(peer);
  }
  void on_verified(core::CallId, core::EvidenceVerdict verdict, Now) override {
    log.emplace_back(verdict ? "verified" : "refused");
    verdicts.push_back(std::move(verdict));
  }
  void on_ledger(core::CallId, core::LedgerAnswer, Now) override {}
  void on_registry_stale(bool, Now) override {}
  void on_time(Now) override {}
  void end_turn(Now) override {}
  MonoTime next_deadline() const override { return kNever; }
  Bytes* output(core::PeerId peer) override {
    const auto at = outputs_.find(peer);
    return at == outputs_.end() ? nullptr : &at->second;
  }

 private:
  std::unordered_map<core::PeerId, Bytes> outputs_;
};

}  // namespace cocoon::live
