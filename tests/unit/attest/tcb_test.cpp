#include "attest/tcb.h"

#include <gtest/gtest.h>

#include "attest/sim/documents.h"
#include "attest/sim/platform.h"
#include "attest/text.h"

namespace cocoon::attest {
namespace {

using S = TcbStatus;

/// The table of attestation.md section 1.3 step 11.
TEST(Converge, FollowsIntelsTable) {
  struct Case {
    S platform;
    S component;
    S result;
  };
  for (const Case& c : {
           Case{S::up_to_date, S::up_to_date, S::up_to_date},
           Case{S::up_to_date, S::out_of_date, S::out_of_date},
           Case{S::sw_hardening_needed, S::up_to_date, S::sw_hardening_needed},
           Case{S::sw_hardening_needed, S::out_of_date, S::out_of_date},
           Case{S::configuration_needed, S::up_to_date, S::configuration_needed},
           Case{S::configuration_needed, S::out_of_date, S::out_of_date_configuration_needed},
           Case{S::configuration_and_sw_hardening_needed, S::up_to_date,
                S::configuration_and_sw_hardening_needed},
           Case{S::configuration_and_sw_hardening_needed, S::out_of_date,
                S::out_of_date_configuration_needed},
           Case{S::out_of_date, S::up_to_date, S::out_of_date},
           Case{S::out_of_date, S::out_of_date, S::out_of_date},
           Case{S::out_of_date_configuration_needed, S::out_of_date,
                S::out_of_date_configuration_needed},
           Case{S::revoked, S::up_to_date, S::revoked},
           Case{S::up_to_date, S::revoked, S::revoked},
           Case{S::out_of_date_configuration_needed, S::revoked, S::revoked},
           Case{S::up_to_date, S::configuration_needed, S::configuration_needed},
           Case{S::up_to_date, S::out_of_date_configuration_needed,
                S::out_of_date_configuration_needed},
       }) {
    EXPECT_EQ(converge(c.platform, {c.component}), c.result)
        << to_string(c.platform) << " with " << to_string(c.component);
  }
}

TEST(Converge, CountsEachOfSeveralComponents) {
  EXPECT_EQ(converge(S::up_to_date, {S::up_to_date, S::out_of_date}), S::out_of_date);
  EXPECT_EQ(converge(S::up_to_date, {S::out_of_date, S::revoked}), S::revoked);
}

/// Section 1.3 step 12.
TEST(MergeRelaunch, FollowsIntelsTable) {
  for (const S current : {S::up_to_date, S::sw_hardening_needed}) {
    EXPECT_EQ(merge_relaunch(S::out_of_date, current), S::td_relaunch_advised);
    EXPECT_EQ(merge_relaunch(S::out_of_date_configuration_needed, current),
              S::td_relaunch_advised_configuration_needed);
  }
  for (const S current : {S::configuration_needed, S::configuration_and_sw_hardening_needed}) {
    EXPECT_EQ(merge_relaunch(S::out_of_date, current), S::td_relaunch_advised_configuration_needed);
  }
  EXPECT_EQ(merge_relaunch(S::out_of_date, S::out_of_date), S::out_of_date);
  EXPECT_EQ(merge_relaunch(S::out_of_date, S::out_of_date_configuration_needed), S::out_of_date);
  for (const S launch : {S::up_to_date, S::sw_hardening_needed, S::configuration_needed}) {
    EXPECT_EQ(merge_relaunch(launch, S::up_to_date), launch);
  }
}

TEST(MergeRelaunch, NeverHidesARevocation) {
  EXPECT_EQ(merge_relaunch(S::revoked, S::up_to_date), S::revoked);
  EXPECT_EQ(merge_relaunch(S::up_to_date, S::revoked), S::revoked);
}

IsvLevel isv(std::uint16_t svn) {
  return {svn, {S::up_to_date, {}, {}}};
}

TEST(FindIsvLevel, TakesTheFirstThatIsReached) {
  const std::vector<IsvLevel> levels{isv(6), isv(4), isv(2)};
  EXPECT_EQ(find_level(levels, 7)->isv_svn, 6);
  EXPECT_EQ(find_level(levels, 6)->isv_svn, 6);
  EXPECT_EQ(find_level(levels, 5)->isv_svn, 4);
  EXPECT_EQ(find_level(levels, 1), nullptr);
}

class PlatformLevels : public testing::Test {
 protected:
  PlatformLevels() {
    level_.sgx_components.fill(2);
    level_.pce_svn = 10;
    level_.tdx_components = {5, 3, 2};
    pck_.sgx_components.fill(2);
    pck_.pce_svn = 10;
  }
  bool reached(const ByteArray<16>* tee_tcb_svn) const {
    return find_level(std::vector{level_}, pck_, tee_tcb_svn) != nullptr;
  }

