// What collateral must be before it is held, and whose it is worth asking for.

#include "collateral/held.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "attest/certificate_cache.h"
#include "support/seeded_random.h"
#include "support/sim_hardware.h"
#include "unit/attest/vectors.h"

namespace cocoon::collateral {
namespace {

using attest::test::load_vector;
using attest::test::Vector;
using ::testing::HasSubstr;

/// The genuine vector that most tests spoil.
const std::string kName = "dcap/r01-tdx4-uptodate";

std::string outcome(const Result<HeldPtr>& result) {
  return result ? "fit" : std::string(result.error().code()) + " " + result.error().detail();
}
std::string outcome(const Vector& v) {
  return outcome(examine(v.collateral, v.quote, v.root, v.now));
}

bool is_worth_asking(const Bytes& quote, const attest::TrustedRoot& root, UnixTime now) {
  const HeldPtr nothing = hold_unexamined({}, root);
  attest::CertificateCache cache(8);
  return lacks_only_collateral(attest::verify_quote(quote, *nothing->checked, now, cache));
}

/// Quotes and collateral under a root of the test's own.
class Workshop : public ::testing::Test {
 protected:
  test::SimMaterial make(const std::function<void(test::SimWorkshop&)>& edit) const {
    return test::make_sim_defect(test::hardware(test::kHardwareFmspc, edit), platform, {}, now);
  }
  std::string examined(const test::SimMaterial& material) const {
    return outcome(examine(material.collateral, material.quote, root, now));
  }

