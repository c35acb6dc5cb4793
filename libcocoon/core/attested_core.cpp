#include "core/attested_core.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "wire/evidence_parts.h"

namespace cocoon::core {

void AttestedCore::begin_challenge(Link& link, Random& random, Now now) {
  session::ChallengeSetting setting;
  setting.own =
      own_ == wire::Role::proxy ? attest::EvidenceRole::proxy : attest::EvidenceRole::worker;
  setting.exporter = link.identity.exporter;
  setting.own_leaf = link.identity.own_leaf_sha256;
  setting.peer_leaf = link.identity.leaf_sha256;
  link.challenge.emplace(setting, random.array<32>());
  link.challenge_until = now.mono + limits::kChallengeDeadline;
  link.connection.send(link.challenge->question());
  touch(link.peer);
}

void AttestedCore::on_challenge_message(Link& link, const wire::Message& message, Now now) {
  if (!link.challenge) return;
  if (auto status = take(link, message); !status) return fail(link, status.error(), now);
  answer_when_due(link);
}

Status AttestedCore::take(Link& link, const wire::Message& message) {
  if (const auto* question = std::get_if<wire::Challenge>(&message)) {
    return link.challenge->on_challenge(*question);
  }
  if (const auto* answer = std::get_if<wire::Answer>(&message)) {
    return link.challenge->on_answer(*answer);
  }
  if (const auto* part = std::get_if<wire::Evidence>(&message)) {
    COCOON_TRY(std::optional<Bytes> quote, link.challenge->on_part(*part));
    if (!quote) return ok();
    const CallId call = next_call();
    verifications_.emplace(call, link.peer);
    emit(VerifyAnswer{call, link.identity.evidence, std::move(*quote),
                      link.challenge->report_data()});
    return ok();
  }
  return Error(ErrorKind::protocol, "challenge_expected",
               "until both ends have answered each other's challenge, nothing else may be sent");
}

void AttestedCore::refuse_early(Link& link, Now now) {
  fail(link,
       Error(ErrorKind::protocol, "challenge_expected",
             "until both ends have answered each other's challenge, no stream may be opened"),
       now);
}

void AttestedCore::answer_when_due(Link& link) {
  if (const auto leaf = link.challenge->take_leaf()) batch_.add(link.peer, *leaf);
}

void AttestedCore::on_answer_verified(CallId call, const Status& verdict, Now now) {
  const auto at = verifications_.find(call);
  if (at == verifications_.end()) return;
  Link* link = challenged_link(at->second);
  verifications_.erase(at);
  if (link == nullptr || !link->challenge) return;
  if (!verdict) {
    const Error& why = verdict.error();
    return fail(*link,
                Error(why.kind(), "challenge_failed",
                      fmt::format("the answer to the challenge was not accepted: {} ({})",
                                  why.detail(), why.code())),
                now);
  }
  link->challenge->on_quote_accepted();
  answer_when_due(*link);
  complete_if_done(*link, now);
}

void AttestedCore::begin_batch() {
  const auto report_data = batch_.begin();
  if (!report_data) return;
  quote_call_ = next_call();
  emit(MakeQuote{quote_call_, *report_data});
}

void AttestedCore::on_quote(CallId call, Result<Bytes> quote, Now now) {
  if (call != quote_call_ || call == 0) return;
  quote_call_ = 0;
  if (quote && quote->size() > limits::kMaxEvidenceBytes) {
    quote = Error(ErrorKind::too_large, "quote_too_large",
                  fmt::format("this machine's quote has {} bytes; peers read at most {}",
                              quote->size(), limits::kMaxEvidenceBytes));
  }
  if (!quote) {
    report(LogLevel::error, fmt::format("cannot answer challenges: {} ({})", quote.error().detail(),
                                        quote.error().code()));
    // Not the reason: it tells of this machine.
    const Error why(ErrorKind::unavailable, "cannot_answer",
                    "this node's machine gave it no quote to answer the challenge with");
    for (const PeerId peer : batch_.give_up()) {
      Link* link = challenged_link(peer);
      if (link != nullptr && link->challenge) fail(*link, why, now);
    }
    return;
  }
  for (const auto& [peer, answer] : batch_.finish(*quote)) {
    Link* link = challenged_link(peer);
    if (link == nullptr || !link->challenge) continue;
    link->connection.send(answer);
    for (const wire::Evidence& part : wire::split_evidence(answer.quote, *quote)) {
      link->connection.send(part);
    }
    touch(peer);
    link->challenge->on_answered();
    complete_if_done(*link, now);
  }
}

void AttestedCore::complete_if_done(Link& link, Now now) {
  if (!link.challenge->complete()) return;
  const PeerId peer = link.peer;
  link.challenge.reset();
  on_challenge_complete(peer, now);
}

void AttestedCore::check_challenge(Link& link, Now now) {
  if (!link.challenge || now.mono < link.challenge_until) return;
  fail(link,
       Error(ErrorKind::unavailable, "challenge_timeout",
             fmt::format("the challenges of proxy and worker were not answered within {} s; a "
                         "machine that makes no quotes, or a peer of an older version",
                         limits::kChallengeDeadline.count())),
       now);
}

void AttestedCore::end_challenge(Link& link) {
  if (!link.challenge) return;
  link.challenge.reset();
  batch_.forget(link.peer);
}

void AttestedCore::fail(Link& link, const Error& error, Now now) {
  const PeerId peer = link.peer;
  end_challenge(link);
  on_challenge_failed(peer, error, now);
}

}  // namespace cocoon::core
