/// @file The verification steps of docs/attestation.md one by one, each broken alone, under a
/// simulated root: what the public vectors do not have.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "attest/chain.h"
#include "attest/sim/issue.h"
#include "attest/text.h"
#include "attest/verify.h"
#include "crypto/hash.h"
#include "support/sim_defects.h"
#include "unit/attest/sim_platform.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using cocoon::test::SimMaterial;
using cocoon::test::SimWorkshop;
using W = SimWorkshop;
using M = SimMaterial;
using test::kNow;
using test::platform;

struct Step {
  const char* name;
  const char* verdict;  ///< in full
  std::function<void(W&)> apply;
};

Verdict verify(const Step& step, UnixTime now = kNow) {
  W workshop(platform(), {}, kNow);
  step.apply(workshop);
  const M material = workshop.build();
  return verify_quote(material.quote, Collateral::parse(material.collateral),
                      TrustedRoot::simulated(platform().root_pem()).value(), now);
}

// Offsets in a version 4 quote of a TD 1.0 body.
constexpr std::size_t kAttestationKey = 48 + 584 + 4 + 64;
constexpr std::size_t kQeReport = kAttestationKey + 64 + 6;
constexpr std::size_t kQeReportData = kQeReport + 320;
constexpr std::size_t kQeSignature = kQeReport + 384;
constexpr std::size_t kAuthData = kQeSignature + 64 + 2;

/// Signs the quoting enclave's report as it now stands.
void sign_qe_report(Bytes& quote, const sim::SimKeys& keys) {
  const auto signature = keys.pck.sign({ByteView(quote).subspan(kQeReport, 384)}).value();
  std::copy(signature.begin(), signature.end(), quote.begin() + kQeSignature);
}

void use_enclave(W& w, std::uint16_t version) {
  w.enclave.emplace();
  w.enclave->mr_enclave.fill(9);
  w.quote.version = version;
  w.quote.body_type = BodyType::sgx;
  w.tcb_info.head.id = "SGX";
  w.qe_identity.head.id = "QE";
}

void use_td15(W& w) {
  w.quote.version = 5;
  w.quote.body_type = BodyType::td15;
  w.report.current = TdCurrent{w.report.tee_tcb_svn, {}};
}

void use_auth_data(W& w, std::size_t size) {
  w.quote.auth_data = Bytes(size, 0x5A);
}

/// Changes one certificate before it is signed.
std::function<void(W&)> with(std::string_view which,
                             std::function<void(sim::CertificateSpec&)> edit) {
  return [=](W& w) {
    w.edit_certificate = [=](std::string_view name, sim::CertificateSpec& spec) {
      if (name == which) edit(spec);
    };
  };
}

/// The same for a revocation list.
std::function<void(W&)> with_list(std::string_view which, std::function<void(sim::CrlSpec&)> edit) {
  return [=](W& w) {
    w.edit_crl = [=](std::string_view name, sim::CrlSpec& spec) {
      if (name == which) edit(spec);
    };
  };
}

/// Changes what was signed.
std::function<void(W&)> after(std::function<void(M&)> edit) {
  return [=](W& w) { w.edit_all = edit; };
}

void rename_ca(W& w, std::string_view name) {
  w.edit_certificate = [=](std::string_view which, sim::CertificateSpec& spec) {
    if (which == "pck_ca") spec.common_name = name;
    if (which == "pck") spec.issuer_name = name;
  };
  w.edit_crl = [=](std::string_view which, sim::CrlSpec& spec) {
    if (which == "pck_crl") spec.issuer_name = name;
  };
}

