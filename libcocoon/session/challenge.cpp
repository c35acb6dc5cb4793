#include "session/challenge.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cocoon::session {
namespace {

using attest::EvidenceRole;

EvidenceRole other(EvidenceRole role) {
  return role == EvidenceRole::proxy ? EvidenceRole::worker : EvidenceRole::proxy;
}

Error failed(std::string detail) {
  return Error(ErrorKind::attestation, "challenge_failed", std::move(detail));
}

}  // namespace

Challenge::Challenge(const ChallengeSetting& setting, const ByteArray<32>& nonce)
    : setting_(setting), nonce_(nonce) {}

attest::ChallengeFacts Challenge::facts(EvidenceRole answers, const ByteArray<32>& nonce) const {
  const bool proxy = setting_.own == EvidenceRole::proxy;
  return {answers, nonce, setting_.exporter, proxy ? setting_.own_leaf : setting_.peer_leaf,
          proxy ? setting_.peer_leaf : setting_.own_leaf};
}

Status Challenge::on_answer(const wire::Answer& answer) {
  if (theirs_ != Theirs::awaited) {
    return Error(ErrorKind::protocol, "unexpected_answer", "a second answer to one challenge came");
  }
  const Hash leaf = attest::challenge_leaf(facts(other(setting_.own), nonce_));
  if (!crypto::verify_merkle_path(leaf, answer.inclusion.index, answer.leaves,
                                  answer.inclusion.path, answer.root)) {
    return failed(
        "the answer is not to this challenge on this connection: it was made for another one, or "
        "somebody stands between");
  }
  report_data_ = attest::challenge_report_data(answer.root, answer.leaves);
  announced_ = answer.quote;
  quote_.emplace(answer.quote);
  theirs_ = Theirs::announced;
  return ok();
}

Result<std::optional<Bytes>> Challenge::on_part(const wire::Evidence& part) {
  if (theirs_ != Theirs::announced) {
    return Error(ErrorKind::protocol, "unexpected_answer",
                 "a part of a quote came that no answer has announced");
  }
  if (part.total > limits::kMaxEvidenceBytes) {
    return failed(fmt::format("the quote of the answer has {} bytes; at most {} are read",
                              part.total, limits::kMaxEvidenceBytes));
  }
  COCOON_TRY(std::optional<Bytes> quote, quote_->add(part));
  if (!quote) return quote;
  quote_.reset();
  if (crypto::sha256(*quote) != announced_.bytes) {
    return failed("the quote is not the one that the answer has announced");
  }
  theirs_ = Theirs::judged;
  return quote;
}

void Challenge::on_quote_accepted() {
  if (theirs_ == Theirs::judged) theirs_ = Theirs::accepted;
}

Status Challenge::on_challenge(const wire::Challenge& challenge) {
  if (ours_ != Ours::unasked) {
    return Error(ErrorKind::protocol, "unexpected_challenge",
                 "a second challenge on one connection came");
  }
  asked_ = challenge.nonce;
  ours_ = Ours::asked;
  return ok();
}

std::optional<Hash> Challenge::take_leaf() {
  const bool time = setting_.own == EvidenceRole::worker || theirs_ == Theirs::accepted;
  if (ours_ != Ours::asked || !time) return std::nullopt;
  ours_ = Ours::due;
  return attest::challenge_leaf(facts(setting_.own, asked_));
}

void Challenge::on_answered() {
  if (ours_ == Ours::due) ours_ = Ours::sent;
}

}  // namespace cocoon::session
