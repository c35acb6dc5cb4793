#include "routing/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/siphash.h"
#include "wire/records.h"

namespace cocoon::routing {
namespace {

constexpr std::string_view kDomain("cocoon-rendezvous-v1\0", 21);
/// Two machines' logarithms may differ in the last place.
constexpr double kRounding = 1 + 1e-9;

Error untrusted(std::string_view code, std::string detail) {
  return Error(ErrorKind::attestation, code, std::move(detail));
}
Error broken(std::string_view code, std::string detail) {
  return Error(ErrorKind::protocol, code, std::move(detail));
}

Status check_root(const wire::Candidates& answer, const NetworkId& network, const BootKeyId& proxy,
                  Now now) {
  const Bytes message =
      wire::directory_root_signing_bytes(network, answer.root, answer.leaves, answer.root_time);
  if (!crypto::verify(proxy.view(), message, answer.root_signature)) {
    return untrusted("bad_directory_root",
                     "the directory root is not signed by the proxy for this network");
  }
  if (answer.root_time > now.unix + limits::kClockSkew ||
      answer.root_time + limits::kMaxDirectoryAge < now.unix) {
    return untrusted("stale_directory_root",
                     fmt::format("the directory root was signed at {} (Unix seconds), and it is {} "
                                 "here; at most {} s are accepted. One of the two clocks is wrong",
                                 to_unix_seconds(answer.root_time), to_unix_seconds(now.unix),
                                 limits::kMaxDirectoryAge.count()));
  }
  return ok();
}

/// Proof, signature and dates: that the worker said this, and that the directory holds it.
Result<wire::WorkerRecord> check_record(const wire::Candidate& candidate,
                                        const wire::Candidates& answer, Now now) {
  const Hash leaf = crypto::merkle_leaf(wire::directory_leaf(candidate.record));
  if (!crypto::verify_merkle_path(leaf, candidate.inclusion.index, answer.leaves,
                                  candidate.inclusion.path, answer.root)) {
    return untrusted("bad_inclusion_proof",
                     fmt::format("the proof for leaf {} of {} does not lead to the directory root",
                                 candidate.inclusion.index, answer.leaves));
  }
  COCOON_TRY(wire::WorkerRecord record, wire::decode_worker_record(candidate.record.record));
  if (!crypto::verify(record.boot_key.view(),
                      wire::worker_record_signing_bytes(candidate.record.record),
                      candidate.record.signature)) {
    return untrusted("bad_record_signature",
                     "a worker record is not signed by the boot key that it names");
  }
  if (record.not_after <= now.unix || record.not_before > now.unix + limits::kClockSkew) {
    return untrusted("worker_record_expired",
                     fmt::format("a worker record is valid from {} to {} (Unix seconds), and it is "
                                 "{} here",
                                 to_unix_seconds(record.not_before),
                                 to_unix_seconds(record.not_after), to_unix_seconds(now.unix)));
  }
  return record;
}

Status check_eligible(const wire::WorkerRecord& record, const wire::CandidatesRequest& asked,
                      const NetworkId& network) {
  if (record.network != network) {
    return untrusted("candidate_not_eligible", "a candidate belongs to another network");
  }
  if (std::find(record.models.begin(), record.models.end(), asked.model) == record.models.end()) {
    return untrusted("candidate_not_eligible", "a candidate does not serve the model asked for");
  }
  if (asked.max_coefficient_e3 != 0 && record.coefficient_e3 > asked.max_coefficient_e3) {
    return untrusted("candidate_not_eligible",
                     fmt::format("a candidate asks {}/1000 of the price, and {}/1000 was the cap",
                                 record.coefficient_e3, asked.max_coefficient_e3));
  }
  return ok();
}

/// Whether some weights within the permitted ratio give this order. The preferred worker may stand
/// first whatever its score.
Status check_order(const std::vector<VerifiedCandidate>& workers, const Hash& root,
                   const wire::CandidatesRequest& asked) {
  const Rendezvous rendezvous(asked.seed, root);
  double highest_cost = 0;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const AccountId& account = workers[i].record.account;
    if (i == 0 && asked.preferred == account) continue;
    const double cost = rendezvous.cost(account);
    if (highest_cost > cost * limits::kMaxWeightRatio * kRounding) {
      return broken("candidates_out_of_order",
                    fmt::format("candidate {} stands behind one that the seed cannot have put "
                                "before it; the proxy is steering",
                                i));
    }
    highest_cost = std::max(highest_cost, cost);
  }
  return ok();
}

bool holds(const std::vector<VerifiedCandidate>& workers, const wire::WorkerRecord& record) {
  return std::any_of(workers.begin(), workers.end(), [&](const VerifiedCandidate& other) {
    return other.record.account == record.account || other.record.sealing_key == record.sealing_key;
  });
}

}  // namespace

ByteArray<16> refusal_seed(const RequestHash& request) {
  return *to_array<16>(request.view().first(16));
}

Rendezvous::Rendezvous(const ByteArray<16>& seed, const Hash& root) {
  const Hash key = crypto::sha256({as_bytes(kDomain), seed, root});
  ByteReader in(key);
  key_ = in.array<16>();
  draw_ = in.u64be();
}

double Rendezvous::cost(const AccountId& account) const {
  // 53 bits, and a half so that u is never 0 or 1.
  const auto bits = static_cast<double>(crypto::siphash24(key_, account.view()) >> 11);
  return -std::log((bits + 0.5) * 0x1p-53);
}

void rendezvous_order(const Rendezvous& rendezvous, std::span<const Weighted> workers,
                      std::span<Scored> best) {
  const auto before = [&](const Scored& a, const Scored& b) {
    if (a.score != b.score) return a.score < b.score;
    return *workers[a.place].account < *workers[b.place].account;
  };
  std::size_t taken = 0;
  for (std::uint32_t i = 0; i < workers.size(); ++i) {
    const Scored scored{rendezvous.cost(*workers[i].account) / workers[i].weight, i};
    if (taken == best.size() && (taken == 0 || !before(scored, best[taken - 1]))) continue;
    if (taken < best.size()) ++taken;
    std::size_t place = taken - 1;
    while (place > 0 && before(scored, best[place - 1])) {
      best[place] = best[place - 1];
      --place;
    }
    best[place] = scored;
  }
}

Result<std::vector<VerifiedCandidate>> verify_candidates(const wire::Candidates& answer,
                                                         const wire::CandidatesRequest& asked,
                                                         const NetworkId& network,
                                                         const BootKeyId& proxy, Now now) {
  std::vector<VerifiedCandidate> workers;
  if (answer.model != asked.model) {
    return broken("candidates_model_mismatch", "the candidates are for another model than asked");
  }
  if (answer.workers.empty()) return workers;
  if (answer.workers.size() > asked.count) {
    return broken("too_many_candidates", fmt::format("{} candidates were asked for, {} came",
                                                     asked.count, answer.workers.size()));
  }
  COCOON_CHECK(check_root(answer, network, proxy, now));
  for (const wire::Candidate& candidate : answer.workers) {
    COCOON_TRY(wire::WorkerRecord record, check_record(candidate, answer, now));
    COCOON_CHECK(check_eligible(record, asked, network));
    if (holds(workers, record)) {
      return broken("duplicate_candidate", "two candidates have one account or one sealing key");
    }
    const SealingKeyId key{crypto::sha256(record.sealing_key)};
    workers.push_back({std::move(record), key});
  }
  COCOON_CHECK(check_order(workers, answer.root, asked));
  return workers;
}

}  // namespace cocoon::routing