std::vector<Step> formats() {
  return {
      {"sgx_v3", "UpToDate", [](W& w) { use_enclave(w, 3); }},
      {"sgx_v4", "UpToDate", [](W& w) { use_enclave(w, 4); }},
      {"sgx_v5", "UpToDate", [](W& w) { use_enclave(w, 5); }},
      {"sgx_debug", "UpToDate+DEBUG",
       [](W& w) {
         use_enclave(w, 4);
         w.enclave->attributes[0] = 2;
       }},
      {"td15", "UpToDate", use_td15},
      {"td15ex", "UpToDate",
       [](W& w) {
         use_td15(w);
         w.quote.body_type = BodyType::td15ex;
         w.report.extended.emplace();
       }},
      {"no_auth_data", "UpToDate", [](W& w) { use_auth_data(w, 0); }},
      {"auth_data_of_32", "UpToDate", [](W& w) { use_auth_data(w, 32); }},
      {"auth_data_of_1000", "UpToDate", [](W& w) { use_auth_data(w, 1000); }},
      {"bytes_after_the_quote", "UpToDate",
       after([](M& m) { m.quote.insert(m.quote.end(), 5000, 0xEE); })},
      {"chain_that_is_no_pem", "QUOTE_FORMAT:pck_chain", after([](M& m) {
         const std::string_view begin = "-----BEGIN";
         *std::search(m.quote.begin(), m.quote.end(), begin.begin(), begin.end()) = '+';
       })},
  };
}

std::vector<Step> chains() {
  return {
      {"processor_ca", "UpToDate", [](W& w) { rename_ca(w, kProcessorCaName); }},
      {"other_ca", "PCK_CHAIN_UNTRUSTED:name", [](W& w) { rename_ca(w, kTcbSignerName); }},
      {"pck_under_another_name", "PCK_CHAIN_UNTRUSTED:name",
       with("pck", [](auto& c) { c.common_name = kTcbSignerName; })},
      {"pck_of_another_issuer", "PCK_CHAIN_UNTRUSTED:name",
       with("pck", [](auto& c) { c.issuer_name = kProcessorCaName; })},
      {"ca_of_another_issuer", "PCK_CHAIN_UNTRUSTED:name",
       with("pck_ca", [](auto& c) { c.issuer_name = kTcbSignerName; })},
      {"pck_that_is_a_ca", "PCK_CHAIN_UNTRUSTED:ca", with("pck", [](auto& c) { c.is_ca = true; })},
      {"ca_that_is_none", "PCK_CHAIN_UNTRUSTED:ca",
       with("pck_ca", [](auto& c) { c.is_ca = false; })},
      {"root_that_is_no_ca", "PCK_CHAIN_UNTRUSTED:ca",
       with("root", [](auto& c) { c.is_ca = false; })},
      {"pck_of_tomorrow", "NOT_YET_VALID:pck",
       with("pck", [](auto& c) { c.not_before = kNow + Seconds(1); })},
      {"ca_expired", "EXPIRED:pck_ca",
       with("pck_ca", [](auto& c) { c.not_after = kNow - Seconds(1); })},
      {"ca_of_tomorrow", "NOT_YET_VALID:pck_ca",
       with("pck_ca", [](auto& c) { c.not_before = kNow + Seconds(1); })},
      {"root_expired", "EXPIRED:root",
       with("root", [](auto& c) { c.not_after = kNow - Seconds(1); })},
      {"root_of_tomorrow", "NOT_YET_VALID:root",
       with("root", [](auto& c) { c.not_before = kNow + Seconds(1); })},
      {"no_extension", "QUOTE_FORMAT:pck_certificate",
       with("pck", [](auto& c) { c.sgx_extension.clear(); })},
  };
}