  PlatformLevel level_;
  PckExtension pck_;
};

TEST_F(PlatformLevels, NeedEverySgxComponent) {
  EXPECT_TRUE(reached(nullptr));
  for (std::size_t i = 0; i < 16; ++i) {
    pck_.sgx_components.fill(255);
    pck_.sgx_components[i] = 1;
    EXPECT_FALSE(reached(nullptr)) << i;
  }
}

TEST_F(PlatformLevels, NeedThePceSvn) {
  pck_.pce_svn = 9;
  EXPECT_FALSE(reached(nullptr));
  pck_.pce_svn = 300;
  EXPECT_TRUE(reached(nullptr));
}

TEST_F(PlatformLevels, CompareAllTdxComponentsOfAnOldModule) {
  const ByteArray<16> exact{5, 0, 2};
  const ByteArray<16> low_minor{4, 0, 2};
  level_.tdx_components = {5, 0, 2};
  EXPECT_TRUE(reached(&exact));
  EXPECT_FALSE(reached(&low_minor));
}

TEST_F(PlatformLevels, LeaveAVersionedModulesFirstTwoBytesToItsIdentity) {
  const ByteArray<16> versioned{0, 1, 2};
  const ByteArray<16> low_third{9, 9, 1};
  EXPECT_TRUE(reached(&versioned));
  EXPECT_FALSE(reached(&low_third));
}

class Modules : public testing::Test {
 protected:
  ModuleMatch match() const { return match_module(info_, svn_, signer_, attributes_); }

