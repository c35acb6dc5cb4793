/// ClientCore: candidates, and the evidence that each of them must show before anything is sealed
/// for it.

#include <fmt/format.h>

#include <algorithm>

#include "billing/price.h"
#include "core/client_core.h"
#include "core/store_keys.h"

namespace cocoon::core {

namespace {

/// Answers in a row without a worker that this client trusts, until it gives up. Where one worker
/// in four is trusted, 99 questions in 100 find one.
constexpr std::uint32_t kMaxUntrustedSets = 8;

/// Its two leading digits: few of what requests can pay differ by more.
std::uint32_t price_point(std::uint32_t coefficient_e3) {
  std::uint32_t unit = 1;
  while (coefficient_e3 / unit >= 100) unit *= 10;
  return coefficient_e3 / unit * unit;
}

}  // namespace

/// Of the dearest worker that it can and may pay; 0: there can be none.
std::uint32_t ClientCore::highest_coefficient(const Request& request, const ProxyLink& proxy,
                                              Now now) const {
  const std::uint64_t choices = request.plan.choices;
  const std::uint32_t affordable = billing::affordable_coefficient(
      request.plan.prompt_bound_tokens * choices, request.plan.max_output_tokens * choices,
      request.max_cost, registry_for(proxy, now).prices);
  return std::min(affordable, options_.max_coefficient_e3);
}

/// The question whose answer may serve it: at its price, or a little below that, so that others
/// have the same; and where nobody is there, who is the cheapest.
ClientCore::SetKey ClientCore::set_key(const Request& request, std::uint32_t coefficient_e3) {
  if (request.nobody_within_price) return {request.plan.model, Preference::cheapest};
  return {request.plan.model, request.preference, price_point(coefficient_e3)};
}

/// Those of its workers that are not dearer.
std::vector<ClientCore::Worker> ClientCore::within(const CandidateSet& set,
                                                   std::uint32_t coefficient_e3) {
  std::vector<Worker> workers = set.workers;
  std::erase_if(workers, [&](const Worker& w) { return w.coefficient_e3 > coefficient_e3; });
  return workers;
}

/// The set, if it can be sealed for now; else it is asked for, and null.
ClientCore::CandidateSet* ClientCore::usable_set(ProxyLink& proxy, const SetKey& key, Now now) {
  CandidateSet& set = proxy.sets[key];
  if (set.state == SetState::ready) {
    const bool fresh = now.mono - set.since < limits::kCandidatesFresh;
    const bool valid = std::all_of(set.workers.begin(), set.workers.end(), [&](const Worker& w) {
      const auto at = evidence_.find(w.evidence);
      return at != evidence_.end() && at->second.state == EvidenceState::accepted &&
             at->second.verified->expires > now.unix && w.recipient.not_after > now.unix;
    });
    // Beside a refusal, workers are named whatever they ask.
    const bool telling =
        set.workers.empty() || std::any_of(set.workers.begin(), set.workers.end(), [&](auto& w) {
          return w.coefficient_e3 <= key.max_coefficient_e3;
        });
    if (fresh && valid && telling) return &set;
    set.state = SetState::none;
  }
  if (set.state == SetState::none) {
    set.untrusted = 0;
    ask_candidates(proxy, key, set, now);
  }
  return nullptr;
}

/// What all that waited were told; the next request asks again.
void ClientCore::forget_empty_sets() {
  for (ProxyLink& proxy : proxies_) {
    for (auto& [key, set] : proxy.sets) {
      if (set.state == SetState::ready && set.workers.empty()) set.state = SetState::none;
    }
  }
}

/// What was asked for the set.
wire::CandidatesRequest ClientCore::question(const SetKey& key, const CandidateSet& set) {
  wire::CandidatesRequest ask;
  ask.id = set.ask;
  ask.model = key.model;
  ask.seed = set.seed;
  ask.count = limits::kDefaultCandidates;
  ask.preferred = set.preferred;
  ask.max_coefficient_e3 = key.max_coefficient_e3;
  ask.preference = static_cast<wire::Preference>(key.preference);
  return ask;
}

void ClientCore::ask_candidates(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now) {
  set.state = SetState::asked;
  set.ask = ++last_ask_;
  set.seed = random_.array<16>();
  set.since = now.mono;
  const auto last = proxy.last_workers.find({key.model, key.preference});
  set.preferred =
      last == proxy.last_workers.end() ? std::nullopt : std::optional<AccountId>(last->second);
  proxy.link->connection.send(question(key, set));
  touch(proxy.peer);
}

void ClientCore::on_candidates(ProxyLink& proxy, const wire::Candidates& answer, Now now) {
  if (answer.id != 0) {
    for (auto& [key, set] : proxy.sets) {
      if (set.state != SetState::asked || answer.id != set.ask) continue;
      return take_candidates(proxy, key, set, answer, question(key, set), now);
    }
    return;  // superseded
  }
  wire::CandidatesRequest asked;
  asked.model = answer.model;
  asked.count = limits::kDefaultCandidates;
  // Unasked, beside a refusal: the seed is that of a request of ours that is still offered.
  for (const auto& [stream, id] : proxy.streams) {
    const auto request = requests_.find(id);
    if (request == requests_.end() || request->second->plan.model != answer.model) continue;
    if (!request->second->sealed) continue;
    asked.seed = routing::refusal_seed(request->second->sealed->hash());
    if (!routing::verify_candidates(answer, asked, identity_.network, proxy.link->identity.boot_key,
                                    now)) {
      continue;
    }
    const SetKey& key = request->second->set;
    return take_candidates(proxy, key, proxy.sets[key], answer, asked, now);
  }
}

void ClientCore::take_candidates(ProxyLink& proxy, const SetKey& key, CandidateSet& set,
                                 const wire::Candidates& answer,
                                 const wire::CandidatesRequest& asked, Now now) {
  auto verified = routing::verify_candidates(answer, asked, identity_.network,
                                             proxy.link->identity.boot_key, now);
  if (!verified) {
    // Every error here means that the proxy lied about its directory.
    return fail_proxy(proxy, std::move(verified).error().within("the proxy's candidates"), now);
  }
  proxy.failures.proved();
  set.workers.clear();
  set.problem.reset();
  set.since = now.mono;
  set.retry_after_ms = answer.retry_after_ms;
  set.state = SetState::checking;
  for (const routing::VerifiedCandidate& candidate : *verified) {
    const wire::WorkerRecord& record = candidate.record;
    set.workers.push_back({record.account,
                           record.boot_key,
                           record.evidence,
                           {record.sealing_key, record.not_after},
                           record.coefficient_e3});
    need_evidence(proxy, record.evidence, now);
  }
  check_set(proxy, key, set, now);
}

// --- Evidence ---

bool ClientCore::has_expired(const EvidenceEntry& entry, Now now) {
  return entry.state == EvidenceState::accepted && entry.verified->expires <= now.unix;
}

/// Whether one more fits in: what is of no use goes first, then what was needed last the longest
/// ago, and never what is being fetched or verified.
bool ClientCore::make_room(Now now) {
  if (evidence_.size() < limits::kMaxKnownEvidence) return true;
  auto oldest = evidence_.end();
  for (auto at = evidence_.begin(); at != evidence_.end(); ++at) {
    const EvidenceEntry& entry = at->second;
    if (entry.state == EvidenceState::refused || has_expired(entry, now)) {
      oldest = at;
      break;
    }
    if (entry.state != EvidenceState::accepted) continue;
    if (oldest == evidence_.end() || entry.since < oldest->second.since) oldest = at;
  }
  if (oldest == evidence_.end()) return false;
  evidence_.erase(oldest);
  return true;
}

void ClientCore::need_evidence(ProxyLink& proxy, const EvidenceDigest& digest, Now now) {
  const auto at = evidence_.find(digest);
  if (at != evidence_.end()) {
    EvidenceEntry& entry = at->second;
    const bool forgotten = entry.state == EvidenceState::refused &&
                           now.mono - entry.since > limits::kRefusalRemembered;
    if (!forgotten && !has_expired(entry, now)) {
      if (entry.state == EvidenceState::accepted) entry.since = now.mono;
      return;
    }
    evidence_.erase(at);
  }
  if (!make_room(now)) return;  // its worker is left out of this set
  EvidenceEntry entry;
  entry.from = proxy.peer;
  entry.assembly.emplace(digest);
  entry.since = now.mono;
  evidence_.emplace(digest, std::move(entry));
  proxy.link->connection.send(wire::EvidenceRequest{digest});
  touch(proxy.peer);
}

void ClientCore::on_evidence(ProxyLink& proxy, const wire::Evidence& part, Now now) {
  const auto at = evidence_.find(part.digest);
  if (at == evidence_.end() || at->second.state != EvidenceState::fetching ||
      at->second.from != proxy.peer) {
    return;
  }
  EvidenceEntry& entry = at->second;
  auto whole = entry.assembly->add(part);
  if (!whole) return fail_proxy(proxy, whole.error(), now);
  if (!*whole) return;
  entry.assembly.reset();
  if ((*whole)->empty()) {
    return refuse_evidence(entry, "the proxy does not have the worker's evidence", now);
  }
  entry.state = EvidenceState::verifying;
  const CallId call = entry.call = next_call();
  verifications_.emplace(call, part.digest);
  emit(VerifyEvidence{call, wire::Role::worker, std::move(**whole), 0});
}

void ClientCore::refuse_evidence(EvidenceEntry& entry, std::string why, Now now) {
  entry.state = EvidenceState::refused;
  entry.since = now.mono;
  entry.refusal = std::move(why);
  check_sets(now);
}

void ClientCore::on_verified(CallId call, EvidenceVerdict verdict, Now now) {
  const auto asked = verifications_.find(call);
  if (asked == verifications_.end()) return;
  const EvidenceDigest digest = asked->second;
  verifications_.erase(asked);
  if (on_reviewed(call, digest, verdict, now)) return;
  const auto at = evidence_.find(digest);
  if (at == evidence_.end() || at->second.state != EvidenceState::verifying) return;
  EvidenceEntry& entry = at->second;
  // It was asked for before the registry changed, and says nothing by the rules of now.
  if (entry.call != call) return;
  if (!verdict) {
    report(LogLevel::warning, "a worker's evidence was refused: " + verdict.error().detail());
    return refuse_evidence(entry, verdict.error().detail(), now);
  }
  if ((*verdict)->digest != digest) {
    return refuse_evidence(entry, "the proxy gave other evidence than it announced", now);
  }
  entry.state = EvidenceState::accepted;
  entry.since = now.mono;
  entry.verified = std::move(*verdict);
  check_sets(now);
}

/// Whether the verified evidence is that of the worker whose record names it.
Status ClientCore::judge(const Worker& worker, const EvidenceEntry& entry, Now now) const {
  if (entry.state == EvidenceState::refused) {
    return Error(ErrorKind::attestation, "worker_refused", entry.refusal);
  }
  const VerifiedEvidence& evidence = *entry.verified;
  if (evidence.role != wire::Role::worker || evidence.account != worker.account ||
      evidence.boot_key != worker.boot_key || evidence.network != identity_.network) {
    return Error(ErrorKind::attestation, "evidence_mismatch",
                 "a worker's record names evidence that is not its own");
  }
  if (evidence.expires <= now.unix) {
    return Error(ErrorKind::attestation, "evidence_expired", "a worker's evidence has expired");
  }
  return ok();
}

void ClientCore::check_sets(Now now) {
  for (auto& [digest, entry] : evidence_) {
    if (entry.state != EvidenceState::fetching ||
        now.mono - entry.since <= limits::kCandidatesDeadline) {
      continue;
    }
    entry.state = EvidenceState::refused;
    entry.since = now.mono;
    entry.refusal = "the proxy did not send the worker's evidence in time";
  }
  for (ProxyLink& proxy : proxies_) {
    for (auto& [key, set] : proxy.sets) {
      if (set.state == SetState::checking) check_set(proxy, key, set, now);
      if (set.state == SetState::asked && now.mono - set.since > limits::kCandidatesDeadline) {
        give_up(proxy, set);
      }
    }
    std::erase_if(proxy.sets, [&](const auto& entry) {
      const CandidateSet& set = entry.second;
      const bool settled = set.state == SetState::ready || set.state == SetState::none;
      return settled && now.mono - set.since >= limits::kCandidatesFresh;
    });
  }
}

/// A proxy that answers pings but not questions must not keep requests from the next one.
void ClientCore::give_up(const ProxyLink& proxy, CandidateSet& set) {
  set.workers.clear();
  set.problem.emplace(
      ErrorKind::unavailable, "proxy_silent",
      fmt::format("proxy {} did not say within {} s who serves the model: try again, "
                  "or use another proxy",
                  proxy.endpoint, limits::kCandidatesDeadline.count()));
  set.retry_after_ms = static_cast<std::uint32_t>(Millis(limits::kRetryAfterNoProxy).count());
  set.state = SetState::ready;
  advance_ = true;
}

/// A proxy does not know whom this client trusts. Where it trusts none of those that were named, it
/// asks for others, by a fresh seed; within bounds, since there may be none, and not where nobody's
/// evidence came in time.
bool ClientCore::asks_on(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now) {
  const bool in_time = now.mono - set.since < limits::kCandidatesDeadline;
  const bool more = ++set.untrusted < kMaxUntrustedSets && in_time;
  if (!more || proxy.state != ProxyState::ready) return false;
  ask_candidates(proxy, key, set, now);
  return true;
}

void ClientCore::check_set(ProxyLink& proxy, const SetKey& key, CandidateSet& set, Now now) {
  std::vector<Worker> usable;
  bool untrusted = false;
  for (const Worker& worker : set.workers) {
    const auto at = evidence_.find(worker.evidence);
    if (at == evidence_.end()) {  // no room: it is asked for with the next set
      set.problem.emplace(ErrorKind::busy, "evidence_table_full",
                          "this client is fetching as much evidence as it holds: try again");
      continue;
    }
    const EvidenceState state = at->second.state;
    if (state == EvidenceState::fetching || state == EvidenceState::verifying) return;
    if (auto status = judge(worker, at->second, now); !status) {
      set.problem.emplace(ErrorKind::attestation, "no_trusted_worker",
                          "no worker of that model has acceptable evidence: " +
                              std::string(status.error().detail()));
      untrusted = true;
      continue;
    }
    usable.push_back(worker);
    usable.back().verified = at->second.verified;
  }
  if (usable.empty() && untrusted && asks_on(proxy, key, set, now)) return;
  if (!usable.empty()) set.untrusted = 0;
  set.workers = std::move(usable);
  set.state = SetState::ready;
  advance_ = true;
}

}  // namespace cocoon::core