std::vector<Step> lists() {
  return {
      {"root_crl_of_yesterday", "EXPIRED:root_crl",
       with_list("root_crl", [](auto& l) { l.next_update = kNow - Seconds(1); })},
      {"root_crl_of_tomorrow", "NOT_YET_VALID:root_crl",
       with_list("root_crl", [](auto& l) { l.this_update = kNow + Seconds(1); })},
      {"pck_crl_of_yesterday", "EXPIRED:pck_crl",
       with_list("pck_crl", [](auto& l) { l.next_update = kNow - Seconds(1); })},
      {"pck_crl_of_tomorrow", "NOT_YET_VALID:pck_crl",
       with_list("pck_crl", [](auto& l) { l.this_update = kNow + Seconds(1); })},
      {"pck_crl_of_the_other_ca", "CRL_INVALID:issuer",
       with_list("pck_crl", [](auto& l) { l.issuer_name = kProcessorCaName; })},
      {"root_crl_of_another_issuer", "CRL_INVALID:issuer",
       with_list("root_crl", [](auto& l) { l.issuer_name = kPlatformCaName; })},
      {"root_crl_of_another_key", "CRL_INVALID:signature",
       [](W& w) {
         const sim::SigningKey& key = w.keys.pck_ca;
         w.edit_all = [&key, from = w.issued, to = w.next](M& m) {
           m.collateral.root_crl =
               encode_hex(sim::issue_crl({kRootName, from, to, {}}, key).value());
         };
       }},
      {"lists_swapped", "CRL_INVALID:issuer",
       after([](M& m) { std::swap(m.collateral.root_crl, m.collateral.pck_crl); })},
      {"no_root_crl", "CRL_MISSING:root_crl", after([](M& m) { m.collateral.root_crl.reset(); })},
      {"no_pck_crl", "CRL_MISSING:pck_crl", after([](M& m) { m.collateral.pck_crl.reset(); })},
      {"root_crl_malformed", "CRL_INVALID:root_crl format",
       after([](M& m) { m.collateral.root_crl->pop_back(); })},
      {"pck_crl_malformed", "CRL_INVALID:pck_crl format",
       after([](M& m) { m.collateral.pck_crl = "3000"; })},
      {"root_revoked", "CA_REVOKED",
       [](W& w) {
         // As the workshop numbers the root: {1} read as a positive number of 16 bytes.
         Bytes serial(16);
         serial[0] = 1;
         w.revoked_by_root = {serial};
       }},
      {"another_revoked", "UpToDate", [](W& w) { w.revoked_by_ca = {{0x55}}; }},
  };
}

std::vector<Step> documents() {
  const auto head = [](std::function<void(DocumentHead&, DocumentHead&)> edit) {
    return [=](W& w) { edit(w.tcb_info.head, w.qe_identity.head); };
  };
  return {
      {"signer_under_another_name", "TCB_INFO_SIGNATURE:signer name",
       with("tcb_signer", [](auto& c) { c.common_name = kPckName; })},
      {"signer_of_another_issuer", "TCB_INFO_SIGNATURE:signer name",
       with("tcb_signer", [](auto& c) { c.issuer_name = kPlatformCaName; })},
      {"signer_that_is_a_ca", "TCB_INFO_SIGNATURE:signer ca",
       with("tcb_signer", [](auto& c) { c.is_ca = true; })},
      {"signer_expired", "EXPIRED:tcb_signer",
       with("tcb_signer", [](auto& c) { c.not_after = kNow - Seconds(1); })},
      {"signer_of_tomorrow", "NOT_YET_VALID:tcb_signer",
       with("tcb_signer", [](auto& c) { c.not_before = kNow + Seconds(1); })},
      {"no_tcb_info", "TCB_INFO_MISSING", after([](M& m) { m.collateral.tcb_info = {}; })},
      {"no_qe_identity", "QE_IDENTITY_MISSING", after([](M& m) { m.collateral.qe_identity = {}; })},
      {"tcb_info_that_is_no_object", "TCB_INFO_FORMAT",
       after([](M& m) { m.collateral.tcb_info.text = "[]"; })},
      {"signer_with_more_in_its_chain", "TCB_INFO_SIGNATURE:signer count", after([](M& m) {
         auto& chain = m.collateral.tcb_info.chain;
         *chain += *chain;
       })},
      {"no_signature", "TCB_INFO_SIGNATURE",
       after([](M& m) { m.collateral.tcb_info.signature.reset(); })},
      {"no_chain", "QE_IDENTITY_SIGNATURE:no chain",
       after([](M& m) { m.collateral.qe_identity.chain.reset(); })},
      {"signatures_swapped", "TCB_INFO_SIGNATURE", after([](M& m) {
         std::swap(m.collateral.tcb_info.signature, m.collateral.qe_identity.signature);
       })},
      {"documents_swapped", "TCB_INFO_MISMATCH:tee",
       after([](M& m) { std::swap(m.collateral.tcb_info, m.collateral.qe_identity); })},
      {"tcb_info_expired", "EXPIRED:tcb_info",
       head([](auto& tcb, auto&) { tcb.next_update = kNow - Seconds(1); })},
      {"tcb_info_of_tomorrow", "NOT_YET_VALID:tcb_info",
       head([](auto& tcb, auto&) { tcb.issue_date = kNow + Seconds(1); })},
      {"qe_identity_expired", "EXPIRED:qe_identity",
       head([](auto&, auto& qe) { qe.next_update = kNow - Seconds(1); })},
      {"qe_identity_of_tomorrow", "NOT_YET_VALID:qe_identity",
       head([](auto&, auto& qe) { qe.issue_date = kNow + Seconds(1); })},
      {"tcb_info_of_another_version", "TCB_INFO_MISMATCH:version",
       head([](auto& tcb, auto&) { tcb.version = 2; })},
      {"qe_identity_of_another_version", "QE_IDENTITY_MISMATCH:version",
       head([](auto&, auto& qe) { qe.version = 1; })},
      {"qe_identity_of_the_other_tee", "QE_IDENTITY_MISMATCH:id",
       head([](auto&, auto& qe) { qe.id = "QE"; })},
  };
}

