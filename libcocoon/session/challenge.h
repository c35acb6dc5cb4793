#pragma once
/// @file The challenge on one connection between proxy and worker, as one end sees it
/// (docs/protocol.md "Challenge"). Each end asks once and answers once. Pure.

#include <optional>

#include "attest/challenge.h"
#include "base/bytes.h"
#include "cocoon/result.h"
#include "wire/evidence_parts.h"
#include "wire/messages.h"

namespace cocoon::session {

/// What both ends of a connection know of it.
struct ChallengeSetting {
  attest::EvidenceRole own{};  ///< the role of this end; the other end has the other one
  ByteArray<32> exporter{};    ///< of the TLS connection
  Hash own_leaf{};             ///< SHA-256 of the certificate that this end showed
  Hash peer_leaf{};            ///< of the one that the peer showed
};

/// See the file comment. Errors are final: the connection is to be closed.
class Challenge {
 public:
  /// @param nonce drawn for this connection
  Challenge(const ChallengeSetting& setting, const ByteArray<32>& nonce);

  /// What to ask the peer, once the connection is open.
  wire::Challenge question() const { return {nonce_}; }

  // --- The peer's answer ---

  /// Its place in a batch; the parts of the quote follow.
  /// Errors: protocol/unexpected_answer (a second one), attestation/challenge_failed (it answers
  /// something else).
  Status on_answer(const wire::Answer& answer);
  /// A part of the quote: the whole quote where it is the last, and nothing before.
  /// Errors: protocol/unexpected_answer (no part is due), protocol/bad_evidence_part,
  /// attestation/challenge_failed (too large, none at all, or not the one that was announced).
  Result<std::optional<Bytes>> on_part(const wire::Evidence& part);
  /// What the quote has to be over (attest::check_answer). Zeros before on_answer().
  const ByteArray<64>& report_data() const { return report_data_; }
  /// The quote has been judged, and is good.
  void on_quote_accepted();

  // --- Our answer ---

  /// The peer's question. Errors: protocol/unexpected_challenge (a second one).
  Status on_challenge(const wire::Challenge& challenge);
  /// The leaf that is to be answered, once, when it is time: for a worker as soon as it was asked;
  /// for a proxy only when its worker's answer has been accepted, so that nobody gets a quote of a
  /// proxy, or a place in its batches, but who has shown a fresh one.
  std::optional<Hash> take_leaf();
  /// Our answer has been sent.
  void on_answered();

  /// Both ends have shown what they had to. A worker that has accepted a proxy's answer knows that
  /// the proxy has accepted its own, and sends nothing else before.
  bool complete() const { return theirs_ == Theirs::accepted && ours_ == Ours::sent; }

 private:
  /// awaited: nothing came. announced: the quote comes. judged: it is whole, and being judged.
  enum class Theirs : std::uint8_t { awaited, announced, judged, accepted };
  /// unasked: no question came. asked: it waits for its time. due: the leaf was taken.
  enum class Ours : std::uint8_t { unasked, asked, due, sent };

  attest::ChallengeFacts facts(attest::EvidenceRole answers, const ByteArray<32>& nonce) const;

  ChallengeSetting setting_;
  ByteArray<32> nonce_;
  Theirs theirs_ = Theirs::awaited;
  std::optional<wire::EvidenceAssembly> quote_;
  EvidenceDigest announced_;
  ByteArray<64> report_data_{};
  Ours ours_ = Ours::unasked;
  ByteArray<32> asked_{};
};

}  // namespace cocoon::session
