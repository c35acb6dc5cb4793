#include <gtest/gtest.h>

#include <thread>

#include "attest/policy.h"
#include "attest/verify.h"
#include "crypto/hash.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

Verdict verify(const test::Vector& vector) {
  return verify_quote(vector.quote, Collateral::parse(vector.collateral), vector.root, vector.now);
}

/// The strict policy of MANIFEST.md (UpToDate, no debug, SEPT_VE_DISABLE), with the image listed.
AttestationPolicy strict_policy(const Verdict& verdict) {
  AttestationPolicy policy;
  policy.tees = {TeeKind::sgx, TeeKind::tdx};
  policy.images = {verdict.image};
  return policy;
}

class PublicVector : public testing::TestWithParam<std::string> {};

TEST_P(PublicVector, GivesItsVerdict) {
  const test::Vector vector = test::load_vector(GetParam());
  const Verdict verdict = verify(vector);
  EXPECT_EQ(test::leading_word(verdict.text()), test::leading_word(vector.verdict))
      << verdict.text() << " instead of " << vector.verdict;
  EXPECT_EQ(verdict.text().find("+DEBUG") != std::string::npos,
            vector.verdict.find("+DEBUG") != std::string::npos);
  const bool is_status = tcb_status_from_string(test::leading_word(vector.verdict)).has_value();
  EXPECT_EQ(verdict.trusted(), is_status);
}

TEST_P(PublicVector, IsAcceptedByTheStrictPolicyAsItShould) {
  const test::Vector vector = test::load_vector(GetParam());
  const Verdict verdict = verify(vector);
  const PolicyDecision decision = evaluate(verdict, strict_policy(verdict), vector.now);
  EXPECT_EQ(decision.accepted(), vector.strict_accept)
      << (decision.accepted() ? "" : decision.refusals.front().detail);
}

TEST_P(PublicVector, IsAcceptedByNobodyWithoutListedImages) {
  const test::Vector vector = test::load_vector(GetParam());
  const Verdict verdict = verify(vector);
  AttestationPolicy policy = strict_policy(verdict);
  policy.images->clear();
  EXPECT_FALSE(evaluate(verdict, policy, vector.now).accepted());
  policy.images.reset();
  EXPECT_FALSE(evaluate(verdict, policy, vector.now).accepted());
}

TEST_P(PublicVector, GivesTheSameWithEverythingCached) {
  const test::Vector vector = test::load_vector(GetParam());
  const CheckedCollateral checked(Collateral::parse(vector.collateral), vector.root);
  CertificateCache cache;
  const Verdict first = verify_quote(vector.quote, checked, vector.now, cache);
  const Verdict second = verify_quote(vector.quote, checked, vector.now, cache);
  EXPECT_EQ(first.text(), verify(vector).text());
  EXPECT_EQ(second.text(), first.text());
}

INSTANTIATE_TEST_SUITE_P(All, PublicVector, testing::ValuesIn(test::vector_names()),
                         [](const auto& parameter) { return test::test_name(parameter.param); });

/// MANIFEST.md names these statuses in brackets behind CRL_MISSING.
TEST(MissingCrls, LeaveTheStatusVisibleAndTheVerdictUntrusted) {
  const Verdict tdx = verify(test::load_vector("dcap/r14-tdx4-uptodate-no-crls"));
  EXPECT_EQ(tdx.status, TcbStatus::up_to_date);
  EXPECT_FALSE(tdx.trusted());
  const Verdict sgx = verify(test::load_vector("dcap/r15-sgx3-swhardening-no-crls"));
  EXPECT_EQ(sgx.status, TcbStatus::sw_hardening_needed);
  EXPECT_FALSE(sgx.trusted());
}

TEST(Verdict, NamesThePartsThatAreOutOfDate) {
  const std::string parts = "tcb_info,qe_identity,pck_crl";
  EXPECT_EQ(verify(test::load_vector("dcap/r11-tdx4-collateral-expired")).text(),
            "EXPIRED:" + parts);
  EXPECT_EQ(verify(test::load_vector("dcap/r12-tdx4-collateral-not-yet-valid")).text(),
            "NOT_YET_VALID:" + parts);
}

TEST(Verdict, HasTheAdvisoriesOfAllParts) {
  const Verdict verdict =
      verify(test::load_vector("dcap-synthetic/t24-advisories-of-qe-and-platform"));
  EXPECT_EQ(verdict.advisories,
            (std::vector<std::string>{"INTEL-SA-00477", "INTEL-SA-00615", "INTEL-SA-00657"}));
}

TEST(Verdict, HasTheEarliestTcbDate) {
  // Platform of 2024-03-13, quoting enclave of 2023-08-09.
  const Verdict verdict =
      verify(test::load_vector("dcap-synthetic/s07-qe-outofdate-on-swhardening"));
  EXPECT_EQ(format_utc(verdict.tcb_date), "2023-08-09T00:00:00Z");
}

TEST(Verdict, ExpiresWithTheFirstThingThatItRestsOn) {
  // The PCK revocation list ends first here.
  const Verdict verdict = verify(test::load_vector("dcap/r01-tdx4-uptodate"));
  EXPECT_EQ(format_utc(verdict.expires), "2025-07-19T10:00:35Z");
  EXPECT_EQ(format_utc(verdict.collateral_issued), "2025-06-19T10:16:03Z");
}

