#include <gtest/gtest.h>

#include <random>

#include "attest/policy.h"
#include "attest/sim/platform.h"
#include "attest/text.h"
#include "attest/verify.h"
#include "support/sim_defects.h"
#include "unit/attest/seeded_random.h"
#include "unit/attest/sim_platform.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::kNow;
using test::platform;

sim::SimPlatform make_platform(std::uint64_t seed = 1) {
  test::SeededRandom random(seed);
  return sim::SimPlatform::create(random, kNow).value();
}

TrustedRoot root_of(const sim::SimPlatform& p) {
  return TrustedRoot::simulated(p.root_pem()).value();
}

sim::SimTdReport guest() {
  sim::SimTdReport out;
  out.mr_td.fill(0x11);
  out.rtmr[0].fill(0x22);
  out.report_data.fill(0x33);
  return out;
}

Verdict verify(ByteView quote, const CollateralText& collateral, const TrustedRoot& root,
               UnixTime now = kNow) {
  return verify_quote(quote, Collateral::parse(collateral), root, now);
}

AttestationPolicy policy_for(const Verdict& verdict) {
  AttestationPolicy policy;
  policy.root = TrustedRootKind::simulated;
  policy.images = {verdict.image};
  return policy;
}

class SimulatedDefect : public testing::TestWithParam<cocoon::test::SimDefect> {};

TEST_P(SimulatedDefect, GivesTheVerdictOfItsVector) {
  const auto& defect = GetParam();
  const auto material = cocoon::test::make_sim_defect(defect, platform(), guest(), kNow);
  const Verdict verdict = verify(material.quote, material.collateral, root_of(platform()));
  const std::string text = verdict.text();
  EXPECT_EQ(text.substr(0, text.find_first_of(":+")), defect.verdict) << text;
  const PolicyDecision decision = evaluate(verdict, policy_for(verdict), kNow);
  EXPECT_EQ(decision.accepted(), defect.accepted);
}

INSTANTIATE_TEST_SUITE_P(All, SimulatedDefect, testing::ValuesIn(cocoon::test::sim_defects()),
                         [](const auto& parameter) {
                           return test::test_name(std::string(parameter.param.id));
                         });

TEST(SimPlatform, MakesQuotesOfTheSizeOfRealOnes) {
  const Bytes quote = platform().quote(guest()).value();
  const Quote parsed = parse_quote(quote).value();
  EXPECT_EQ(parsed.version, 4);
  EXPECT_EQ(parsed.signed_bytes.size(), 48u + 584u);
  EXPECT_EQ(parsed.report_data(), guest().report_data);
  EXPECT_EQ(parsed.signature.certification_type, CertificationType::pck_chain);
}

TEST(SimPlatform, VerifiesAndSaysThatItIsSimulated) {
  const Verdict verdict =
      verify(platform().quote(guest()).value(), platform().collateral(), root_of(platform()));
  EXPECT_EQ(verdict.text(), "UpToDate");
  EXPECT_TRUE(verdict.trusted());
  EXPECT_EQ(verdict.root, TrustedRootKind::simulated);
  EXPECT_TRUE(evaluate(verdict, policy_for(verdict), kNow).accepted());
}

TEST(SimPlatform, IsRefusedUnderIntelsRoot) {
  const Verdict verdict =
      verify(platform().quote(guest()).value(), platform().collateral(), TrustedRoot::intel());
  EXPECT_FALSE(verdict.trusted());
  EXPECT_EQ(verdict.faults.front().fault, Fault::pck_chain_untrusted);
}

TEST(SimPlatform, IsRefusedUnderAnotherPlatformsRoot) {
  const Verdict verdict =
      verify(platform().quote(guest()).value(), platform().collateral(), root_of(make_platform(2)));
  EXPECT_EQ(verdict.text(), "PCK_CHAIN_UNTRUSTED:root");
}

