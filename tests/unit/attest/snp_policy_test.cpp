#include <gtest/gtest.h>

#include "attest/policy.h"
#include "unit/attest/forged_snp.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::ForgedSnp;

/// A guest that the policy admits; each test spoils one thing.
class SnpGuest : public testing::Test {
 protected:
  SnpGuest() {
    forged_.list = forged_.revocation_list({});
    policy_.tees = {TeeKind::snp};
    policy_.snp.minimum_tcb = {{SnpProduct::milan, {0, 3, 4, 6, 200}}};
    policy_.images = {forged_.verify().image};
  }

  /// The codes of all refusals, joined.
  std::string refusals() const {
    std::string out;
    for (const Refusal& refusal : evaluate(forged_.verify(), policy_, forged_.now).refusals) {
      out += (out.empty() ? "" : ",") + std::string(refusal.code);
    }
    return out;
  }

  ForgedSnp forged_;
  AttestationPolicy policy_;
};

TEST_F(SnpGuest, IsAdmittedWhereAllIsInOrder) {
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsAdmittedBesideIntelsGuests) {
  policy_.tees = {TeeKind::tdx, TeeKind::snp};
  policy_.min_tcb_evaluation_number = 17;  // Intel's collateral only
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedByDefault) {
  policy_ = AttestationPolicy{};
  EXPECT_EQ(refusals(), "tee_kind,snp_product,image");
}

TEST_F(SnpGuest, IsRefusedUnderASimulatedRoot) {
  policy_.root = TrustedRootKind::simulated;
  EXPECT_EQ(refusals(), "root_kind");
}

TEST_F(SnpGuest, IsRefusedWhereItsReportDidNotVerify) {
  forged_.chip_id[0] ^= 1;
  EXPECT_NE(refusals().find("untrusted"), std::string::npos);
}

TEST_F(SnpGuest, IsRefusedInDebugMode) {
  forged_.policy |= snp_policy::kDebug;
  EXPECT_EQ(refusals(), "debug");
}

TEST_F(SnpGuest, IsRefusedWithAMigrationAgent) {
  forged_.policy |= snp_policy::kMigrationAgent;
  EXPECT_EQ(refusals(), "migratable");
}

TEST_F(SnpGuest, IsRefusedWithReservedPolicyBits) {
  forged_.policy |= 1ull << 26;
  EXPECT_EQ(refusals(), "snp_policy_reserved");
  forged_.policy = 0;
  EXPECT_EQ(refusals(), "snp_policy_reserved");
}

TEST_F(SnpGuest, IsRefusedBelowTheLeastAbi) {
  forged_.policy |= 0x0137;  // 1.55
  policy_.snp.min_abi_major = 1;
  policy_.snp.min_abi_minor = 55;
  EXPECT_EQ(refusals(), "");
  policy_.snp.min_abi_minor = 56;
  EXPECT_EQ(refusals(), "snp_abi");
  policy_.snp.min_abi_major = 2;
  policy_.snp.min_abi_minor = 0;
  EXPECT_EQ(refusals(), "snp_abi");
}

TEST_F(SnpGuest, IsRefusedWithSmtUnlessAllowed) {
  forged_.policy |= snp_policy::kSmt;
  EXPECT_EQ(refusals(), "snp_smt");
  policy_.snp.allow_smt = true;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, MayHaveToStayOnOneSocket) {
  policy_.snp.allow_multiple_sockets = false;
  EXPECT_EQ(refusals(), "snp_sockets");
  forged_.policy |= snp_policy::kSingleSocket;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedWithCxlMemory) {
  forged_.policy |= snp_policy::kCxl;
  EXPECT_EQ(refusals(), "snp_cxl");
}

TEST_F(SnpGuest, IsRefusedOnPlatformsWithUnknownBits) {
  forged_.platform_info = 1ull << 6;
  EXPECT_EQ(refusals(), "snp_platform_info");
  forged_.platform_info = snp_platform::kKnown;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, MayNeedAnAliasCheck) {
  policy_.snp.require_alias_check = true;
  EXPECT_EQ(refusals(), "snp_alias_check");
  forged_.platform_info = snp_platform::kAliasCheck;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedAtALowerPrivilege) {
  forged_.vmpl = 1;
  EXPECT_EQ(refusals(), "snp_vmpl");
  policy_.snp.max_vmpl = 1;
  EXPECT_EQ(refusals(), "");
  forged_.vmpl = 0xFFFFFFFF;
  EXPECT_EQ(refusals(), "snp_vmpl");
}

TEST_F(SnpGuest, IsRefusedOnAProductThatIsNotListed) {
  policy_.snp.minimum_tcb = {{SnpProduct::genoa, {}}};
  EXPECT_EQ(refusals(), "snp_product");
}