std::vector<Step> quoting_enclave() {
  return {
      // A key off the curve that the enclave vouches for all the same.
      {"key_off_the_curve", "QUOTE_SIGNATURE",
       [](W& w) {
         const sim::SimKeys& keys = w.keys;
         w.edit_all = [&keys](M& m) {
           m.quote[kAttestationKey] ^= 1;
           const ByteView all(m.quote);
           const Hash binding =
               crypto::sha256({all.subspan(kAttestationKey, 64), all.subspan(kAuthData, 32)});
           std::copy(binding.begin(), binding.end(), m.quote.begin() + kQeReportData);
           sign_qe_report(m.quote, keys);
         };
       }},
      {"more_in_the_report_data", "QE_REPORT_DATA",
       [](W& w) {
         const sim::SimKeys& keys = w.keys;
         w.edit_all = [&keys](M& m) {
           m.quote[kQeReportData + 63] = 1;
           sign_qe_report(m.quote, keys);
         };
       }},
      {"other_auth_data", "QE_REPORT_DATA", after([](M& m) { m.quote[kAuthData] ^= 1; })},
      {"attribute_outside_the_mask", "UpToDate",
       [](W& w) { w.quote.qe_report.attributes[15] = 0xFF; }},
      {"misc_outside_the_mask", "UpToDate",
       [](W& w) {
         w.quote.qe_report.misc_select = 0x80000000;
         w.qe_identity.misc_select_mask = 0x7FFFFFFF;
       }},
      // Big-endian in the document, little-endian in the report.
      {"misc_in_intels_order", "UpToDate",
       [](W& w) {
         w.quote.qe_report.misc_select = 0x01020304;
         w.qe_identity.misc_select = 0x01020304;
       }},
      {"enclave_below_every_level", "TCB_NOT_SUPPORTED",
       [](W& w) { w.quote.qe_report.isv_svn = 0; }},
      {"enclave_out_of_date", "OutOfDate", [](W& w) { w.quote.qe_report.isv_svn = 5; }},
  };
}