TEST(SimPlatform, IsRefusedByItsFmspcWhereTheRootPassesForReal) {
  const TrustedRoot root = TrustedRoot::stand_in_for_intel(platform().root_pem()).value();
  const Verdict verdict = verify(platform().quote(guest()).value(), platform().collateral(), root);
  EXPECT_EQ(verdict.text(), "FMSPC_RESERVED");
}

TEST(SimPlatform, IsRefusedByAPolicyForRealHardware) {
  const Verdict verdict =
      verify(platform().quote(guest()).value(), platform().collateral(), root_of(platform()));
  AttestationPolicy policy = policy_for(verdict);
  policy.root = TrustedRootKind::intel;
  const PolicyDecision decision = evaluate(verdict, policy, kNow);
  ASSERT_EQ(decision.refusals.size(), 1u);
  EXPECT_EQ(decision.refusals[0].code, "root_kind");
}

TEST(SimPlatform, SurvivesSavingAndLoading) {
  const sim::SimState state = platform().serialize().value();
  const sim::SimPlatform loaded =
      sim::SimPlatform::load(state.root_pem, state.collateral_json, state.keys_pem.view()).value();
  EXPECT_EQ(loaded.collateral_ends(), platform().collateral_ends());
  const Verdict verdict = verify(loaded.quote(guest()).value(),
                                 CollateralText::from_json(state.collateral_json).value(),
                                 TrustedRoot::simulated(state.root_pem).value());
  EXPECT_EQ(verdict.text(), "UpToDate");
}

TEST(SimPlatform, DoesNotLoadKeysOfAnotherPlatform) {
  const sim::SimState state = platform().serialize().value();
  const sim::SimState other = make_platform(2).serialize().value();
  const auto loaded =
      sim::SimPlatform::load(state.root_pem, state.collateral_json, other.keys_pem.view());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), "simulated_state_invalid");
}

TEST(SimPlatform, DoesNotLoadDamagedKeys) {
  const sim::SimState state = platform().serialize().value();
  Bytes pem = to_bytes(state.keys_pem.view());
  pem.resize(pem.size() / 2);
  EXPECT_FALSE(sim::SimPlatform::load(state.root_pem, state.collateral_json, pem));
  EXPECT_FALSE(sim::SimPlatform::load(state.root_pem, state.collateral_json, ByteView()));
}

TEST(SimPlatform, ItsCollateralEndsAndCanBeRenewed) {
  sim::SimPlatform p = make_platform();
  const Bytes quote = p.quote(guest()).value();
  const UnixTime later = p.collateral_ends() + Seconds(1);
  EXPECT_EQ(verify(quote, p.collateral(), root_of(p), later).text(),
            "EXPIRED:tcb_info,qe_identity,root_crl,pck_crl");
  ASSERT_TRUE(p.renew(later));
  EXPECT_EQ(verify(quote, p.collateral(), root_of(p), later).text(), "UpToDate");
}

TEST(SimPlatform, DrawsItsKeysFromTheGivenSource) {
  EXPECT_EQ(make_platform(7).keys().root.point(), make_platform(7).keys().root.point());
  EXPECT_NE(make_platform(7).keys().root.point(), make_platform(8).keys().root.point());
}

TEST(TrustedRoot, RefusesIntelsRootAsASimulatedOne) {
  const test::Vector real = test::load_vector("dcap/r01-tdx4-uptodate");
  const std::string& chain = *real.collateral.tcb_info.chain;
  const auto root = TrustedRoot::simulated(chain.substr(chain.find("-----BEGIN", 10)));
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code(), "root_is_intel");
}

TEST(TrustedRoot, RefusesACertificateThatIsNotSelfSigned) {
  const std::string& chain = platform().tcb_chain_pem();
  const auto root = TrustedRoot::simulated(chain.substr(0, chain.find("-----BEGIN", 10)));
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code(), "root_not_self_signed");
}

}  // namespace
}  // namespace cocoon::attest
