#pragma once
/// @file What a core asks of the world. A core never blocks and does no I/O: it emits these values,
/// its owner (node/, or a simulation) carries them out and answers with the matching on_… call.
///
/// Shape of every core (ClientCore, ProxyCore, WorkerCore):
///   in:  on_connected, on_bytes, on_disconnected, on_verified, on_quote, on_answer_verified,
///   on_ledger, on_time, and the role's own out: take_effects(), take_writable() + output(peer),
///   next_deadline(), and the role's events end_turn(now): once after a batch of inputs; signs what
///   is signed once per turn.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/log.h"
#include "cocoon/result.h"
#include "ports/engine.h"
#include "ports/evidence.h"
#include "ports/ledger.h"
#include "ports/store.h"
#include "wire/messages.h"

namespace cocoon::core {

/// One transport connection; chosen by the owner for accepted ones, by the core for its own.
using PeerId = std::uint64_t;
/// Matches the answer of a port to its question.
using CallId = std::uint64_t;

using ports::EvidenceVerdict;
using ports::VerifiedEvidence;

/// Who is at the other end of an admitted connection.
struct PeerIdentity {
  BootKeyId boot_key;                                ///< proved by the TLS handshake
  Hash leaf_sha256{};                                ///< of the certificate it showed
  Hash own_leaf_sha256{};                            ///< of the certificate that we showed
  ByteArray<32> exporter{};                          ///< of this TLS connection
  std::shared_ptr<const VerifiedEvidence> evidence;  ///< null for clients
};

/// Open a connection to "host:port" as `peer`, and accept only a node of role `expect` there.
struct Connect {
  PeerId peer = 0;
  std::string endpoint;
  wire::Role expect{};
};
/// Send what output(peer) still holds, then close.
struct Disconnect {
  PeerId peer = 0;
};
/// Check all that a node shows: its leaf certificate, and behind it the evidence of its GPUs;
/// answered by on_verified.
struct VerifyEvidence {
  CallId call = 0;
  wire::Role expect{};
  Bytes shown;
  /// Whose it is: an accepted verdict takes the place of the one on the certificate that this
  /// connection showed, and is looked at again while it lasts. 0: a node that is not connected.
  PeerId peer = 0;
};
/// Make a quote over `report_data`, to answer challenges with; answered by on_quote. A core asks
/// for one at a time.
struct MakeQuote {
  CallId call = 0;
  ByteArray<64> report_data{};
};
/// Check the quote of an answer to a challenge: over `report_data`, good enough for the policy of
/// the peer's role, and of the guest that its certificate is of; answered by on_answer_verified.
struct VerifyAnswer {
  CallId call = 0;
  std::shared_ptr<const VerifiedEvidence> peer;
  Bytes quote;
  ByteArray<64> report_data{};
};
/// Ask the ledger; answered by on_ledger.
struct CallLedger {
  CallId call = 0;
  ports::LedgerRequest request;
};
/// Write behind: a failed write stops the node (it logs why). Where `call` is not 0, on_stored
/// follows: it is on disk, or has failed.
struct WriteStore {
  ports::StoreBatch batch;
  CallId call = 0;
};
/// Worker: give a request to the engine; answered by on_engine_… with the same run.
struct StartEngine {
  ports::EngineRequest request;
};
struct CancelEngine {
  std::uint64_t run = 0;
};
/// Stop or go on reading the engine's answer.
struct PauseEngine {
  std::uint64_t run = 0;
  bool paused = false;
};
/// Report to the log; `detail` is never secret.
struct Report {
  LogLevel level{};
  std::string message;
};

using Effect = std::variant<Connect, Disconnect, VerifyEvidence, MakeQuote, VerifyAnswer,
                            CallLedger, WriteStore, StartEngine, CancelEngine, PauseEngine, Report>;

}  // namespace cocoon::core
