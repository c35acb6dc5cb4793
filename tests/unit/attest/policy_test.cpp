#include "attest/policy.h"

#include <gtest/gtest.h>

#include "attest/text.h"
#include "unit/attest/sim_platform.h"

namespace cocoon::attest {
namespace {

using test::kNow;

constexpr std::uint64_t kSeptVeDisable = 1ull << 28;

/// A verdict that the default policy, with the image listed, admits; each test spoils one thing.
class Policy : public testing::Test {
 protected:
  Policy() {
    TdReport td;
    td.td_attributes = kSeptVeDisable;
    td.xfam = 0xE7;
    verdict_.body = td;
    verdict_.tee = TeeKind::tdx;
    verdict_.image = image_hash(td);
    verdict_.platform = PckExtension{};
    verdict_.platform->ppid.bytes.fill(1);
    verdict_.platform->platform_instance_id = PlatformId{};
    verdict_.platform->platform_instance_id->bytes.fill(2);
    verdict_.status = TcbStatus::up_to_date;
    verdict_.tcb_evaluation_number = 17;
    verdict_.collateral_issued = kNow - Seconds(3600);
    verdict_.expires = kNow + Seconds(3600);
    policy_.images = {verdict_.image};
  }

  TdReport& td() { return std::get<TdReport>(*verdict_.body); }

  /// The codes of all refusals, joined.
  std::string refusals(UnixTime now = kNow) const {
    std::string out;
    for (const Refusal& refusal : evaluate(verdict_, policy_, now, allowances_).refusals) {
      out += (out.empty() ? "" : ",") + std::string(refusal.code);
    }
    return out;
  }

  Verdict verdict_;
  AttestationPolicy policy_;
  Allowances allowances_;
};

TEST_F(Policy, AdmitsWhatItShould) {
  EXPECT_EQ(refusals(), "");
}

TEST_F(Policy, AdmitsNobodyByDefault) {
  policy_ = AttestationPolicy{};
  EXPECT_EQ(refusals(), "image");
}

TEST_F(Policy, RefusesAnEmptyVerdict) {
  verdict_ = Verdict{};
  EXPECT_NE(refusals().find("untrusted"), std::string::npos);
}

TEST_F(Policy, RefusesAnyFaultWhateverTheStatus) {
  verdict_.faults.push_back({Fault::crl_missing, "pck_crl"});
  EXPECT_EQ(refusals(), "untrusted");
}

TEST_F(Policy, RefusesAVerdictWithoutStatus) {
  verdict_.status.reset();
  EXPECT_EQ(refusals(), "untrusted");
}

TEST_F(Policy, KeepsRealAndSimulatedRootsApart) {
  verdict_.root = TrustedRootKind::simulated;
  EXPECT_EQ(refusals(), "root_kind");
  policy_.root = TrustedRootKind::simulated;
  EXPECT_EQ(refusals(), "");
  verdict_.root = TrustedRootKind::intel;
  EXPECT_EQ(refusals(), "root_kind");
}

TEST_F(Policy, RefusesAVerdictThatHasExpired) {
  EXPECT_EQ(refusals(verdict_.expires), "");
  EXPECT_EQ(refusals(verdict_.expires + Millis(1)), "verdict_expired");
}

TEST_F(Policy, RefusesCollateralOlderThanItsLimit) {
  policy_.max_collateral_age = Seconds(3600);
  EXPECT_EQ(refusals(), "");
  policy_.max_collateral_age = Seconds(3599);
  EXPECT_EQ(refusals(), "collateral_too_old");
}

TEST_F(Policy, RefusesEveryStatusThatIsNotListed) {
  for (const TcbStatus status :
       {TcbStatus::sw_hardening_needed, TcbStatus::configuration_needed,
        TcbStatus::configuration_and_sw_hardening_needed, TcbStatus::out_of_date,
        TcbStatus::out_of_date_configuration_needed, TcbStatus::td_relaunch_advised,
        TcbStatus::td_relaunch_advised_configuration_needed, TcbStatus::revoked}) {
    verdict_.status = status;
    policy_.tcb_statuses = {TcbStatus::up_to_date};
    EXPECT_EQ(refusals(), "tcb_status") << cocoon::to_string(status);
    policy_.tcb_statuses.push_back(status);
    EXPECT_EQ(refusals(), status == TcbStatus::revoked ? "tcb_status" : "")
        << cocoon::to_string(status);
  }
}

TEST_F(Policy, ToleratesAStatusWhoseAdvisoriesAreAllListed) {
  verdict_.status = TcbStatus::out_of_date;
  verdict_.advisories = {"INTEL-SA-00001", "INTEL-SA-00002"};
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow}};
  EXPECT_EQ(refusals(), "tcb_status");
  policy_.tcb_grace.push_back({"INTEL-SA-00002", kNow});
  EXPECT_EQ(refusals(), "");
}

TEST_F(Policy, ToleratesNothingAfterItsDate) {
  verdict_.status = TcbStatus::sw_hardening_needed;
  verdict_.advisories = {"INTEL-SA-00001"};
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow}};
  EXPECT_EQ(refusals(kNow), "");
  EXPECT_EQ(refusals(kNow + Millis(1)), "tcb_status");
}

