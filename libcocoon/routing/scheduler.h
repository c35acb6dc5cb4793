#pragma once
/// @file The proxy's choice of workers. It is made when candidates are issued: a sealed request can
/// only go to those it was sealed for.
///
/// A choice costs the same at ten workers and at ten thousand: up to limits::kScheduleSample
/// workers are drawn, by the client's seed, from the model's offers within the price cap; among
/// those the weighted rendezvous decides. Where all workers are busy, busy ones are named for as
/// long as one of them is likely to come free in time, and the request waits in a queue that is
/// fair between clients.

#include <array>
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
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "routing/candidates.h"
#include "routing/directory.h"
#include "routing/fair_queue.h"
#include "routing/rate_meter.h"
#include "routing/reputation.h"
#include "routing/standing.h"
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
  /// order, the preferred one first where it is eligible, and neither fails nor is loaded or costs
  /// its caller far above the others; else none and a time to wait: 0 where nobody within the price
  /// cap is ready. Views point into the directory (and `request.model`): encode the answer before
  /// anything changes.
  wire::Candidates candidates(const wire::CandidatesRequest& request, Now now);

  /// The same for a request that is refused. Where none of those that it names is free, that is
  /// demand which was turned away.
  wire::Candidates candidates_beside_refusal(const wire::CandidatesRequest& request, Now now);

  /// The slots of the workers that candidates() names, in order.
  struct Choice {
    std::array<std::uint32_t, limits::kMaxCandidatesPerAnswer> slots{};
    std::size_t count = 0;
    void add(std::uint32_t slot) { slots[count++] = slot; }
    std::span<const std::uint32_t> view() const { return {slots.data(), count}; }
  };
  Choice choose(const wire::CandidatesRequest& request, Now now);

  /// Takes a slot of a worker for a request it was named for. False where it has none free or
  /// others wait, it has its trial running, or its breaker is open and its models have others.
  bool start(WorkerIndex worker, Now now);
  /// Ends what start() began: frees the slot and takes the observation in. Call it once per start,
  /// also for a worker that has left (it then only counts for its reputation).
  /// @return what that did to the worker's breaker.
  BreakerChange finish(WorkerIndex worker, const AccountId& account, std::string_view model,
                       const Observation& observation, Now now);

  // --- Requests that wait ---

  /// `waiting.workers` are all busy; it waits for one of those that are ready and do not fail.
  /// Errors: busy/no_candidate_free where more than a few slots of its model are free, one of them
  /// within its price cap, or none of its own is left or likely to come free before
  /// `waiting.until`; busy/queue_full.
  Status wait(FairQueue::Waiting waiting, Now now);
  /// It is no longer wanted. Nothing where it does not wait.
  void give_up(FairQueue::RequestId request) { queue_.remove(request); }
  /// A request that waited, and a worker whose slot it has from now on.
  struct Turn {
    FairQueue::RequestId request = 0;
    WorkerIndex worker;
  };
  /// The next one whose turn it is. Call it until there is none, whenever something has changed.
  std::optional<Turn> next_turn(Now now);
  /// Requests that wait no longer: their time is over, or their last worker has left or is
  /// not ready any more.
  std::vector<FairQueue::RequestId> take_unserved(Now now);
  std::size_t waiting() const { return queue_.size(); }
  std::size_t waiting(WorkerIndex worker) const { return queue_.waiting(worker); }
  /// When to call next_turn() and take_unserved() again, if nothing happens before; kNever.
  MonoTime next_deadline() const;

  /// How long a refused request of `model` should wait, in milliseconds: those that wait and those
  /// turned away lately over the rate at which slots come free; within 0.5 to 30 s.
  std::uint32_t retry_after_ms(std::string_view model, Now now) const;

  /// What is served now and what is asked for, in order of id. Views are valid until the next
  /// change.
  std::vector<wire::ModelSummary> models(Now now) const;

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
    // Of late: slots that came free, and requests that were turned away and are likely to come
    // back.
    RateMeter releases{Seconds(10)};
    RateMeter turned_away{Seconds(10)};
    // The demand over some minutes.
    RateMeter asked{limits::kDemandPeriod};
    RateMeter refused{limits::kDemandPeriod};
  };

  void wake(Now now);
  template <class Change>
  void change(WorkerIndex worker, Change change);
  void judge_trial(WorkerEntry& entry) const;
  void weigh_again(WorkerIndex worker);
  void strand(WorkerIndex worker);
  /// Some worker is ready for the model within the price cap, 0: any, though it may be busy.
  static bool serves(const ModelEntry* model, std::uint32_t price_cap);
  /// Some worker is on offer within it.
  static bool any_free(const ModelEntry* model, std::uint32_t price_cap);
  bool may_begin(const WorkerEntry& entry) const;
  void take_slot(WorkerIndex worker);
  double drain_rate(const ModelEntry& model, const ModelFigures* figures, Now now) const;
  bool worth_waiting(std::string_view id, Millis patience, Now now) const;
  double service_seconds(const WorkerEntry& worker, const ServiceAverages* of_model) const;
  bool will_begin(const FairQueue::Waiting& waiting, Now now) const;
  void count_turned_away(std::string_view model, Now now);

  // scheduler_choice.cpp
  struct Sample {
    std::array<std::uint32_t, 2 * limits::kScheduleSample> slots;
    std::size_t count = 0;
  };
  using Weights = std::array<Weighted, 2 * limits::kScheduleSample>;
  struct Weighing {
    Weights weights;
    double least = 0;  ///< burden in the sample
  };
  bool lasts(std::uint32_t slot, Now now) const;
  std::span<const Offer> offers_for(const wire::CandidatesRequest& request, const ModelEntry& model,
                                    Now now) const;
  Sample draw(std::span<const Offer> offers, std::uint64_t state, Now now) const;
  std::optional<std::uint32_t> preferred_slot(const wire::CandidatesRequest& request,
                                              const ModelEntry& model,
                                              std::span<const Offer> offers, Now now) const;
  static bool is_good(const Standing& standing, const wire::CandidatesRequest& request,
                      std::span<const Offer> offers);
  Weighing weigh(const Sample& sample, wire::Preference preference,
                 const ServiceAverages* of_model) const;
  double waiting_share(std::uint32_t slot) const;

  const ModelFigures* figures(std::string_view model) const;
  /// All the model's workers together; null where none was measured.
  static const ServiceAverages* measured(const ModelFigures* figures);
  ModelFigures* figures(std::string_view model);
  void forget_unlisted_models();

  Directory directory_;
  ReputationBook reputation_;
  std::vector<Standing> standings_;  // by slot
  FairQueue queue_;
  std::vector<WorkerIndex> freed_;  // may have a slot for those that wait
  std::vector<FairQueue::RequestId> stranded_;
  std::map<std::string, ModelFigures, std::less<>> figures_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;
};

}  // namespace cocoon::routing
