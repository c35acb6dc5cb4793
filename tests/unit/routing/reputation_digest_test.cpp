#include "routing/reputation_digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "codec/hex.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

RatedWorker rated(std::uint8_t n) {
  return {AccountId{{n}}, {n, 10'000u - n, 100u * n, 1'000u * n}};
}

// Computed with Python's hashlib, by the text of protocol.md.
TEST(ReputationDigest, IsThatOfTheProtocol) {
  EXPECT_EQ(to_hex(reputation_digest(network(), {rated(1), rated(2), rated(3)})),
            "6c8f36fca65baa3fca830cd69cefa2ab23683ad54765adc0889dbd1d6884b7a6");
  EXPECT_EQ(to_hex(reputation_digest(network(), {rated(3)})),
            "968a4341666c556fa5d5ad4878a03c7b703e243fcf3eab4a26157d6df9a5dcb3");
}

TEST(ReputationDigest, OfNobodyIsZeros) {
  EXPECT_EQ(reputation_digest(network(), {}), Hash{});
}

TEST(ReputationDigest, DoesNotDependOnTheOrder) {
  std::vector<RatedWorker> workers;
  for (std::uint8_t n = 1; n <= 20; ++n) workers.push_back(rated(n));
  const Hash sorted = reputation_digest(network(), workers);
  std::reverse(workers.begin(), workers.end());
  EXPECT_EQ(reputation_digest(network(), workers), sorted);
  std::rotate(workers.begin(), workers.begin() + 7, workers.end());
  EXPECT_EQ(reputation_digest(network(), workers), sorted);
}

TEST(ReputationDigest, EveryPartOfItCounts) {
  const std::vector<RatedWorker> workers = {rated(1), rated(2), rated(3)};
  NetworkId other = network();
  other.bytes[15] ^= 1;
  std::set<Hash> seen = {reputation_digest(network(), workers), reputation_digest(other, workers)};
  std::size_t made = seen.size();
  EXPECT_EQ(made, 2u);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto altered = [&](auto alter) {
      std::vector<RatedWorker> copy = workers;
      alter(copy[i]);
      seen.insert(reputation_digest(network(), copy));
      EXPECT_EQ(seen.size(), ++made) << "worker " << i;
    };
    altered([](RatedWorker& w) { w.account.bytes[31] ^= 1; });
    altered([](RatedWorker& w) { ++w.figures.requests; });
    altered([](RatedWorker& w) { --w.figures.success_e4; });
    altered([](RatedWorker& w) { ++w.figures.first_token_ms; });
    altered([](RatedWorker& w) { ++w.figures.tokens_per_second; });
    std::vector<RatedWorker> fewer = workers;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    seen.insert(reputation_digest(network(), fewer));
    EXPECT_EQ(seen.size(), ++made) << "without worker " << i;
  }
}

}  // namespace
}  // namespace cocoon::routing