std::vector<Step> levels() {
  return {
      {"levels_upside_down", "UpToDate",
       [](W& w) { std::reverse(w.tcb_info.levels.begin(), w.tcb_info.levels.end()); }},
      {"enclave_levels_upside_down", "UpToDate",
       [](W& w) { std::reverse(w.qe_identity.levels.begin(), w.qe_identity.levels.end()); }},
      {"lower_pcesvn", "OutOfDate", [](W& w) { --w.pck.pce_svn; }},
      {"pcesvn_below_every_level", "TCB_NOT_SUPPORTED", [](W& w) { w.pck.pce_svn = 0; }},
      {"last_sgx_component", "OutOfDate",
       [](W& w) { w.tcb_info.levels[0].sgx_components[15] = 1; }},
      {"last_tdx_component", "OutOfDate",
       [](W& w) { w.tcb_info.levels[0].tdx_components[15] = 1; }},
      {"tdx_component_2", "OutOfDate", [](W& w) { --w.report.tee_tcb_svn[2]; }},
      {"module_minor_is_its_identitys", "UpToDate",
       [](W& w) { w.tcb_info.levels[0].tdx_components[0] = 0xFF; }},
      {"module_major_is_its_identitys", "UpToDate",
       [](W& w) { w.tcb_info.levels[0].tdx_components[1] = 0xFF; }},
      {"unversioned_module", "UpToDate", [](W& w) { w.report.tee_tcb_svn[1] = 0; }},
      {"unversioned_module_compares_byte_0", "OutOfDate",
       [](W& w) {
         w.report.tee_tcb_svn[1] = 0;
         w.tcb_info.levels[0].tdx_components[0] = 0xFF;
       }},
      {"unversioned_module_unknown", "TDX_MODULE_MISMATCH",
       [](W& w) {
         w.report.tee_tcb_svn[1] = 0;
         w.tcb_info.module.reset();
       }},
      {"module_out_of_date", "OutOfDate", [](W& w) { --w.report.tee_tcb_svn[0]; }},
      {"module_below_every_level", "TCB_NOT_SUPPORTED", [](W& w) { w.report.tee_tcb_svn[0] = 0; }},
      {"module_revoked", "Revoked",
       [](W& w) { w.tcb_info.module_identities[0].levels[0].verdict.status = TcbStatus::revoked; }},
      {"unknown_status_of_an_unreached_level", "TCB_UNRECOGNIZED_STATUS",
       [](W& w) { w.tcb_info.levels[1].verdict.status.reset(); }},
      {"unknown_status_of_an_enclave", "TCB_UNRECOGNIZED_STATUS",
       [](W& w) { w.qe_identity.levels[1].verdict.status.reset(); }},
      {"no_levels", "TCB_NOT_SUPPORTED", [](W& w) { w.tcb_info.levels.clear(); }},
  };
}

std::vector<Step> relaunch() {
  const auto launch = [](std::uint8_t then, std::uint8_t now) {
    return [=](W& w) {
      use_td15(w);
      w.report.tee_tcb_svn[0] = then;
      w.report.current->tee_tcb_svn2[0] = now;
    };
  };
  return {
      {"updated_module", "TDRelaunchAdvised", launch(4, 5)},
      {"module_still_old", "OutOfDate", launch(4, 4)},
      {"module_now_unknown", "TDX_MODULE_MISMATCH",
       [](W& w) {
         use_td15(w);
         w.report.current->tee_tcb_svn2[1] = 9;
       }},
      {"module_now_below_every_level", "TCB_NOT_SUPPORTED", launch(5, 0)},
      {"platform_now_below_every_level", "TCB_NOT_SUPPORTED",
       [](W& w) {
         use_td15(w);
         w.tcb_info.levels.pop_back();
         w.report.current->tee_tcb_svn2[2] = 0;
       }},
  };
}

std::vector<Step> all_steps() {
  std::vector<Step> out;
  for (const std::vector<Step>& group :
       {formats(), chains(), lists(), documents(), quoting_enclave(), levels(), relaunch()}) {
    out.insert(out.end(), group.begin(), group.end());
  }
  return out;
}

