#pragma once
/// @file The product's own scheduler behind the simulation's interface: real keys, signed records
/// and a signed directory.

#include <string>

#include "crypto/ed25519.h"
#include "policy.h"
#include "routing/scheduler.h"

namespace cocoon::sim {

class ProductPolicy final : public Policy {
 public:
  ProductPolicy(const std::vector<const Machine*>& machines, std::uint64_t seed);

  void join(Place place, Now now) override;
  void leave(Place place, Now now) override;
  void report(Place place, std::uint32_t free_slots, Now now) override;
  /// Now and then an answer is checked as a client checks each of them; throws std::logic_error
  /// where it does not pass.
  std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) override;
  std::optional<std::uint64_t> start(Place place, Now now) override;
  void finish(Place place, std::uint64_t ticket, const routing::Observation& seen,
              Now now) override;

 private:
  struct Worker {
    routing::WorkerPeer peer;
    Bytes record;
    crypto::Signature signature{};
    std::uint32_t slots = 0;
    routing::WorkerIndex index;
  };
  void sign_record(Place place, const Machine& machine);

  Dice dice_;
  crypto::SigningKey proxy_boot_;
  crypto::SigningKey worker_boot_;  // of all its workers: a key for each would prove no more
  std::vector<Worker> workers_;
  routing::Scheduler scheduler_;
  std::uint64_t asked_ = 0;
};

}  // namespace cocoon::sim
