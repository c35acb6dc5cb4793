#pragma once
/// @file The challenge between proxy and worker, as values (docs/protocol.md "Challenge"): what an
/// answer is about, how one quote answers many, and what makes a quote an answer. Pure.

#include "attest/evidence.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// What one answer is about. Both ends of a connection know all of it, and no two answers are about
/// the same.
struct ChallengeFacts {
  /// The direction: whose quote it is. Without it a question could be answered with what the
  /// asker itself has answered (reflection).
  EvidenceRole answers{};
  ByteArray<32> nonce{};     ///< drawn by who asks: freshness
  ByteArray<32> exporter{};  ///< of the TLS connection: no answer of another one (relay)
  /// SHA-256 of the certificates that were shown on it: whose node speaks to whose (diversion).
  Hash proxy_leaf{};
  Hash worker_leaf{};
};

/// The hash of a leaf (crypto::merkle_leaf) of a batch's tree.
Hash challenge_leaf(const ChallengeFacts& facts);

/// The report_data of the quote that answers `leaves` challenges, in a tree with this root. Its
/// second half is a text, where evidence in certificates has zeros: neither passes for the other.
ByteArray<64> challenge_report_data(const Hash& root, std::uint32_t leaves);

/// Whether `answer` is a quote over `report_data` of the guest that `shown`, the quote of a
/// certificate, is of: the same measurements and attributes. Those of RTMR3 too, so who extends it
/// makes a new certificate. That the quote is genuine is for verify_quote() and evaluate() to find.
/// Errors: attestation/quote_format, attestation/answer_not_bound, attestation/answer_mismatch.
Status check_answer(ByteView answer, const ByteArray<64>& report_data, ByteView shown);

}  // namespace cocoon::attest
