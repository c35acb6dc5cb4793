#pragma once
/// @file Test support: a network of made-up workers with real signatures.

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "routing/scheduler.h"
#include "wire/records.h"

namespace cocoon::routing {

/// Deterministic bytes from a seed that tests print.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

inline constexpr std::uint64_t kStart = 1'700'000'000;

/// `seconds` after the start of every test.
inline Now at(double seconds) {
  const auto micros = std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
  return {MonoTime(Seconds(1000) + micros),
          unix_seconds(kStart) + std::chrono::duration_cast<Millis>(micros)};
}

inline NetworkId network() {
  return {{1, 2, 3}};
}

/// A worker with all its keys.
struct TestWorker {
  explicit TestWorker(Random& random, std::vector<std::string> models = {"m"})
      : boot(crypto::SigningKey::generate(random)) {
    record.network = network();
    record.account.bytes = random.array<32>();
    record.boot_key = boot.boot_key_id();
    record.evidence.bytes = random.array<32>();
    record.sealing_key = random.array<32>();
    record.not_before = unix_seconds(kStart - 10);
    record.not_after = unix_seconds(kStart + 3 * 3600);
    record.capacity = 8;
    record.models = std::move(models);
  }

  WorkerPeer peer() const { return {7, record.account, record.boot_key, record.evidence}; }
  /// Signs the record as it is now; the views hold until the next call.
  wire::SignedWorkerRecord sign() { return sign_by(boot); }
  wire::SignedWorkerRecord sign_by(const crypto::SigningKey& key) {
    auto encoded = wire::encode_worker_record(record);
    if (!encoded) throw std::invalid_argument(encoded.error().detail());
    bytes = std::move(encoded).value();
    signature = key.sign(wire::worker_record_signing_bytes(bytes));
    return {bytes, signature};
  }
  const AccountId& account() const { return record.account; }

  crypto::SigningKey boot;
  wire::WorkerRecord record;
  Bytes bytes;
  crypto::Signature signature{};
};

inline wire::CandidatesRequest ask_for(std::string_view model, std::uint64_t seed,
                                       std::uint8_t count = 2) {
  wire::CandidatesRequest request;
  request.id = 5;
  request.model = model;
  request.count = count;
  const Bytes bytes = ByteWriter().u64be(seed).u64be(~seed).take();
  request.seed = *to_array<16>(bytes);
  return request;
}

inline wire::WorkerStatus ready_with(std::uint32_t free_slots) {
  wire::WorkerStatus status;
  status.ready = true;
  status.free_slots = free_slots;
  return status;
}

inline Observation served(double first_token_s, double streaming_s, std::uint64_t tokens) {
  Observation seen;
  seen.first_token = Millis(static_cast<std::int64_t>(first_token_s * 1000));
  seen.streaming = Millis(static_cast<std::int64_t>(streaming_s * 1000));
  seen.elapsed = *seen.first_token + seen.streaming;
  seen.tokens = tokens;
  return seen;
}
inline Observation ended(Outcome outcome, double elapsed_s = 0.001) {
  Observation seen;
  seen.outcome = outcome;
  seen.elapsed = Millis(static_cast<std::int64_t>(elapsed_s * 1000));
  return seen;
}

/// A proxy's scheduler and its workers.
struct TestProxy {
  explicit TestProxy(std::uint64_t seed)
      : random(seed), boot(crypto::SigningKey::generate(random)), scheduler(network(), boot) {}

  /// A worker that is ready with all its slots.
  WorkerIndex add(std::vector<std::string> models = {"m"}, std::uint32_t coefficient_e3 = 1000,
                  std::uint32_t capacity = 8) {
    workers.emplace_back(random, std::move(models));
    workers.back().record.coefficient_e3 = coefficient_e3;
    workers.back().record.capacity = capacity;
    auto index = scheduler.join(workers.back().peer(), workers.back().sign(), at(0));
    if (!index) throw std::invalid_argument(index.error().detail());
    scheduler.report(*index, ready_with(capacity), at(0));
    return *index;
  }

  const AccountId& account(WorkerIndex worker) const {
    return scheduler.directory().find(worker)->identity.account;
  }

  /// The first candidate's account; zeros where there is none.
  AccountId first(const wire::CandidatesRequest& request, Now now) {
    const wire::Candidates answer = scheduler.candidates(request, now);
    if (answer.workers.empty()) return {};
    return wire::decode_worker_record(answer.workers.front().record.record)->account;
  }

  Result<std::vector<VerifiedCandidate>> verify(const wire::Candidates& answer,
                                                const wire::CandidatesRequest& asked, Now now) {
    return verify_candidates(answer, asked, network(), boot.boot_key_id(), now);
  }

  SeededRandom random;
  crypto::SigningKey boot;
  Scheduler scheduler;
  std::vector<TestWorker> workers;
};

/// Runs one request on `worker` to its end.
inline void run(TestProxy& proxy, WorkerIndex worker, const Observation& seen, double s) {
  if (!proxy.scheduler.start(worker, at(s))) throw std::logic_error("the worker has no free slot");
  proxy.scheduler.finish(worker, proxy.account(worker), "m", seen, at(s));
}

}  // namespace cocoon::routing
