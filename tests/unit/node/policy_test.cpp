#include "node/policy.h"

#include <gtest/gtest.h>

namespace cocoon::node {
namespace {

const Hash kFirst{1};
const Hash kSecond{2};
const Hash kThird{3};
using Sets = std::vector<GpuSetHash>;

/// What holds for peers of `role` where the registry lists `registered` and the owner `configured`.
std::optional<Sets> sets(const std::vector<Hash>& registered, std::optional<Sets> configured,
                         wire::Role role = wire::Role::worker) {
  billing::Registry registry;
  registry.gpu_measurements = registered;
  AttestationPolicy policy;
  policy.gpu_measurement_sets = std::move(configured);
  return effective_policy(policy, registry, role).gpu_measurement_sets;
}

TEST(EffectivePolicy, DemandsNoGpusWhereNobodyListsSets) {
  EXPECT_EQ(sets({}, std::nullopt), std::nullopt);
}

TEST(EffectivePolicy, AdmitsTheRegistrysGpuSets) {
  EXPECT_EQ(sets({kFirst, kSecond}, std::nullopt), (Sets{kFirst, kSecond}));
}

TEST(EffectivePolicy, AdmitsOnlyGpuSetsThatBothList) {
  EXPECT_EQ(sets({kFirst, kSecond}, Sets{kSecond, kThird}), Sets{kSecond});
}

TEST(EffectivePolicy, OfAnOwnerWhoListsOtherGpuSetsAdmitsNone) {
  EXPECT_EQ(sets({kFirst}, Sets{kThird}), Sets{});
  EXPECT_EQ(sets({kFirst}, Sets{}), Sets{});
}

TEST(EffectivePolicy, OfAnOwnerWhoDemandsGpusThatNobodyRegisteredAdmitsNone) {
  EXPECT_EQ(sets({}, Sets{kFirst}), Sets{});
}

TEST(EffectivePolicy, DemandsNoGpusOfProxies) {
  EXPECT_EQ(sets({kFirst}, std::nullopt, wire::Role::proxy), std::nullopt);
}

}  // namespace
}  // namespace cocoon::node
