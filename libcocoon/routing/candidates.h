#pragma once
/// @file Weighted rendezvous among workers, and the client's check of what a proxy offers.
///
/// What a client can check: that every candidate's record was signed by its worker and stands in a
/// recent directory root that the proxy signed (two different roots of one minute, shown to two
/// clients, are proof of a lie); that model, price cap and dates fit; and that the order can be
/// that of the rendezvous with the client's own seed under *some* weights the scheduler may use.
/// Weights lie within limits::kMaxWeightRatio, so a proxy that puts a worker first against the seed
/// is caught whenever the scores differ by more. What it cannot check: the weights themselves (they
/// are the proxy's measurements), and omission (workers that the proxy never lists, or calls busy).

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::routing {

/// The seed of candidates that a proxy sends unasked beside a refusal: the first half of H. Both
/// sides know it, and the client fixed it before the proxy saw it.
ByteArray<16> refusal_seed(const RequestHash& request);

/// What a client's seed and a directory's root determine: K = SHA-256("cocoon-rendezvous-v1" ‖ 0x00
/// ‖ seed ‖ root).
class Rendezvous {
 public:
  Rendezvous(const ByteArray<16>& seed, const Hash& root);

  /// −ln(u), u in (0,1) from SipHash-2-4 of the account under the first half of K. Divided by a
  /// worker's weight it is the worker's score, and the lowest score comes first: each worker is
  /// first with a probability in proportion to its weight (Efraimidis and Spirakis, 2006).
  double cost(const AccountId& account) const;
  /// From the second half of K; for the proxy's own draws.
  std::uint64_t draw() const { return draw_; }

 private:
  ByteArray<16> key_{};
  std::uint64_t draw_ = 0;
};

/// A worker and its weight, > 0.
struct Weighted {
  const AccountId* account = nullptr;
  double weight = 1;
};
struct Scored {
  double score = 0;
  std::uint32_t place = 0;  ///< among those that were weighed
};

/// The lowest scores in their order, as many as `best` holds. Equal ones go by account.
/// @pre `best` is not longer than `workers`
void rendezvous_order(const Rendezvous& rendezvous, std::span<const Weighted> workers,
                      std::span<Scored> best);

/// A candidate that passed verify_candidates(). Its evidence remains to be checked, by
/// `record.evidence`: account, network and boot key must be those of the record.
struct VerifiedCandidate {
  wire::WorkerRecord record;
  SealingKeyId sealing_key;  ///< SHA-256 of record.sealing_key
};

/// Checks an answer of a proxy against what was asked (model, seed, count, preferred and price cap;
/// for an unasked answer `asked.seed` is refusal_seed()). An answer with no workers passes: nothing
/// rests on it. The answer's `id` is the caller's business.
/// Errors, all of which mean that the proxy is not to be trusted:
/// protocol/candidates_model_mismatch, too_many_candidates, duplicate_candidate, bad_worker_record,
/// candidates_out_of_order; attestation/bad_directory_root (signature), stale_directory_root,
/// bad_inclusion_proof, bad_record_signature, worker_record_expired, candidate_not_eligible (model,
/// price or network).
Result<std::vector<VerifiedCandidate>> verify_candidates(const wire::Candidates& answer,
                                                         const wire::CandidatesRequest& asked,
                                                         const NetworkId& network,
                                                         const BootKeyId& proxy, Now now);

}  // namespace cocoon::routing
