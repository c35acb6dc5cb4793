/// What a challenge's answer is bound to, and which quotes are none.

#include "attest/challenge.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "attest/quote.h"
#include "attest/sim/platform.h"
#include "crypto/system_random.h"
#include "unit/attest/vectors.h"
#include "unit/wire/samples.h"

namespace cocoon::attest {
namespace {

using cocoon::test::filled;

ChallengeFacts sample() {
  return {EvidenceRole::worker, filled<32>(1), filled<32>(2), filled<32>(3), filled<32>(4)};
}

TEST(ChallengeLeaf, ChangesWithEachFact) {
  std::set<Hash> seen{challenge_leaf(sample())};
  const std::vector<std::function<void(ChallengeFacts&)>> changes{
      [](ChallengeFacts& f) { f.answers = EvidenceRole::proxy; },
      [](ChallengeFacts& f) { f.nonce[31] ^= 1; },
      [](ChallengeFacts& f) { f.exporter[0] ^= 1; },
      [](ChallengeFacts& f) { f.proxy_leaf[0] ^= 1; },
      [](ChallengeFacts& f) { f.worker_leaf[0] ^= 1; },
      [](ChallengeFacts& f) { std::swap(f.proxy_leaf, f.worker_leaf); },
      [](ChallengeFacts& f) { std::swap(f.nonce, f.exporter); },
  };
  for (const auto& change : changes) {
    ChallengeFacts facts = sample();
    change(facts);
    EXPECT_TRUE(seen.insert(challenge_leaf(facts)).second);
  }
}

TEST(ChallengeReportData, ChangesWithRootAndSize) {
  const auto one = challenge_report_data(filled<32>(1), 1);
  EXPECT_NE(one, challenge_report_data(filled<32>(1), 2));
  EXPECT_NE(one, challenge_report_data(filled<32>(2), 1));
}

TEST(ChallengeReportData, IsNeverThatOfClaims) {
  // Whatever is hashed: the second halves differ, and check_binding() demands zeros of our nodes.
  const auto answer = challenge_report_data(filled<32>(1), 1);
  const auto claims = report_data_for(filled<32>(1));
  EXPECT_NE(to_bytes(ByteView(answer).last(32)), to_bytes(ByteView(claims).last(32)));
}

class CheckAnswer : public ::testing::Test {
 protected:
  static const sim::SimPlatform& platform() {
    static crypto::SystemRandom random;
    static const sim::SimPlatform kPlatform =
        sim::SimPlatform::create(random, unix_seconds(1'800'000'000)).value();
    return kPlatform;
  }
  static sim::SimTdReport guest() {
    sim::SimTdReport out;
    out.mr_td.fill(0x11);
    out.rtmr[3].fill(0x33);
    return out;
  }
  static Bytes quote(sim::SimTdReport td, const ByteArray<64>& report_data) {
    td.report_data = report_data;
    return platform().quote(td).value();
  }
  std::string refusal(ByteView answer) const {
    const Status status = check_answer(answer, report_data, shown);
    return status ? "" : std::string(status.error().code());
  }

  const ByteArray<64> report_data = challenge_report_data(filled<32>(1), 1);
  const Bytes shown = quote(guest(), report_data_for(filled<32>(9)));
};

TEST_F(CheckAnswer, TheCertificatesOwnQuoteIsNone) {
  EXPECT_EQ(refusal(shown), "answer_not_bound");
}

TEST_F(CheckAnswer, AQuoteOverAnotherBatchIsNone) {
  EXPECT_EQ(refusal(quote(guest(), challenge_report_data(filled<32>(2), 1))), "answer_not_bound");
}

TEST_F(CheckAnswer, AQuoteThatAgreesInTheFirstHalfOnlyIsNone) {
  ByteArray<64> half = report_data;
  std::fill(half.begin() + 32, half.end(), std::uint8_t{0});
  EXPECT_EQ(refusal(quote(guest(), half)), "answer_not_bound");
}

TEST_F(CheckAnswer, RubbishIsNone) {
  EXPECT_EQ(refusal({}), "quote_format");
  EXPECT_EQ(refusal(Bytes(5000, 4)), "quote_format");
}

TEST_F(CheckAnswer, AQuoteOfAnotherGuestIsNone) {
  using Td = sim::SimTdReport;
  const std::vector<std::pair<std::string, std::function<void(Td&)>>> changes{
      {"MRTD", [](Td& td) { td.mr_td[0] ^= 1; }},
      {"RTMR0", [](Td& td) { td.rtmr[0][0] ^= 1; }},
      {"RTMR1", [](Td& td) { td.rtmr[1][0] ^= 1; }},
      {"RTMR2", [](Td& td) { td.rtmr[2][0] ^= 1; }},
      {"RTMR3", [](Td& td) { td.rtmr[3][47] ^= 1; }},
      {"MRCONFIGID", [](Td& td) { td.mr_config_id[0] ^= 1; }},
      {"MROWNER", [](Td& td) { td.mr_owner[0] ^= 1; }},
      {"MROWNERCONFIG", [](Td& td) { td.mr_owner_config[0] ^= 1; }},
      {"set of TD attributes", [](Td& td) { td.td_attributes |= 1; }},
      {"XFAM", [](Td& td) { td.xfam ^= 1 << 9; }},
  };
  for (const auto& [field, change] : changes) {
    Td td = guest();
    change(td);
    const Status status = check_answer(quote(td, report_data), report_data, shown);
    ASSERT_FALSE(status) << field;
    EXPECT_EQ(status.error().code(), "answer_mismatch") << field;
    EXPECT_NE(status.error().detail().find("another " + field + " than"), std::string::npos)
        << status.error().detail();
  }
}

TEST_F(CheckAnswer, AQuoteOfAnotherKindOfEnvironmentIsNone) {
  const Bytes sgx =
      test::read_bytes(test::vector_dir() / "dcap/r02-sgx3-config-swhardening/quote.bin");
  const auto parsed = parse_quote(sgx);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->tee, TeeKind::sgx);
  const Status status = check_answer(sgx, parsed->report_data(), shown);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "answer_mismatch");
  EXPECT_TRUE(check_answer(sgx, parsed->report_data(), sgx)) << "of the same enclave";
}

TEST_F(CheckAnswer, AFreshQuoteOfTheSameGuestIsOne) {
  EXPECT_EQ(refusal(quote(guest(), report_data)), "");
}

}  // namespace
}  // namespace cocoon::attest
