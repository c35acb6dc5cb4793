#pragma once
/// @file A proxy's choice of workers, as the simulation asks for it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "routing/reputation.h"
#include "world.h"

namespace cocoon::sim {

/// A worker's place among those of one proxy: dense, from 0.
using Place = std::uint32_t;

/// A client's question for candidates.
struct Ask {
  std::size_t count = 2;
  std::optional<Place> preferred;        ///< who served this client last
  std::uint32_t max_coefficient_e3 = 0;  ///< 0: any
};

/// One proxy's. All of them keep the product's outer rules: no worker gets more than its slots, and
/// one that refused is left alone for limits::kRefusalRest.
class Policy {
 public:
  virtual ~Policy() = default;

  /// A worker has connected, with all its slots free; also one that was away.
  virtual void join(Place place, Now now) = 0;
  virtual void leave(Place place, Now now) = 0;
  /// The worker's own word on what it can take.
  virtual void report(Place place, std::uint32_t free_slots, Now now) = 0;

  /// Candidates in order; empty where nobody can take a request.
  virtual std::vector<Place> candidates(const Ask& ask, Dice& dice, Now now) = 0;
  /// Takes a slot. What comes back belongs to the matching finish(); nothing: not possible now.
  virtual std::optional<std::uint64_t> start(Place place, Now now) = 0;
  virtual void finish(Place place, std::uint64_t ticket, const routing::Observation& seen,
                      Now now) = 0;
};

enum class PolicyName : std::uint8_t { round_robin, least_loaded, two_choices, cocoon };

std::string_view to_string(PolicyName name);
std::optional<PolicyName> policy_from(std::string_view text);

/// @param machines those connected to the proxy, in order of place; they outlive the policy. Only
/// what a worker's record says is read of them.
std::unique_ptr<Policy> make_policy(PolicyName name, std::vector<const Machine*> machines,
                                    std::uint64_t seed);

}  // namespace cocoon::sim