  TcbInfo info_ = sim::sim_tcb_info({}, {});
  ByteArray<16> svn_{5, 1, 3};
  TdxMeasurement signer_{};
  ByteArray<8> attributes_{};
};

TEST_F(Modules, AreFoundByTheirMajorVersionInHex) {
  EXPECT_EQ(match().identity, &info_.module_identities[0]);
  svn_[1] = 0x1A;
  EXPECT_TRUE(match().mismatch);
  info_.module_identities[0].id = "TDX_1A";
  EXPECT_FALSE(match().mismatch);
}

TEST_F(Modules, AreFoundWhateverTheCaseOfTheirId) {
  svn_[1] = 0x1A;
  info_.module_identities[0].id = "tdx_1a";
  EXPECT_FALSE(match().mismatch);
}

TEST_F(Modules, WithoutAVersionAreComparedWithTheOldEntry) {
  svn_[1] = 0;
  EXPECT_FALSE(match().mismatch);
  EXPECT_EQ(match().identity, nullptr);
  info_.module->mr_signer[0] = 1;
  EXPECT_EQ(match().mismatch->part, "mrsigner");
  info_.module.reset();
  EXPECT_TRUE(match().mismatch);
}

TEST_F(Modules, WithAttributesAreRefusedWhateverTheMask) {
  info_.module_identities[0].attributes_mask = {};
  attributes_[7] = 0x80;
  EXPECT_EQ(match().mismatch->part, "attributes");
}

TEST(ParseTcbInfo, SortsItsLevelsFromTheTop) {
  TcbInfo info = sim::sim_tcb_info({}, {});
  std::reverse(info.levels.begin(), info.levels.end());
  std::reverse(info.module_identities[0].levels.begin(), info.module_identities[0].levels.end());
  const TcbInfo parsed = parse_tcb_info(sim::encode_tcb_info(info)).value();
  EXPECT_EQ(parsed.levels[0].verdict.status, S::up_to_date);
  EXPECT_EQ(parsed.module_identities[0].levels[0].verdict.status, S::up_to_date);
}

TEST(ParseTcbInfo, SortsBySgxComponentsThenPceSvnThenTdxComponents) {
  TcbInfo info = sim::sim_tcb_info({}, {});
  PlatformLevel level = info.levels[0];
  info.levels.clear();
  for (const auto& [sgx, pce, tdx] :
       {std::tuple(1, 9, 9), std::tuple(2, 1, 1), std::tuple(2, 3, 1), std::tuple(2, 3, 2)}) {
    level.sgx_components[0] = static_cast<std::uint8_t>(sgx);
    level.pce_svn = static_cast<std::uint16_t>(pce);
    level.tdx_components[0] = static_cast<std::uint8_t>(tdx);
    info.levels.push_back(level);
  }
  const TcbInfo parsed = parse_tcb_info(sim::encode_tcb_info(info)).value();
  std::vector<int> order;
  for (const PlatformLevel& l : parsed.levels) {
    order.push_back(l.sgx_components[0] * 100 + l.pce_svn * 10 + l.tdx_components[0]);
  }
  EXPECT_EQ(order, (std::vector<int>{232, 231, 211, 199}));
}

TEST(ParseTcbInfo, MarksAStatusThatItsKindOfLevelCannotHave) {
  TcbInfo info = sim::sim_tcb_info({}, {});
  info.module_identities[0].levels[0].verdict.status = S::sw_hardening_needed;
  EXPECT_FALSE(parse_tcb_info(sim::encode_tcb_info(info))->head.statuses_known);
  info = sim::sim_tcb_info({}, {});
  info.levels[1].verdict.status = S::td_relaunch_advised;
  EXPECT_FALSE(parse_tcb_info(sim::encode_tcb_info(info))->head.statuses_known);
}

/// Replaces the first `from` in a good document; the result must be refused.
void expect_refused(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto parsed = parse_tcb_info(text);
  ASSERT_FALSE(parsed) << from << " as " << to;
  EXPECT_EQ(parsed.error().code(), "tcb_info_format");
}

TEST(ParseTcbInfo, RefusesMissingAndMalformedMembers) {
  const std::string good = sim::encode_tcb_info(sim::sim_tcb_info({}, {}));
  ASSERT_TRUE(parse_tcb_info(good));
  expect_refused(good, "\"fmspc\":\"434f53494d00\"", "\"fmspc\":\"434f53494d\"");
  expect_refused(good, "\"fmspc\":\"434f53494d00\"", "\"fmspc\":\"434f53494d0g\"");
  expect_refused(good, "\"fmspc\"", "\"fmspC\"");
  expect_refused(good, "\"tcbType\":0", "\"tcbType\":1");
  expect_refused(good, "\"pcesvn\":13", "\"pcesvn\":65536");
  expect_refused(good, "\"svn\":5", "\"svn\":256");
  expect_refused(good, "\"svn\":5", "\"svn\":5.0");
  expect_refused(good, "\"svn\":5", "\"svn\":\"5\"");
  expect_refused(good, "[{\"svn\":5},", "[");
  expect_refused(good, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+");
  expect_refused(good, "1970-01-01T00:00:00Z", "1970-02-30T00:00:00Z");
  expect_refused(good, "{\"id\"", "{\"id\":\"TDX\",\"id\"");
  expect_refused(good, "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcblevels\":[{\"tcb\":{\"sgx");
}

TEST(ParseTcbInfo, RefusesDeepNesting) {
  EXPECT_FALSE(parse_tcb_info(std::string(100'000, '[')));
  EXPECT_FALSE(parse_tcb_info("{\"a\":" + std::string(1000, '[') + std::string(1000, ']') + "}"));
}

TEST(ParseQeIdentity, ReadsMiscSelectAsABigEndianNumber) {
  QeIdentity identity = sim::sim_qe_identity({}, {});
  identity.misc_select = 0x01020304;
  const std::string text = sim::encode_qe_identity(identity);
  EXPECT_NE(text.find("\"miscselect\":\"01020304\""), std::string::npos);
  EXPECT_EQ(parse_qe_identity(text)->misc_select, 0x01020304u);
}

TEST(ParseUtc, ReadsIntelsFormAndNothingElse) {
  EXPECT_EQ(to_unix_seconds(parse_utc("2025-06-19T10:16:03Z").value()), 1'750'328'163u);
  EXPECT_EQ(format_utc(parse_utc("2024-02-29T23:59:59Z").value()), "2024-02-29T23:59:59Z");
  for (const char* bad :
       {"", "2025-06-19", "2025-06-19T10:16:03", "2025-13-19T10:16:03Z", "2025-06-31T10:16:03Z",
        "2025-06-19T24:16:03Z", "2025-06-19T10:60:03Z", "2025-06-19T10:16:60Z",
        "2025-06-19 10:16:03Z", "2025-6-019T10:16:03Z", "2025-06-19T10:16:03z",
        "+025-06-19T10:16:03Z", "2025-06-19T10:16:03ZZ"}) {
    EXPECT_FALSE(parse_utc(bad)) << bad;
  }
}

}  // namespace
}  // namespace cocoon::attest
