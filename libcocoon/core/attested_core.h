#pragma once
/// @file What proxies and workers do alike with each other: each challenges the other on every
/// connection, answers the other's challenge, and lets nothing else happen there before both are
/// done (docs/protocol.md "Challenge").

#include <unordered_map>

#include "base/random.h"
#include "core/core.h"
#include "core/link.h"
#include "session/answer_batch.h"

namespace cocoon::core {

/// A core whose node has evidence. While a link is being challenged, its `challenge` is there.
class AttestedCore : public Core {
 public:
  void on_quote(CallId call, Result<Bytes> quote, Now now) final;
  void on_answer_verified(CallId call, const Status& verdict, Now now) final;

 protected:
  /// @param own the role of this node: proxy or worker
  explicit AttestedCore(wire::Role own) : own_(own) {}

  /// The connection is open: asks the peer. @pre the peer has evidence
  void begin_challenge(Link& link, Random& random, Now now);
  /// What came while `link` is being challenged. Anything that is not part of it ends the
  /// connection. The link may be gone afterwards.
  void on_challenge_message(Link& link, const wire::Message& message, Now now);
  /// What may not come yet has come.
  void refuse_early(Link& link, Now now);
  /// Ends a connection whose challenge takes too long. The link may be gone afterwards.
  void check_challenge(Link& link, Now now);
  /// The connection is gone, or is to go.
  void end_challenge(Link& link);
  /// Once a turn: has a quote made for all peers that wait, unless one is being made.
  void begin_batch();

  // --- The role's part ---

  /// The connection of that peer, while it lasts; else null.
  virtual Link* challenged_link(PeerId peer) = 0;
  /// Both ends have answered: the connection is as good as its evidence.
  virtual void on_challenge_complete(PeerId peer, Now now) = 0;
  /// To be closed, and the peer to be told why.
  virtual void on_challenge_failed(PeerId peer, const Error& error, Now now) = 0;

 private:
  Status take(Link& link, const wire::Message& message);
  void answer_when_due(Link& link);
  void complete_if_done(Link& link, Now now);
  void fail(Link& link, const Error& error, Now now);

  wire::Role own_;
  session::AnswerBatch batch_;
  CallId quote_call_ = 0;  ///< of the quote that is being made; 0: none is
  std::unordered_map<CallId, PeerId> verifications_;
};

}  // namespace cocoon::core
