// Measures the scheduler's decisions, against a linear scan of all workers, in one run:
//
//     cocoon-bench-scheduler [WORKERS]
//
// Medians over batches, in nanoseconds, as one JSON object. A decision is the choice of a request's
// candidates: sample, weights and rendezvous; an answer has the records' proofs in the Merkle tree
// beside it.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <vector>

#include "codec/json.h"
#include "crypto/system_random.h"
#include "routing/scheduler.h"
#include "wire/records.h"

namespace cocoon::bench {
namespace {

using routing::WorkerIndex;
using Clock = std::chrono::steady_clock;

constexpr int kBatches = 201;
constexpr int kBatch = 2000;
constexpr std::string_view kModel = "bench/model";
constexpr std::uint64_t kStart = 1'700'000'000;

Now at(int ms) {
  return {MonoTime(Seconds(1000)) + Millis(ms), unix_seconds(kStart) + Millis(ms)};
}

[[noreturn]] void fail(const Error& error) {
  fmt::print(stderr, "cocoon-bench-scheduler: {}\n", error.detail());
  std::exit(1);
}

/// A proxy's scheduler with workers of unlike speeds, prices and loads.
class Market {
 public:
  explicit Market(std::size_t workers)
      : boot_(crypto::SigningKey::generate(random_)), scheduler_(NetworkId{{1}}, boot_) {
    for (std::size_t i = 0; i < workers; ++i) add();
    for (const WorkerIndex worker : workers_) {
      const auto runs = 1 + engine_() % 24;
      for (std::uint64_t r = 0; r < runs; ++r)
        serve(worker, 50 + static_cast<int>(engine_() % 900));
      if (engine_() % 3 == 0) (void)scheduler_.start(worker, at(0));
    }
  }

  routing::Scheduler& scheduler() { return scheduler_; }
  const std::vector<WorkerIndex>& workers() const { return workers_; }

  wire::CandidatesRequest ask() {
    wire::CandidatesRequest ask;
    ask.model = kModel;
    ask.count = 2;
    for (std::uint8_t& byte : ask.seed) byte = static_cast<std::uint8_t>(engine_());
    return ask;
  }

  AccountId account(WorkerIndex worker) const {
    return scheduler_.directory().find(worker)->identity.account;
  }

  void serve(WorkerIndex worker, int first_token_ms) {
    if (!scheduler_.start(worker, at(0))) return;
    routing::Observation seen;
    seen.first_token = Millis(first_token_ms);
    seen.streaming = Millis(2000);
    seen.elapsed = *seen.first_token + seen.streaming;
    seen.tokens = 100;
    scheduler_.finish(worker, scheduler_.directory().find(worker)->identity.account, kModel, seen,
                      at(0));
  }

  WorkerIndex any() { return workers_[engine_() % workers_.size()]; }

 private:
  void add() {
    wire::WorkerRecord record;
    record.network = NetworkId{{1}};
    record.account.bytes = random_.array<32>();
    record.boot_key = boot_.boot_key_id();
    record.sealing_key = random_.array<32>();
    record.not_before = unix_seconds(kStart - 10);
    record.not_after = unix_seconds(kStart + 10'000);
    record.coefficient_e3 = 500 + static_cast<std::uint32_t>(engine_() % 1500);
    record.capacity = 32;
    record.models = {std::string(kModel)};
    const auto bytes = wire::encode_worker_record(record);
    if (!bytes) fail(bytes.error());
    const auto signature = boot_.sign(wire::worker_record_signing_bytes(*bytes));
    wire::SignedWorkerRecord message;
    message.record = *bytes;
    message.signature = signature;
    const routing::WorkerPeer peer{1, record.account, record.boot_key, record.evidence};
    auto index = scheduler_.join(peer, message, at(0));
    if (!index) fail(index.error());
    wire::WorkerStatus ready;
    ready.ready = true;
    ready.free_slots = 32;
    scheduler_.report(*index, ready, at(0));
    workers_.push_back(*index);
  }

  crypto::SystemRandom random_;
  std::mt19937_64 engine_{7};
  crypto::SigningKey boot_;
  routing::Scheduler scheduler_;
  std::vector<WorkerIndex> workers_;
};

/// Median nanoseconds of one call of `work`.
template <class Work>
double nanoseconds(int calls, Work work) {
  std::vector<double> samples;
  for (int b = 0; b < kBatches; ++b) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) work();
    const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
    samples.push_back(took.count() / calls);
  }
  std::nth_element(samples.begin(), samples.begin() + kBatches / 2, samples.end());
  return samples[kBatches / 2];
}

/// What a proxy without an index does: look at every worker.
std::size_t scan(Market& market) {
  double best = 1e300;
  std::size_t chosen = 0;
  const auto& directory = market.scheduler().directory();
  for (std::size_t i = 0; i < market.workers().size(); ++i) {
    const routing::WorkerEntry* entry = directory.find(market.workers()[i]);
    const auto* known = market.scheduler().reputation().find(entry->identity.account);
    if (entry->free_slots() == 0 || known == nullptr) continue;
    const double burden =
        known->expected_seconds(100) * (1 + entry->utilisation()) * entry->record.coefficient_e3;
    if (burden < best) {
      best = burden;
      chosen = i;
    }
  }
  return chosen;
}

int run(std::size_t workers) {
  Market market(workers);
  volatile std::size_t sink = 0;
  (void)market.scheduler().candidates(market.ask(), at(0));
  std::vector<wire::CandidatesRequest> asks;
  for (int i = 0; i < kBatch; ++i) asks.push_back(market.ask());
  std::size_t next = 0;
  const auto ask = [&]() -> const wire::CandidatesRequest& { return asks[next++ % asks.size()]; };
  const double decision =
      nanoseconds(kBatch, [&] { sink = sink + market.scheduler().choose(ask(), at(1)).count; });
  // As clients ask that have been served before.
  std::vector<wire::CandidatesRequest> wishes = asks;
  for (wire::CandidatesRequest& wish : wishes) wish.preferred = market.account(market.any());
  const double preferring = nanoseconds(kBatch, [&] {
    sink = sink + market.scheduler().choose(wishes[next++ % wishes.size()], at(1)).count;
  });
  const double answer = nanoseconds(
      kBatch, [&] { sink = sink + market.scheduler().candidates(ask(), at(1)).workers.size(); });
  const double request = nanoseconds(kBatch, [&] { market.serve(market.any(), 300); });
  const double linear = nanoseconds(3, [&] { sink = sink + scan(market); });
  json::Writer out;
  out.begin_object().key("workers").u64(workers);
  const auto add = [&out](std::string_view name, double ns) {
    out.key(name).raw(fmt::format("{:.0f}", ns));
  };
  add("decision_ns", decision);
  add("preferring_ns", preferring);
  add("decision_and_answer_ns", answer);
  add("start_and_finish_ns", request);
  add("linear_scan_ns", linear);
  out.end_object();
  fmt::print("{}\n", out.take());
  return 0;
}

}  // namespace
}  // namespace cocoon::bench

int main(int argc, char** argv) {
  return cocoon::bench::run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000);
}