TEST(Verdict, KeepsThePartsOfAConvergedStatus) {
  const Verdict verdict =
      verify(test::load_vector("dcap/r06-tdx4-platform-outofdate-module-uptodate"));
  EXPECT_EQ(verdict.launch.platform, TcbStatus::out_of_date);
  EXPECT_EQ(verdict.launch.module, TcbStatus::up_to_date);
  EXPECT_EQ(verdict.launch.qe, TcbStatus::up_to_date);
  EXPECT_EQ(verdict.status, TcbStatus::out_of_date);
}

TEST(Verdict, NamesThePlatform) {
  const Verdict verdict = verify(test::load_vector("dcap/r01-tdx4-uptodate"));
  ASSERT_TRUE(verdict.platform);
  EXPECT_EQ(encode_hex(verdict.platform->fmspc), "b0c06f000000");
  EXPECT_EQ(encode_hex(verdict.platform->pce_id), "0000");
  EXPECT_NE(verdict.platform->ppid, PlatformId{});
  EXPECT_TRUE(verdict.platform->platform_instance_id);
  EXPECT_EQ(verdict.tcb_evaluation_number, 17u);
}

/// The preimage as ImageHash documents it, put together by hand.
TEST(ImageHash, IsTheDocumentedHashOfTheMeasurements) {
  const test::Vector vector = test::load_vector("dcap/r01-tdx4-uptodate");
  const ByteView body = ByteView(vector.quote).subspan(48, 584);
  Bytes preimage = to_bytes(as_bytes("cocoon-image-tdx-v1"));
  preimage.push_back(0);
  append(preimage, body.subspan(136, 48));      // MRTD
  append(preimage, body.subspan(328, 3 * 48));  // RTMR0 to RTMR2
  append(preimage, body.subspan(184, 48));      // MRCONFIGID
  EXPECT_EQ(verify(vector).image.bytes, crypto::sha256(preimage));
}

TEST(ImageHash, OfAnEnclaveIsTheDocumentedHash) {
  const test::Vector vector = test::load_vector("dcap-synthetic/s03-sgx3-uptodate");
  const ByteView body = ByteView(vector.quote).subspan(48, 384);
  Bytes preimage = to_bytes(as_bytes("cocoon-image-sgx-v1"));
  preimage.push_back(0);
  append(preimage, body.subspan(64, 32));
  append(preimage, body.subspan(128, 32));
  append(preimage, body.subspan(256, 4));
  EXPECT_EQ(verify(vector).image.bytes, crypto::sha256(preimage));
}

TEST(RawVector, AQuoteWithoutItsChainIsRefused) {
  test::Vector vector = test::load_vector("dcap/r15-sgx3-swhardening-no-crls");
  vector.quote = test::read_bytes(test::vector_dir() / "raw/quote_v3_ecdsa_p256_eppid.bin");
  const Quote quote = parse_quote(vector.quote).value();
  EXPECT_EQ(quote.signature.certification_type, CertificationType::ppid_rsa3072);
  EXPECT_EQ(verify(vector).text(), "PCK_CHAIN_MISSING");
}

TEST(RawVector, BytesAfterTheQuoteAreIgnored) {
  test::Vector vector = test::load_vector("dcap/r14-tdx4-uptodate-no-crls");
  vector.quote = test::read_bytes(test::vector_dir() / "raw/quote_v4_tdx_ecdsa_p256_trailing.bin");
  EXPECT_EQ(test::leading_word(verify(vector).text()), "CRL_MISSING");
}

TEST(RawVector, APcsResponseIsTakenApartToTheSignedBytes) {
  const std::string body = test::read_text(test::vector_dir() / "raw/pcs-tcbinfo-response.json");
  test::Vector vector = test::load_vector("dcap/r08-tdx4-debug-td");
  const std::optional<std::string> chain = vector.collateral.tcb_info.chain;
  vector.collateral.tcb_info = split_pcs_response(body, "tcbInfo").value();
  vector.collateral.tcb_info.chain = chain;
  EXPECT_EQ(verify(vector).text(), "UpToDate+DEBUG");
}

/// The shape of a proxy's work: many threads, one collateral, one cache.
TEST(VerifyQuote, ServesSeveralThreads) {
  const test::Vector vector = test::load_vector("dcap/r04-tdx5-uptodate");
  const CheckedCollateral checked(Collateral::parse(vector.collateral), vector.root);
  CertificateCache cache;
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        result += verify_quote(vector.quote, checked, vector.now, cache).text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string five = "UpToDateUpToDateUpToDateUpToDateUpToDate";
  EXPECT_EQ(results, std::vector<std::string>(4, five));
}

TEST(ExternalChain, ServesAQuoteThatHasNone) {
  // The chain of a quote is moved beside it; nothing signs that place.
  test::Vector vector = test::load_vector("dcap-synthetic/s03-sgx3-uptodate");
  const Quote quote = parse_quote(vector.quote).value();
  const std::string_view pem = as_text(quote.signature.certification_data);
  vector.collateral.pck_chain = std::string(pem);
  const std::size_t type_at = vector.quote.size() - pem.size() - 6;
  vector.quote[type_at] = static_cast<std::uint8_t>(CertificationType::ppid_rsa3072);
  EXPECT_EQ(verify(vector).text(), "UpToDate");
  vector.collateral.pck_chain = "junk";
  EXPECT_EQ(verify(vector).text(), "PCK_CHAIN_UNTRUSTED:format");
}

}  // namespace
}  // namespace cocoon::attest
