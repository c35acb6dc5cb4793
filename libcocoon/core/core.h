#pragma once
/// @file The shape that the three role cores share, so that one owner (node/, or a simulation) can
/// drive any of them.

#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/effects.h"

namespace cocoon::core {

using LedgerAnswer = Result<ports::LedgerReply>;

/// A role without I/O. Calls come from one thread; none re-enters. After any batch of calls the
/// owner calls end_turn(), then carries out take_effects() and sends output() of take_writable().
class Core {
 public:
  virtual ~Core() = default;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// A connection passed its handshake and its peer's evidence, where it has any, was accepted.
  virtual void on_connected(PeerId peer, PeerIdentity identity, Now now) = 0;
  /// Plaintext from `peer`. Bytes of an unknown peer are ignored.
  virtual void on_bytes(PeerId peer, ByteView bytes, Now now) = 0;
  /// The connection is gone, or never came to be; `why` is for the log and for retries.
  virtual void on_disconnected(PeerId peer, const Error& why, Now now) = 0;
  /// Answer to VerifyEvidence.
  virtual void on_verified(CallId call, EvidenceVerdict verdict, Now now) = 0;
  /// Answer to MakeQuote. Clients have no evidence, and ask for none.
  virtual void on_quote(CallId, Result<Bytes>, Now) {}
  /// Answer to VerifyAnswer; likewise.
  virtual void on_answer_verified(CallId, const Status&, Now) {}
  /// Answer to CallLedger.
  virtual void on_ledger(CallId call, LedgerAnswer answer, Now now) = 0;
  /// Answer to a WriteStore that asks for one: it is on disk, or the node is to end.
  virtual void on_stored(CallId, Now) {}
  /// Whether the registry in use has become too old to begin anything under it; what runs goes on.
  virtual void on_registry_stale(bool stale, Now now) = 0;
  /// Time has reached next_deadline() (or later).
  virtual void on_time(Now now) = 0;
  /// The end of a batch of inputs: signs and flushes what is done once per turn.
  virtual void end_turn(Now now) = 0;
  /// When on_time() is wanted next; kNever: not at all.
  virtual MonoTime next_deadline() const = 0;
  /// Bytes to send to `peer`, to be taken whole; null for an unknown peer.
  virtual Bytes* output(PeerId peer) = 0;

  std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }
  /// Peers whose output() has grown since the last call.
  std::vector<PeerId> take_writable() {
    std::vector<PeerId> peers(writable_.begin(), writable_.end());
    writable_.clear();
    return peers;
  }

 protected:
  Core() = default;

  void emit(Effect effect) { effects_.push_back(std::move(effect)); }
  void report(LogLevel level, std::string message) { emit(Report{level, std::move(message)}); }
  void touch(PeerId peer) { writable_.insert(peer); }

  CallId next_call() { return ++last_call_; }

 private:
  std::vector<Effect> effects_;
  std::unordered_set<PeerId> writable_;
  CallId last_call_ = 0;
};

}  // namespace cocoon::core