class VerificationStep : public testing::TestWithParam<Step> {};

TEST_P(VerificationStep, GivesItsVerdict) {
  const Verdict verdict = verify(GetParam());
  EXPECT_EQ(verdict.text(), GetParam().verdict);
  EXPECT_EQ(verdict.trusted(), verdict.faults.empty()) << "a refusal says why";
}

INSTANTIATE_TEST_SUITE_P(All, VerificationStep, testing::ValuesIn(all_steps()),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

/// Every period includes both of its ends.
TEST(VerificationDates, IncludeTheirEnds) {
  W workshop(platform(), {}, kNow);
  const M material = workshop.build();
  const CheckedCollateral collateral(Collateral::parse(material.collateral),
                                     TrustedRoot::simulated(platform().root_pem()).value());
  const auto at = [&](UnixTime now) {
    CertificateCache cache;
    return verify_quote(material.quote, collateral, now, cache).text();
  };
  EXPECT_EQ(at(workshop.issued), "UpToDate");
  EXPECT_EQ(at(workshop.issued - Seconds(1)),
            "NOT_YET_VALID:tcb_info,qe_identity,root_crl,pck_crl");
  EXPECT_EQ(at(workshop.next), "UpToDate");
  EXPECT_EQ(at(workshop.next + Seconds(1)), "EXPIRED:tcb_info,qe_identity,root_crl,pck_crl");
}

TEST(VerificationExpiry, IsTheEarliestOfEverything) {
  const UnixTime soon = kNow + Seconds(60);
  const Step steps[] = {
      {"pck", "", with("pck", [=](auto& c) { c.not_after = soon; })},
      {"pck_ca", "", with("pck_ca", [=](auto& c) { c.not_after = soon; })},
      {"root", "", with("root", [=](auto& c) { c.not_after = soon; })},
      {"tcb_signer", "", with("tcb_signer", [=](auto& c) { c.not_after = soon; })},
      {"root_crl", "", with_list("root_crl", [=](auto& l) { l.next_update = soon; })},
      {"pck_crl", "", with_list("pck_crl", [=](auto& l) { l.next_update = soon; })},
      {"tcb_info", "", [=](W& w) { w.tcb_info.head.next_update = soon; }},
      {"qe_identity", "", [=](W& w) { w.qe_identity.head.next_update = soon; }},
  };
  for (const Step& step : steps) EXPECT_EQ(verify(step).expires, soon) << step.name;
}

TEST(VerificationNumber, IsTheSmallerOfBothDocuments) {
  const auto number = [](std::uint32_t tcb, std::uint32_t qe) {
    return verify({"", "",
                   [=](W& w) {
                     w.tcb_info.head.tcb_evaluation_number = tcb;
                     w.qe_identity.head.tcb_evaluation_number = qe;
                   }})
        .tcb_evaluation_number;
  };
  EXPECT_EQ(number(17, 18), 17u);
  EXPECT_EQ(number(18, 17), 17u);
}

TEST(VerificationRelaunch, TellsBothEvaluations) {
  const Verdict verdict =
      verify({"", "", [](W& w) {
                use_td15(w);
                --w.report.tee_tcb_svn[0];
                w.tcb_info.module_identities[0].levels[1].verdict.advisories = {"INTEL-SA-00001"};
              }});
  EXPECT_EQ(verdict.launch.status, TcbStatus::out_of_date);
  ASSERT_TRUE(verdict.current);
  EXPECT_EQ(verdict.current->status, TcbStatus::up_to_date);
  // The older level's, of the module at launch.
  EXPECT_EQ(format_utc(verdict.tcb_date), "2024-03-13T00:00:00Z");
  EXPECT_EQ(verdict.advisories, std::vector<std::string>{"INTEL-SA-00001"});
}

}  // namespace
}  // namespace cocoon::attest
