#include "attest/gpu_claim.h"

#include <gtest/gtest.h>

#include "attest/gpu_bundle.h"
#include "base/limits.h"
#include "unit/attest/forged_gpu.h"

namespace cocoon::attest {
namespace {

using test::ForgedGpu;

/// A worker with one GPU that is as it should be. A test changes what it is about, and judges.
class GpuClaim : public ::testing::Test {
 protected:
  GpuClaim() {
    node.spki = Bytes{1, 2, 3};
    node.claims.emplace();
    gpu.nonce = gpu_nonce(node.spki);
    sets = gpu.sets();
    bundle.gpus = {gpu.evidence()};
    admit(sets);
  }

  void admit(const std::vector<GpuMeasurementSet>& admitted) {
    policy.gpu_measurement_sets.emplace();
    for (const auto& set : admitted) policy.gpu_measurement_sets->push_back(set.hash());
  }
  /// What a worker does: the claims are about what it shows.
  void claim() { node.claims->gpu_evidence = gpu_evidence_digest(bundle.gpus); }
  Bytes shown() const { return encode_gpu_bundle({bundle.gpus, sets}).value(); }

  Result<GpuFindings> judge(ByteView what) const {
    return judge_gpus(node, what, policy, gpu.trusted(), now);
  }
  void expect_refused(std::string_view code, std::string_view reason) {
    const auto found = judge(shown());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), code);
    EXPECT_EQ(found.error().kind(), ErrorKind::attestation);
    EXPECT_NE(found.error().detail().find(reason), std::string::npos) << found.error().detail();
  }

  ForgedGpu gpu;
  Evidence node;
  GpuBundle bundle;
  std::vector<GpuMeasurementSet> sets;
  AttestationPolicy policy;
  UnixTime now = gpu.now;
};

TEST_F(GpuClaim, OverAnotherNodesKeyIsRefused) {
  claim();
  node.spki = Bytes{1, 2, 4};
  expect_refused("gpu_untrusted", "GPU_NONCE_MISMATCH");
}

TEST_F(GpuClaim, WithOtherEvidenceThanClaimedIsRefused) {
  claim();
  bundle.gpus = {gpu.evidence()};  // signed anew, and as good
  expect_refused("gpu_digest_mismatch", "digest");
}

TEST_F(GpuClaim, WithAGpuMoreThanClaimedIsRefused) {
  claim();
  bundle.gpus.push_back(bundle.gpus.front());
  expect_refused("gpu_digest_mismatch", "digest");
}

TEST_F(GpuClaim, ThatCountsAGpuTwiceIsRefused) {
  bundle.gpus.push_back(bundle.gpus.front());
  claim();
  expect_refused("gpu_twice", "twice");
}

TEST_F(GpuClaim, WithoutItsEvidenceIsRefused) {
  claim();
  EXPECT_EQ(judge({}).error().code(), "gpu_missing");
}

TEST_F(GpuClaim, ThatIsDemandedAndNotMadeIsRefused) {
  EXPECT_EQ(judge({}).error().code(), "gpu_missing");
  expect_refused("gpu_missing", "gpu = \"nvidia\"");
}

TEST_F(GpuClaim, ThatNobodyDemandsAndNobodyCanJudgeIsRefused) {
  claim();
  policy.gpu_measurement_sets.reset();
  expect_refused("gpu_not_admitted", "cocoon-ledger allow gpu");
}

TEST_F(GpuClaim, ThatWasNotMadeIsNotMadeUpForByEvidence) {
  policy.gpu_measurement_sets.reset();
  expect_refused("gpu_not_claimed", "claims have none");
}

TEST_F(GpuClaim, UnderAnEmptyListOfSetsIsRefused) {
  claim();
  admit({});
  expect_refused("gpu_measurement_set", "not on the policy's list");
}

TEST_F(GpuClaim, OfASetThatIsNotAdmittedIsRefused) {
  claim();
  admit({sets[0]});
  expect_refused("gpu_measurement_set", encode_hex(sets[1].hash()));
}

TEST_F(GpuClaim, WithoutTheAdmittedSetIsRefused) {
  claim();
  sets.pop_back();
  expect_refused("gpu_untrusted", "GPU_MEASUREMENTS_MISSING:vbios GH100 96.00.9F.00.01");
}

TEST_F(GpuClaim, OfOtherMeasurementsThanItsSetsIsRefused) {
  gpu.driver[2].front()[0] ^= 1;
  sets = gpu.sets();
  admit(sets);
  claim();
  expect_refused("gpu_untrusted", "GPU_MEASUREMENTS_MISMATCH:2");
}

TEST_F(GpuClaim, AfterItsChainHasEndedIsRefused) {
  claim();
  now = gpu.to + Seconds(1);
  expect_refused("gpu_untrusted", "GPU_EXPIRED");
}

TEST_F(GpuClaim, UnderAnotherRootIsRefused) {
  claim();
  EXPECT_EQ(judge_gpus(node, shown(), policy, GpuRoot::nvidia(), now).error().code(),
            "gpu_untrusted");
}

TEST_F(GpuClaim, InAModeThatLeavesWiresBareIsRefused) {
  gpu.opaque[gpu.opaque.size() - 2].second = {0xAA};  // PROTECTED_PCIE: on
  gpu.opaque.back().second = {0x02, 0x00};            // FEATURE_FLAG: PPCIE
  bundle.gpus = {gpu.evidence()};
  claim();
  expect_refused("gpu_mode", "protected-pcie");
}

TEST_F(GpuClaim, OfMoreBytesThanAllowedIsRefused) {
  claim();
  EXPECT_EQ(judge(Bytes(limits::kMaxGpuBundleBytes + 1)).error().code(), "gpu_evidence_too_large");
}

TEST_F(GpuClaim, ThatHoldsLastsAsLongAsItsFirstCertificate) {
  claim();
  const auto found = judge(shown());
  ASSERT_TRUE(found) << found.error().detail();
  ASSERT_EQ(found->gpus.size(), 1u);
  EXPECT_EQ(found->gpus.front().driver_set, sets[0].hash());
  EXPECT_EQ(found->expires, gpu.to);
}

TEST_F(GpuClaim, IsJudgedByTheAdmittedOneOfTwoSetsThatFit) {
  ForgedGpu wider = gpu;
  wider.driver.erase(wider.driver.begin());
  const auto other = wider.sets()[0];
  const auto admitted = sets;
  sets.insert(sets.begin(), other);
  admit(admitted);
  claim();
  EXPECT_TRUE(judge(shown()));
}

TEST_F(GpuClaim, NobodyDemandsAndNobodyMakesIsFine) {
  policy.gpu_measurement_sets.reset();
  const auto found = judge({});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->gpus.empty());
  EXPECT_EQ(found->expires, UnixTime::max());
}

TEST_F(GpuClaim, ConcernsWhoMakesItAndWhomItIsDemandedOf) {
  EXPECT_TRUE(concerns_gpus(node, policy));
  policy.gpu_measurement_sets.reset();
  EXPECT_FALSE(concerns_gpus(node, policy));
  claim();
  EXPECT_TRUE(concerns_gpus(node, policy));
}

}  // namespace
}  // namespace cocoon::attest