TEST_F(SnpGuest, IsRefusedBelowTheLeastTcbInAnyPart) {
  for (std::uint8_t SnpTcb::*part :
       {&SnpTcb::fmc, &SnpTcb::boot_loader, &SnpTcb::tee, &SnpTcb::snp, &SnpTcb::microcode}) {
    SnpTcb floor{0, 3, 4, 6, 200};
    ++(floor.*part);
    policy_.snp.minimum_tcb = {{SnpProduct::milan, floor}};
    EXPECT_EQ(refusals(), "snp_tcb,snp_tcb,snp_tcb,snp_tcb");
  }
}

TEST_F(SnpGuest, IsRefusedWhereItWasLaunchedOnAnOlderTcb) {
  --forged_.launch[7];
  EXPECT_EQ(refusals(), "snp_tcb");
}

TEST_F(SnpGuest, IsRefusedOnFirmwareThatCanBeRolledBack) {
  forged_.current[7] = 201;
  EXPECT_EQ(refusals(), "snp_provisional");
  policy_.snp.allow_provisional_firmware = true;
  EXPECT_EQ(refusals(), "");
  forged_.committed[7] = 199;
  EXPECT_EQ(refusals(), "snp_tcb");
  forged_.committed[7] = forged_.current[7] = 200;
  policy_.snp.allow_provisional_firmware = false;
  forged_.firmware.build = 10;
  EXPECT_EQ(refusals(), "snp_provisional");
}

TEST_F(SnpGuest, IsRefusedWithAMaskedChipUnlessAllowed) {
  forged_.chip_id = {};
  EXPECT_EQ(refusals(), "snp_chip_masked");
  policy_.snp.allow_masked_chip_id = true;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedUnderAProvidersKeyUnlessListed) {
  forged_.use_vlek();
  EXPECT_EQ(refusals(), "snp_vlek");
  policy_.snp.vlek_providers = {"Another Cloud"};
  EXPECT_EQ(refusals(), "snp_vlek");
  policy_.snp.vlek_providers = {"Example Cloud"};
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedWithoutARevocationListUnlessAllowed) {
  forged_.list.reset();
  EXPECT_EQ(refusals(), "snp_no_revocation_list");
  policy_.snp.allow_missing_revocation_list = true;
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, IsRefusedWithAnOldRevocationListOrNone) {
  const Seconds age = std::chrono::floor<Seconds>(forged_.now - forged_.from);
  policy_.max_collateral_age = age;
  EXPECT_EQ(refusals(), "");
  policy_.max_collateral_age = age - Seconds(1);
  EXPECT_EQ(refusals(), "collateral_too_old");
  forged_.list.reset();
  policy_.snp.allow_missing_revocation_list = true;
  policy_.max_collateral_age = age;
  EXPECT_EQ(refusals(), "collateral_too_old");
}

TEST_F(SnpGuest, MayNeedAnIdKeyOfAList) {
  policy_.snp.id_keys.emplace();
  EXPECT_EQ(refusals(), "snp_id_key");
  policy_.snp.id_keys = {forged_.id_key};
  EXPECT_EQ(refusals(), "");
}

TEST_F(SnpGuest, MayNeedAnAuthorKeyOfAList) {
  policy_.snp.author_keys = {forged_.author_key};
  EXPECT_EQ(refusals(), "snp_author_key") << "the flag says that there is none";
  forged_.flags = 1;
  EXPECT_EQ(refusals(), "");
  policy_.snp.author_keys = {SnpDigest{}};
  EXPECT_EQ(refusals(), "snp_author_key");
}

TEST_F(SnpGuest, MayNeedAPlatformOfAList) {
  policy_.platforms.emplace();
  EXPECT_EQ(refusals(), "platform");
  policy_.platforms = {snp_platform_id(forged_.chip_id)};
  EXPECT_EQ(refusals(), "");
  forged_.use_vlek();
  policy_.snp.vlek_providers = {"Example Cloud"};
  EXPECT_EQ(refusals(), "platform") << "a VLEK belongs to no chip";
}

TEST_F(SnpGuest, NeedsAnImageOfTheList) {
  forged_.measurement[0] ^= 1;
  EXPECT_EQ(refusals(), "image");
}

TEST(SnpVector, OfMilanIsRefusedForBeingInDebugMode) {
  const auto dir = test::vector_dir() / "snp";
  const UnixTime now = parse_utc("2022-09-24T01:00:00Z").value();
  const SnpCertificates certificates{
      test::read_bytes(dir / "milan-vcek.der"), test::read_text(dir / "milan-ask-ark.pem"), {}};
  const Verdict verdict = verify_snp_report(test::read_bytes(dir / "milan-report.bin"),
                                            certificates, SnpRoots::amd(), now);
  AttestationPolicy policy;
  policy.tees = {TeeKind::snp};
  policy.images = {verdict.image};
  policy.snp.minimum_tcb = {{SnpProduct::milan, {}}};
  policy.snp.allow_smt = true;
  policy.snp.allow_missing_revocation_list = true;
  const PolicyDecision decision = evaluate(verdict, policy, now);
  ASSERT_EQ(decision.refusals.size(), 1u);
  EXPECT_EQ(decision.refusals[0].code, "debug");
}

}  // namespace
}  // namespace cocoon::attest