  const UnixTime now = unix_seconds(1'800'000'000);
  test::SplitMix random{1};
  const attest::sim::SimPlatform platform = attest::sim::SimPlatform::create(random, now).value();
  const attest::TrustedRoot root = test::stand_in_root(platform);
};

TEST(Examine, EveryPartIsNeeded) {
  const Vector whole = load_vector(kName);
  ASSERT_EQ(outcome(whole), "fit");
  for (const auto part : {&attest::CollateralText::root_crl, &attest::CollateralText::pck_crl}) {
    Vector less = whole;
    (less.collateral.*part).reset();
    EXPECT_THAT(outcome(less), HasSubstr("CRL_MISSING"));
  }
  for (const auto document :
       {&attest::CollateralText::tcb_info, &attest::CollateralText::qe_identity}) {
    Vector less = whole;
    less.collateral.*document = {};
    EXPECT_THAT(outcome(less), HasSubstr("_MISSING"));
    less = whole;
    (less.collateral.*document).chain.reset();
    EXPECT_THAT(outcome(less), HasSubstr("_SIGNATURE"));
  }
}

TEST(Examine, AChangedPartIsRefused) {
  const Vector whole = load_vector(kName);
  const auto spoil = [&](auto&& part_of) {
    Vector spoilt = whole;
    std::string& text = *part_of(spoilt.collateral);
    text[text.size() / 2] = text[text.size() / 2] == '0' ? '1' : '0';
    return outcome(spoilt);
  };
  EXPECT_THAT(spoil([](auto& c) { return &*c.tcb_info.text; }), HasSubstr("collateral_unfit"));
  EXPECT_THAT(spoil([](auto& c) { return &*c.tcb_info.signature; }),
              HasSubstr("TCB_INFO_SIGNATURE"));
  EXPECT_THAT(spoil([](auto& c) { return &*c.qe_identity.text; }), HasSubstr("collateral_unfit"));
  EXPECT_THAT(spoil([](auto& c) { return &*c.root_crl; }), HasSubstr("CRL_INVALID"));
  EXPECT_THAT(spoil([](auto& c) { return &*c.pck_crl; }), HasSubstr("CRL_INVALID"));
}

TEST(Examine, CollateralOutsideItsTimeIsRefused) {
  Vector vector = load_vector(kName);
  const UnixTime good = vector.now;
  vector.now = good + Seconds(400 * 24 * 3600);
  EXPECT_THAT(outcome(vector), HasSubstr("EXPIRED"));
  vector.now = good - Seconds(400 * 24 * 3600);
  EXPECT_THAT(outcome(vector), HasSubstr("NOT_YET_VALID"));
}

TEST(Examine, ExpiresTheMomentThatItNames) {
  Vector vector = load_vector(kName);
  const auto held = examine(vector.collateral, vector.quote, vector.root, vector.now);
  ASSERT_TRUE(held);
  EXPECT_LT((*held)->issued, vector.now);
  vector.now = (*held)->expires;
  EXPECT_EQ(outcome(vector), "fit");
  vector.now += Seconds(1);
  EXPECT_THAT(outcome(vector), HasSubstr("EXPIRED"));
}

TEST(Examine, UnderAnotherRootNothingIsGood) {
  Vector vector = load_vector(kName);
  test::SplitMix random{2};
  const auto platform = attest::sim::SimPlatform::create(random, vector.now).value();
  vector.root = test::stand_in_root(platform);
  EXPECT_THAT(outcome(vector), HasSubstr("collateral_unfit"));
}

TEST_F(Workshop, AnotherPlatformsCollateralIsRefused) {
  auto material = make({});
  material.collateral =
      test::make_sim_defect(test::hardware({1, 2, 3, 4, 5, 6}), platform, {}, now).collateral;
  EXPECT_THAT(examined(material), HasSubstr("TCB_INFO_MISMATCH:fmspc"));
}

TEST_F(Workshop, AForgedRevocationListIsRefused) {
  EXPECT_THAT(examined(make([](test::SimWorkshop& w) { w.crl_signer = &w.keys.tcb_signer; })),
              HasSubstr("CRL_INVALID"));
}

TEST_F(Workshop, TheIdentityOfAnotherKindOfEnclaveIsRefused) {
  EXPECT_THAT(examined(make([](test::SimWorkshop& w) { w.qe_identity.head.id = "QE"; })),
              HasSubstr("QE_IDENTITY_MISMATCH:id"));
}

TEST_F(Workshop, ThatThePlatformIsRevokedOrUnknownSaysNothingAgainstTheCollateral) {
  const std::function<void(test::SimWorkshop&)> platforms_faults[] = {
      [](test::SimWorkshop& w) { w.revoked_by_ca = {test::SimWorkshop::kPckSerial}; },
      [](test::SimWorkshop& w) { w.revoked_by_root = {test::SimWorkshop::kCaSerial}; },
      [](test::SimWorkshop& w) { w.tcb_info.levels.clear(); },
      [](test::SimWorkshop& w) { w.qe_identity.mr_signer.fill(1); },
  };
  for (const auto& fault : platforms_faults) EXPECT_EQ(examined(make(fault)), "fit");
}

TEST_F(Workshop, ARevokedSignerOfTheDocumentsIsRefused) {
  EXPECT_THAT(examined(make([](test::SimWorkshop& w) {
                w.revoked_by_root = {test::SimWorkshop::kTcbSignerSerial};
              })),
              HasSubstr("TCB_SIGNER_REVOKED"));
}

TEST_F(Workshop, NobodyAsksForASelfMadePlatform) {
  test::SplitMix other{3};
  const auto forger = attest::sim::SimPlatform::create(other, now).value();
  const auto material = test::make_sim_defect(test::hardware(), forger, {}, now);
  EXPECT_TRUE(is_worth_asking(material.quote, test::stand_in_root(forger), now));
  EXPECT_FALSE(is_worth_asking(material.quote, root, now));
}

TEST_F(Workshop, NobodyAsksForASimulatedPlatformUnderIntelsRoot) {
  const auto material = test::make_sim_defect(test::sim_defects().front(), platform, {}, now);
  EXPECT_FALSE(is_worth_asking(material.quote, root, now));
}

TEST_F(Workshop, NobodyAsksForAPlatformWhoseChainWasCopied) {
  // Chains are public: only the quote's signatures show that the platform made it.
  const std::set<std::string_view> kForged{"s15-qe-report-bad-signature", "s16-quote-bad-signature",
                                           "s17-attestation-key-not-bound"};
  std::size_t count = 0;
  for (const auto& defect : test::sim_defects()) {
    if (!kForged.contains(defect.id)) continue;
    ++count;
    const auto material = make(defect.apply);
    EXPECT_FALSE(is_worth_asking(material.quote, root, now)) << defect.id;
  }
  EXPECT_EQ(count, kForged.size());
  EXPECT_TRUE(is_worth_asking(make({}).quote, root, now));
}

TEST_F(Workshop, NobodyAsksForAPlatformWhoseCertificateHasEnded) {
  const auto quote =
      make([this](test::SimWorkshop& w) { w.pck_not_after = now - Seconds(1); }).quote;
  EXPECT_FALSE(is_worth_asking(quote, root, now));
}

/// All genuine quotes with their chain in them whose platform has a status.
TEST(Examine, FitsEveryGenuineVectorWithAStatus) {
  std::size_t count = 0;
  for (const std::string& name : attest::test::vector_names()) {
    if (!name.starts_with("dcap/")) continue;
    const Vector vector = load_vector(name);
    const bool status =
        tcb_status_from_string(attest::test::leading_word(vector.verdict)).has_value();
    if (!status || !platform_of(vector.quote)) continue;
    ++count;
    EXPECT_TRUE(is_worth_asking(vector.quote, vector.root, vector.now)) << name;
    EXPECT_EQ(outcome(vector), "fit") << name;
  }
  EXPECT_GE(count, 5U);
}

TEST(PlatformName, TellsPlatformsApart) {
  const Platform one{TeeKind::tdx, {0xb0, 0xc0, 0x6f, 0, 0, 0}, PckCa::platform};
  EXPECT_EQ(name_of(one), "tdx-b0c06f000000-platform");
  EXPECT_EQ(describe(one), "tdx b0c06f000000 (platform CA)");
  Platform other = one;
  other.ca = PckCa::processor;
  EXPECT_NE(name_of(other), name_of(one));
  other = one;
  other.tee = TeeKind::sgx;
  EXPECT_NE(name_of(other), name_of(one));
  other = one;
  other.fmspc[5] = 1;
  EXPECT_NE(name_of(other), name_of(one));
}

}  // namespace
}  // namespace cocoon::collateral