TEST_F(Policy, SaysWhenWhatItToleratesEnds) {
  verdict_.status = TcbStatus::out_of_date;
  verdict_.advisories = {"INTEL-SA-00001", "INTEL-SA-00002"};
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow + Millis(9)},
                       {"INTEL-SA-00002", kNow + Millis(5)},
                       {"INTEL-SA-00002", kNow + Millis(7)},
                       {"INTEL-SA-00002", kNow + Millis(6)},
                       {"INTEL-SA-00003", kNow + Millis(1)}};
  EXPECT_EQ(evaluate(verdict_, policy_, kNow).expires, kNow + Millis(7));
}

TEST_F(Policy, ADateOfNoConsequenceEndsNothing) {
  verdict_.advisories = {"INTEL-SA-00001"};
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow + Millis(1)}};
  EXPECT_EQ(evaluate(verdict_, policy_, kNow).expires, UnixTime::max());
}

TEST_F(Policy, SaysWhenItsCollateralGetsTooOld) {
  verdict_.collateral_issued = kNow - Seconds(10);
  policy_.max_collateral_age = Seconds(60);
  EXPECT_EQ(evaluate(verdict_, policy_, kNow).expires, kNow + Seconds(50));
  policy_.max_collateral_age = Seconds::max();
  EXPECT_GT(evaluate(verdict_, policy_, kNow).expires, kNow + Seconds(1'000'000'000));
}

TEST_F(Policy, EndsWithTheFirstOfItsDates) {
  verdict_.collateral_issued = kNow;
  verdict_.status = TcbStatus::out_of_date;
  verdict_.advisories = {"INTEL-SA-00001"};
  for (const auto& [age, grace] : {std::pair(5, 9), std::pair(9, 5)}) {
    policy_.max_collateral_age = Seconds(age);
    policy_.tcb_grace = {{"INTEL-SA-00001", kNow + Seconds(grace)}};
    EXPECT_EQ(evaluate(verdict_, policy_, kNow).expires, kNow + Seconds(5));
  }
}

TEST_F(Policy, ToleratesNoStatusWithoutAdvisories) {
  verdict_.status = TcbStatus::configuration_needed;
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow}};
  EXPECT_EQ(refusals(), "tcb_status");
}

TEST_F(Policy, ToleratesNoRevokedPlatform) {
  verdict_.status = TcbStatus::revoked;
  verdict_.advisories = {"INTEL-SA-00001"};
  policy_.tcb_grace = {{"INTEL-SA-00001", kNow}};
  EXPECT_EQ(refusals(), "tcb_status");
}

TEST_F(Policy, HoldsAFloorOfTheTcbEvaluationNumber) {
  policy_.min_tcb_evaluation_number = 17;
  EXPECT_EQ(refusals(), "");
  policy_.min_tcb_evaluation_number = 18;
  EXPECT_EQ(refusals(), "tcb_evaluation_number");
}

TEST_F(Policy, RefusesEnclavesUnlessListed) {
  const SgxReport enclave;
  verdict_.body = enclave;
  verdict_.tee = TeeKind::sgx;
  verdict_.image = image_hash(enclave);
  policy_.images = {verdict_.image};
  EXPECT_EQ(refusals(), "tee_kind");
  policy_.tees = {TeeKind::sgx};
  EXPECT_EQ(refusals(), "");
  verdict_.debug = true;
  EXPECT_EQ(refusals(), "debug");
}

TEST_F(Policy, RefusesADebugGuest) {
  verdict_.debug = true;
  td().td_attributes |= 1;
  EXPECT_EQ(refusals(), "debug,td_attributes");
}

TEST_F(Policy, LetsDebugPassForThoseWhoOnlyLook) {
  verdict_.debug = true;
  td().td_attributes |= 1;
  allowances_.debug = true;
  EXPECT_EQ(refusals(), "");
  td().td_attributes |= 2;
  EXPECT_EQ(refusals(), "td_attributes");
}

TEST_F(Policy, LetsEachOtherBitPassAlone) {
  td().td_attributes = 1ull << 29;
  EXPECT_EQ(refusals(), "sept_ve_enabled,migratable");
  allowances_.sept_ve = true;
  EXPECT_EQ(refusals(), "migratable");
  allowances_ = {};
  allowances_.migratable = true;
  EXPECT_EQ(refusals(), "sept_ve_enabled");
}

TEST_F(Policy, RefusesUntrustedAndReservedAttributes) {
  constexpr std::uint64_t kAdmitted =
      1ull << 16 | 1ull << 27 | 1ull << 28 | 1ull << 30 | 1ull << 31 | 1ull << 62 | 1ull << 63;
  for (int bit = 0; bit < 64; ++bit) {
    td().td_attributes = kSeptVeDisable | 1ull << bit;
    const bool admitted = (kAdmitted >> bit & 1) != 0;
    EXPECT_EQ(refusals(), admitted ? "" : bit == 29 ? "migratable" : "td_attributes") << bit;
  }
}

