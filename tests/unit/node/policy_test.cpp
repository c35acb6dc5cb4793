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

using Images = std::optional<std::vector<ImageHash>>;

/// The images that hold for workers where the registry lists `registered` and the owner
/// `configured`.
Images images(const std::vector<Hash>& registered, Images configured) {
  billing::Registry registry;
  registry.worker_images = registered;
  registry.proxy_images = {kThird};
  AttestationPolicy policy;
  policy.images = std::move(configured);
  return effective_policy(policy, registry, wire::Role::worker).images;
}

TEST(EffectivePolicy, AdmitsTheRegistrysImagesWhereTheOwnerHasNoList) {
  EXPECT_EQ(images({kFirst, kSecond}, std::nullopt),
            (Images{{ImageHash{kFirst}, ImageHash{kSecond}}}));
}

TEST(EffectivePolicy, AdmitsOnlyImagesThatBothList) {
  EXPECT_EQ(images({kFirst, kSecond}, {{ImageHash{kSecond}, ImageHash{kThird}}}),
            (Images{{ImageHash{kSecond}}}));
}

TEST(EffectivePolicy, OfAnOwnerWhoseListIsEmptyAdmitsNobody) {
  EXPECT_EQ(images({kFirst}, Images{std::in_place}), Images{std::in_place});
}

TEST(EffectivePolicy, OfARegistryWithoutImagesAdmitsNobody) {
  EXPECT_EQ(images({}, std::nullopt), Images{std::in_place});
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
