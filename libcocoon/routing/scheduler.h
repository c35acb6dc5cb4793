#pragma once
/// @file The proxy's choice of workers. It is made when candidates are issued: a sealed request can
/// only go to those it was sealed for.
///
/// A choice costs the same at ten workers and at ten thousand: up to limits::kScheduleSample
/// workers are drawn, by the client's seed, from the model's offers within the price cap; among
/// those the weighted rendezvous decides.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "routing/candidates.h"
#include "routing/directory.h"
#include "routing/drain_meter.h"
#include "routing/reputation.h"
#include "wire/messages.h"

namespace cocoon::routing {

class Scheduler {
 public:
  /// @param boot_key signs directory roots; must outlive the scheduler.
  Scheduler(const NetworkId& network, const crypto::SigningKey& boot_key);

  // --- Workers. Errors as of Directory. ---

  Result<WorkerIndex> join(const WorkerPeer& peer, const wire::SignedWorkerRecord& record, Now now);
  Status renew(WorkerIndex worker, const WorkerPeer& peer, const wire::SignedWorkerRecord& record,
               Now now);
  /// The worker's own word: ready or not, and how much it can take.
  void report(WorkerIndex worker, const wire::WorkerStatus& status, Now now);
  void leave(WorkerIndex worker);

  // --- Requests ---

  /// The answer to a request for candidates: at most min(count, kMaxCandidatesPerAnswer) workers in
  /// order, the preferred one first where it is eligible and not loaded far above the others; else
  /// none and a time to wait. Views point into the directory (and `request.model`): encode the
  /// answer before anything changes.
  wire::Candidates candidates(const wire::CandidatesRequest& request, Now now);

  /// Takes a slot of a worker for a request it was named for. False where it has none free, or
  /// where its breaker is open and its models have others on offer.
  bool start(WorkerIndex worker, Now now);
  /// Ends what start() began: frees the slot and takes the observation in. Call it once per start,
  /// also for a worker that has left (it then only counts for its reputation).
  void finish(WorkerIndex worker, const AccountId& account, std::string_view model,
              const Observation& observation, Now now);

  /// How long a refused request of `model` should wait, in milliseconds: the requests turned away
  /// lately (by candidates() without workers) over the rate at which slots come free; within 0.5 to
  /// 30 s.
  std::uint32_t retry_after_ms(std::string_view model, Now now) const;

  /// What is served now, in order of id. Views are valid until the next change.
  std::vector<wire::ModelSummary> models() const;

  const Directory& directory() const { return directory_; }
  ReputationBook& reputation() { return reputation_; }
  const ReputationBook& reputation() const { return reputation_; }

 private:
  struct Due {
    MonoTime at{};
    WorkerIndex worker;
    friend bool operator>(const Due& a, const Due& b) { return a.at > b.at; }
  };
  struct ModelFigures {
    ServiceAverages all;  // of all workers together: what an unmeasured one is taken for
    DrainMeter drain;
  };

  void wake(Now now);
  template <class Change>
  void change(WorkerIndex worker, Change change);
  bool eligible(std::uint32_t slot, Now now) const;
  std::vector<std::uint32_t> choose(const wire::CandidatesRequest& request, const ModelEntry& model,
                                    const Hash& root, Now now) const;
  std::vector<std::uint32_t> sample(std::span<const Offer> offers, const ByteArray<16>& seed,
                                    const Hash& root, Now now) const;
  std::optional<std::uint32_t> preferred_slot(const wire::CandidatesRequest& request,
                                              const ModelEntry& model, Now now) const;
  std::vector<Weighted> weigh(const std::vector<std::uint32_t>& slots,
                              std::string_view model) const;
  double burden(const WorkerEntry& entry, const ServiceAverages* of_model) const;
  ModelFigures* figures(std::string_view model);
  void forget_unlisted_models();

  Directory directory_;
  ReputationBook reputation_;
  std::map<std::string, ModelFigures, std::less<>> figures_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;
};

}  // namespace cocoon::routing