TEST_F(Policy, RefusesAGuestThatTakesExceptionsFromItsHost) {
  td().td_attributes = 0;
  EXPECT_EQ(refusals(), "sept_ve_enabled");
}

TEST_F(Policy, RefusesAServiceGuestThatIsNotListed) {
  td().current.emplace();
  EXPECT_EQ(refusals(), "");
  td().current->mr_service_td[47] = 1;
  EXPECT_EQ(refusals(), "service_td");
  policy_.service_tds = {td().current->mr_service_td};
  EXPECT_EQ(refusals(), "");
  td().extended.emplace();
  EXPECT_EQ(refusals(), "");
  td().extended->current_service_td_hash[0] = 1;
  EXPECT_EQ(refusals(), "service_td");
  td().extended->current_service_td_hash[0] = 0;
  td().extended->init_service_td_hash[0] = 1;
  EXPECT_EQ(refusals(), "service_td");
}

TEST_F(Policy, RefusesFeaturesOutsideXfam) {
  td().xfam = 0x2;
  EXPECT_EQ(refusals(), "xfam");
  td().xfam = 0x3 | 1ull << 19;
  EXPECT_EQ(refusals(), "xfam");
  policy_.allowed_xfam |= 1ull << 19;
  EXPECT_EQ(refusals(), "");
}

TEST_F(Policy, RefusesATdxModuleThatIsNotListed) {
  policy_.tdx_modules.emplace();
  EXPECT_EQ(refusals(), "tdx_module");
  policy_.tdx_modules->push_back(td().mr_seam);
  EXPECT_EQ(refusals(), "");
}

TEST_F(Policy, RefusesAPlatformThatIsNotListed) {
  policy_.platforms.emplace();
  EXPECT_EQ(refusals(), "platform");
  policy_.platforms = {verdict_.platform->ppid};
  EXPECT_EQ(refusals(), "");
  policy_.platforms = {*verdict_.platform->platform_instance_id};
  EXPECT_EQ(refusals(), "");
}

TEST_F(Policy, RefusesAnImageThatIsNotListed) {
  policy_.images->front().bytes[31] ^= 1;
  EXPECT_EQ(refusals(), "image");
}

TEST_F(Policy, TurnsItsFirstRefusalIntoAnError) {
  verdict_.status = TcbStatus::out_of_date;
  const Status status = evaluate(verdict_, policy_, kNow).status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), ErrorKind::attestation);
  EXPECT_EQ(status.error().code(), "tcb_status");
}

TEST(ImageHashText, ReadsAndWritesHex) {
  const std::string text(64, 'a');
  EXPECT_EQ(ImageHash::from_hex(text)->to_hex(), text);
  EXPECT_FALSE(ImageHash::from_hex(text.substr(1)));
  EXPECT_FALSE(ImageHash::from_hex(std::string(64, 'g')));
}

TEST(PlatformIdText, ReadsAndWritesHex) {
  EXPECT_EQ(PlatformId::from_hex(std::string(32, 'B'))->to_hex(), std::string(32, 'b'));
  EXPECT_FALSE(PlatformId::from_hex(std::string(34, 'b')));
}

TEST(AdvisoryGraceText, HasAnAdvisoryAndATime) {
  const auto grace = AdvisoryGrace::from_text("INTEL-SA-00615 until 2026-12-31T00:00:00Z");
  ASSERT_TRUE(grace);
  EXPECT_EQ(grace->advisory, "INTEL-SA-00615");
  EXPECT_EQ(grace->until, parse_utc("2026-12-31T00:00:00Z"));
  for (const char* bad :
       {"", "INTEL-SA-00615", "INTEL-SA-00615 until 2026-12-31",
        "INTEL-SA- until 2026-12-31T00:00:00Z", "* until 2026-12-31T00:00:00Z",
        "INTEL-SA-1x until 2026-12-31T00:00:00Z", "INTEL-SA-00615 until 2026-12-31T00:00:00Z "}) {
    EXPECT_FALSE(AdvisoryGrace::from_text(bad)) << bad;
  }
}

TEST(AdvisoryGraceText, MayHaveEndedBeforeAnyClockBegan) {
  const auto grace = AdvisoryGrace::from_text("INTEL-SA-00615 until 1013-12-31T00:00:00Z");
  ASSERT_TRUE(grace);
  EXPECT_EQ(grace->until, std::chrono::system_clock::time_point{});
}

TEST(AdvisoryGraceText, MayLastForEver) {
  const auto grace = AdvisoryGrace::from_text("INTEL-SA-00615 until 9999-12-31T23:59:59Z");
  ASSERT_TRUE(grace);
  EXPECT_GT(grace->until, parse_utc("2262-01-01T00:00:00Z"));
}

TEST(TcbStatusText, ReadsWhatItWrites) {
  for (int i = 0; i <= static_cast<int>(TcbStatus::revoked); ++i) {
    const auto status = static_cast<TcbStatus>(i);
    EXPECT_EQ(tcb_status_from_string(cocoon::to_string(status)), status);
  }
  EXPECT_FALSE(tcb_status_from_string("uptodate"));
  EXPECT_FALSE(tcb_status_from_string(""));
}

}  // namespace
}  // namespace cocoon::attest
