/// ClientCore: what is under way when the registry changes. Who has a request, or may get it, is
/// judged again by the rules of now. What is with a worker that does not pass ends here, whatever
/// the proxy does about it.

#include <fmt/format.h>

#include <algorithm>

#include "core/client_core.h"

namespace cocoon::core {
namespace {

/// Looked at every kLivenessInterval: so it is all over within kEvidenceReview.
constexpr Seconds kVerdictWithin = limits::kEvidenceReview - limits::kLivenessInterval;

}  // namespace

/// The worker that answers the request; until one has accepted it, those that may.
std::span<ClientCore::Worker> ClientCore::holders(Request& request) {
  if (request.state == RequestState::waiting) return {};
  const std::span<Worker> sealed_for = request.candidates;
  if (request.state == RequestState::offered) return sealed_for;
  return sealed_for.subspan(request.candidate, 1);
}

void ClientCore::begin_reviews(Now now) {
  reviews_.clear();  // by the rules of before
  for (const auto& [id, request] : requests_) {
    for (const Worker& worker : holders(*request)) {
      const auto [at, added] = reviews_.try_emplace(worker.evidence);
      if (!added) continue;
      at->second = {worker.verified, 0, now.mono + kVerdictWithin, "no verdict has come"};
      ask_verdict(worker.evidence, at->second);
    }
  }
}

void ClientCore::ask_verdict(const EvidenceDigest& digest, Review& review) {
  review.call = next_call();
  verifications_.emplace(review.call, digest);
  Bytes shown = review.shown->certificate;
  append(shown, review.shown->gpu_evidence);
  emit(VerifyEvidence{review.call, wire::Role::worker, std::move(shown), 0});
}

/// @return whether it is the answer to a review's question
bool ClientCore::on_reviewed(CallId call, const EvidenceDigest& digest,
                             const EvidenceVerdict& verdict, Now now) {
  const auto at = reviews_.find(digest);
  if (at == reviews_.end() || at->second.call != call) return false;
  if (!verdict && verdict.error().kind() != ErrorKind::attestation) {
    at->second.call = 0;  // a queue is full, or collateral is on its way
    at->second.obstacle = verdict.error().detail();
    return true;
  }
  reviews_.erase(at);
  if (!verdict) refuse_worker(digest, verdict.error().detail(), now);
  return true;
}

void ClientCore::continue_reviews(Now now) {
  std::vector<std::pair<EvidenceDigest, std::string>> overdue;
  for (auto& [digest, review] : reviews_) {
    if (review.until <= now.mono) {
      overdue.emplace_back(digest, "it could not be judged in time: " + review.obstacle);
    } else if (review.call == 0) {
      ask_verdict(digest, review);
    }
  }
  for (const auto& [digest, why] : overdue) {
    reviews_.erase(digest);
    refuse_worker(digest, why, now);
  }
}

/// Ends what that worker answers, and what was sealed for none but such; of the rest, it is no
/// longer one that may accept.
void ClientCore::refuse_worker(const EvidenceDigest& digest, const std::string& why, Now now) {
  const Error refusal(
      ErrorKind::attestation, "worker_refused",
      fmt::format("by version {} of the registry, which has come since, the evidence of the worker "
                  "that has this request is not accepted: {}",
                  registry_.current()->version, why));
  report(LogLevel::warning, "a worker that had requests is not accepted any more: " + why);
  std::vector<ClientRequestId> ending;
  for (const auto& [id, request] : requests_) {
    const auto workers = holders(*request);
    const auto it = std::find_if(workers.begin(), workers.end(),
                                 [&](const Worker& w) { return w.evidence == digest; });
    if (it == workers.end()) continue;
    it->refusal = refusal;
    if (std::all_of(workers.begin(), workers.end(),
                    [](const Worker& w) { return w.refusal.has_value(); })) {
      ending.push_back(id);
    }
  }
  for (const ClientRequestId id : ending) break_off(*requests_.at(id), refusal, now);
}

}  // namespace cocoon::core
