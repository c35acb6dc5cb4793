#include "attest/snp_verify.h"

#include <gtest/gtest.h>

#include <random>

#include "attest/sha384_certificate.h"
#include "unit/attest/forged_snp.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::ForgedSnp;

constexpr std::uint32_t kSnpSeed = 20261125;

SnpCertificates milan_certificates() {
  const auto dir = test::vector_dir() / "snp";
  return {test::read_bytes(dir / "milan-vcek.der"), test::read_text(dir / "milan-ask-ark.pem"), {}};
}

Bytes milan_report() {
  return test::read_bytes(test::vector_dir() / "snp" / "milan-report.bin");
}

const UnixTime kMilanTime = parse_utc("2022-09-24T01:00:00Z").value();

// --- the vectors ---

TEST(SnpVector, OfMilanIsGenuineAndInDebugMode) {
  const Verdict verdict =
      verify_snp_report(milan_report(), milan_certificates(), SnpRoots::amd(), kMilanTime);
  EXPECT_EQ(verdict.text(), "Genuine+DEBUG");
  EXPECT_TRUE(verdict.trusted());
  EXPECT_EQ(verdict.root, TrustedRootKind::amd);
  EXPECT_EQ(verdict.tee, TeeKind::snp);
  ASSERT_TRUE(verdict.snp);
  EXPECT_EQ(verdict.snp->product, SnpProduct::milan);
  EXPECT_EQ(verdict.snp->tcb, (SnpTcb{0, 2, 0, 5, 68}));
  EXPECT_EQ(verdict.expires, parse_utc("2029-09-24T00:55:28Z"));
  EXPECT_EQ(encode_hex(verdict.report_data).substr(0, 12), "010203040500");
}

TEST(SnpVector, OfMilanIsRefusedOutsideItsDates) {
  const auto at = [](const char* time) {
    return verify_snp_report(milan_report(), milan_certificates(), SnpRoots::amd(),
                             parse_utc(time).value())
        .text();
  };
  EXPECT_EQ(at("2022-09-24T00:55:27Z"), "NOT_YET_VALID:endorsement_key");
  EXPECT_EQ(at("2022-09-24T00:55:28Z"), "Genuine+DEBUG");
  EXPECT_EQ(at("2029-09-24T00:55:28Z"), "Genuine+DEBUG");
  EXPECT_EQ(at("2029-09-24T00:55:29Z"), "EXPIRED:endorsement_key");
}

TEST(SnpVector, OfMilanIsRefusedUnderOtherProductsIssuers) {
  for (const char* other : {"genoa", "turin"}) {
    SnpCertificates certificates = milan_certificates();
    certificates.issuers =
        test::read_text(test::vector_dir() / "snp" / (std::string(other) + "-ask-ark.pem"));
    EXPECT_EQ(verify_snp_report(milan_report(), certificates, SnpRoots::amd(), kMilanTime)
                  .faults.front()
                  .fault,
              Fault::snp_chain_untrusted)
        << other;
  }
}

TEST(SnpVector, OfEveryIssuerChainEndsInAPinnedRoot) {
  for (const auto& [name, product] :
       {std::pair("milan", SnpProduct::milan), std::pair("genoa", SnpProduct::genoa),
        std::pair("turin", SnpProduct::turin)}) {
    const auto chain = parse_sha384_chain(
        test::read_text(test::vector_dir() / "snp" / (std::string(name) + "-ask-ark.pem")));
    ASSERT_TRUE(chain) << name;
    ASSERT_EQ(chain->size(), 2u);
    EXPECT_EQ(SnpRoots::amd().find((*chain)[1]->key.digest()), product);
    EXPECT_EQ(SnpRoots::amd().find((*chain)[0]->key.digest()), std::nullopt);
    EXPECT_TRUE((*chain)[0]->encoded.signed_by((*chain)[1]->key)) << name;
    EXPECT_TRUE((*chain)[1]->encoded.signed_by((*chain)[1]->key)) << name;
    EXPECT_FALSE((*chain)[1]->encoded.signed_by((*chain)[0]->key)) << name;
  }
}

TEST(SnpVector, WithAnyBitFlippedIsRefused) {
  const Bytes genuine = milan_report();
  std::mt19937 random(kSnpSeed);
  std::uniform_int_distribution<std::size_t> any(0, genuine.size() * 8 - 1);
  for (int i = 0; i < 150; ++i) {
    Bytes bytes = genuine;
    const std::size_t bit = any(random);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(
        verify_snp_report(bytes, milan_certificates(), SnpRoots::amd(), kMilanTime).trusted())
        << "seed " << kSnpSeed << ", bit " << bit;
  }
}

TEST(SnpVector, WithAnyBitOfTheEndorsementKeysCertificateFlippedIsRefused) {
  const SnpCertificates genuine = milan_certificates();
  std::mt19937 random(kSnpSeed);
  std::uniform_int_distribution<std::size_t> any(0, genuine.endorsement_key.size() * 8 - 1);
  for (int i = 0; i < 100; ++i) {
    SnpCertificates certificates = genuine;
    const std::size_t bit = any(random);
    Bytes& der = certificates.endorsement_key;
    der[bit / 8] = static_cast<std::uint8_t>(der[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(
        verify_snp_report(milan_report(), certificates, SnpRoots::amd(), kMilanTime).trusted())
        << "seed " << kSnpSeed << ", bit " << bit;
  }
}

// --- each check by itself, under a root of our own ---

TEST(SnpVerify, AcceptsWhatIsInOrderForEveryProduct) {
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    ForgedSnp forged(product);
    const Verdict verdict = forged.verify();
    EXPECT_EQ(verdict.text(), "Genuine") << to_string(product);
    ASSERT_TRUE(verdict.snp);
    EXPECT_EQ(verdict.snp->product, product);
    EXPECT_EQ(
        verdict.snp->tcb,
        (SnpTcb{static_cast<std::uint8_t>(product == SnpProduct::turin ? 1 : 0), 3, 4, 6, 200}));
    EXPECT_EQ(verdict.snp->chip, snp_platform_id(forged.chip_id));
    EXPECT_FALSE(verdict.snp->revocation_checked);
  }
}

TEST(SnpVerify, AcceptsAProvidersKey) {
  ForgedSnp forged;
  forged.use_vlek();
  const Verdict verdict = forged.verify();
  EXPECT_EQ(verdict.text(), "Genuine");
  ASSERT_TRUE(verdict.snp);
  EXPECT_EQ(verdict.snp->provider, "Example Cloud");
  EXPECT_FALSE(verdict.snp->chip);
}

TEST(SnpVerify, RefusesARootThatIsNotTrusted) {
  ForgedSnp forged;
  EXPECT_EQ(
      verify_snp_report(forged.report(), forged.certificates(), SnpRoots::amd(), forged.now).text(),
      "SNP_CHAIN_UNTRUSTED:root");
  EXPECT_EQ(
      verify_snp_report(forged.report(), forged.certificates(), ForgedSnp().roots(), forged.now)
          .text(),
      "SNP_CHAIN_UNTRUSTED:root");
}

TEST(SnpVerify, RefusesARootOfAnotherProduct) {
  ForgedSnp forged;
  const auto roots = SnpRoots::stand_in_for_amd(
      SnpProduct::genoa,
      encode_pem_certificate(test::forge(forged.ark, forged.ark_key, forged.ark_key)));
  EXPECT_EQ(verify_snp_report(forged.report(), forged.certificates(), *roots, forged.now).text(),
            "SNP_CHAIN_UNTRUSTED:name");
}

TEST(SnpVerify, RefusesUnreadableCertificates) {
  ForgedSnp forged;
  const SnpCertificates good = forged.certificates();
  const auto text = [&](const SnpCertificates& c) {
    return verify_snp_report(forged.report(), c, forged.roots(), forged.now).text();
  };
  SnpCertificates bad = good;
  bad.endorsement_key.clear();
  EXPECT_EQ(text(bad), "SNP_CHAIN_UNTRUSTED:format");
  bad = good;
  bad.issuers += "x";
  EXPECT_EQ(text(bad), "SNP_CHAIN_UNTRUSTED:issuers");
  bad = good;
  bad.issuers = encode_pem_certificate(test::forge(forged.ark, forged.ark_key, forged.ark_key));
  EXPECT_EQ(text(bad), "SNP_CHAIN_UNTRUSTED:count");
  bad = good;
  bad.revocation_list = Bytes{1, 2, 3};
  EXPECT_EQ(text(bad), "CRL_INVALID:format");
}

TEST(SnpVerify, RefusesWrongNames) {
  for (const int which : {0, 1, 2}) {
    ForgedSnp forged;
    if (which == 0) forged.leaf.subject = "SEV-VLEK";
    if (which == 1) forged.ask.subject = forged.leaf.issuer = "SEV-VLEK-Milan";
    if (which == 2) {
      forged.ark.subject = forged.ark.issuer = forged.ask.issuer = "ARK-Genoa";
    }
    EXPECT_EQ(forged.verify().text(), "SNP_CHAIN_UNTRUSTED:name") << which;
  }
}

TEST(SnpVerify, RefusesIssuersThatDoNotLink) {
  ForgedSnp forged;
  forged.leaf.issuer = "SEV-Genoa";
  EXPECT_EQ(forged.verify().text(), "SNP_CHAIN_UNTRUSTED:name");
}

TEST(SnpVerify, RefusesWrongRoles) {
  ForgedSnp forged;
  forged.leaf.is_ca = true;
  EXPECT_EQ(forged.verify().text(), "SNP_CHAIN_UNTRUSTED:ca");
  ForgedSnp other;
  other.ask.is_ca = false;
  EXPECT_EQ(other.verify().text(), "SNP_CHAIN_UNTRUSTED:ca");
  ForgedSnp third;
  third.ark.path_length = 0;
  EXPECT_EQ(third.verify().text(), "SNP_CHAIN_UNTRUSTED:ca");
}

TEST(SnpVerify, RefusesCertificatesThatTheIssuerDidNotSign) {
  ForgedSnp forged;
  const SnpRoots roots = forged.roots();
  SnpCertificates certificates = forged.certificates();
  test::ForgedKey stranger;
  std::swap(forged.ask_key, stranger);
  // The leaf of the stranger's ASK, with the genuine issuers.
  certificates.endorsement_key = forged.certificates().endorsement_key;
  EXPECT_EQ(verify_snp_report(forged.report(), certificates, roots, forged.now).text(),
            "SNP_CHAIN_UNTRUSTED:signature");
}

TEST(SnpVerify, RefusesAnotherSignatureAlgorithm) {
  ForgedSnp forged;
  forged.leaf.digest = EVP_sha256();
  EXPECT_EQ(forged.verify().text(), "SNP_CHAIN_UNTRUSTED:format");
}

TEST(SnpVerify, RefusesAReportThatTheKeyDidNotSign) {
  ForgedSnp forged;
  const SnpCertificates certificates = forged.certificates();
  forged.leaf_key = test::ForgedKey();
  EXPECT_EQ(verify_snp_report(forged.report(), certificates, forged.roots(), forged.now).text(),
            "SNP_REPORT_SIGNATURE");
}

TEST(SnpVerify, RefusesASignatureOfZeros) {
  ForgedSnp forged;
  Bytes report = forged.report();
  std::fill(report.begin() + 0x2A0, report.end(), std::uint8_t{0});
  EXPECT_EQ(verify_snp_report(report, forged.certificates(), forged.roots(), forged.now).text(),
            "SNP_REPORT_SIGNATURE");
}

TEST(SnpVerify, RefusesAnExpiredOrEarlyIssuer) {
  ForgedSnp forged;
  forged.ask.to = forged.now - Seconds(1);
  EXPECT_EQ(forged.verify().text(), "EXPIRED:ask");
  ForgedSnp other;
  other.ark.from = other.now + Seconds(1);
  EXPECT_EQ(other.verify().text(), "NOT_YET_VALID:ark");
}

TEST(SnpVerify, LastsAsLongAsTheFirstOfItsPartsToEnd) {
  ForgedSnp forged;
  forged.ask.to = forged.now + Seconds(1000);
  EXPECT_EQ(forged.verify().expires, forged.now + Seconds(1000));
  forged.list =
      forge_list(forged.ark.subject, forged.from, forged.now + Seconds(10), {}, forged.ark_key);
  EXPECT_EQ(forged.verify().expires, forged.now + Seconds(10));
}

TEST(SnpVerify, ChecksARevocationList) {
  ForgedSnp forged;
  forged.list = forged.revocation_list({77});
  const Verdict good = forged.verify();
  EXPECT_EQ(good.text(), "Genuine");
  EXPECT_TRUE(good.snp && good.snp->revocation_checked);
  EXPECT_EQ(good.collateral_issued, forged.from);
  forged.list = forged.revocation_list({forged.ask.serial});
  EXPECT_EQ(forged.verify().text(), "CA_REVOKED");
}

TEST(SnpVerify, RefusesAListThatIsNotTheRoots) {
  ForgedSnp forged;
  forged.list = test::forge_list(forged.ark.subject, forged.from, forged.to, {}, forged.ask_key);
  EXPECT_EQ(forged.verify().text(), "CRL_INVALID:signature");
  forged.list = test::forge_list("ARK-Genoa", forged.from, forged.to, {}, forged.ark_key);
  EXPECT_EQ(forged.verify().text(), "CRL_INVALID:signature");
}

TEST(SnpVerify, RefusesAListOutsideItsDates) {
  ForgedSnp forged;
  forged.list = test::forge_list(forged.ark.subject, forged.from, forged.now - Seconds(1), {},
                                 forged.ark_key);
  EXPECT_EQ(forged.verify().text(), "EXPIRED:crl");
  forged.list =
      test::forge_list(forged.ark.subject, forged.now + Seconds(1), forged.to, {}, forged.ark_key);
  EXPECT_EQ(forged.verify().text(), "NOT_YET_VALID:crl");
}

TEST(SnpVerify, RefusesAnotherTcbThanTheCertificates) {
  for (const int level : {1, 2, 3, 4, 5, 6, 7, 8}) {
    ForgedSnp forged;
    ++forged.levels[level];
    EXPECT_EQ(forged.verify().text(), "SNP_MISMATCH:reported_tcb") << level;
  }
  ForgedSnp turin(SnpProduct::turin);
  ++turin.levels[9];
  EXPECT_EQ(turin.verify().text(), "SNP_MISMATCH:reported_tcb");
}

TEST(SnpVerify, RefusesAnotherChip) {
  ForgedSnp forged;
  forged.chip_id[63] ^= 1;
  EXPECT_EQ(forged.verify().text(), "SNP_MISMATCH:chip_id");
  ForgedSnp turin(SnpProduct::turin);
  turin.chip_id[8] = 1;
  EXPECT_EQ(turin.verify().text(), "SNP_MISMATCH:chip_id");
}

TEST(SnpVerify, KnowsAMaskedChipByItsCertificate) {
  ForgedSnp forged;
  const PlatformId chip = snp_platform_id(forged.chip_id);
  forged.chip_id = {};
  const Verdict verdict = forged.verify();
  EXPECT_EQ(verdict.text(), "Genuine");
  ASSERT_TRUE(verdict.snp);
  EXPECT_EQ(verdict.snp->chip, chip);
}

TEST(SnpVerify, RefusesAKeyOfTheOtherKind) {
  // Names, flags and extensions of either kind are exchanged one by one.
  ForgedSnp forged;
  forged.flags = 1 << 2;
  EXPECT_EQ(forged.verify().text(), "SNP_CHAIN_UNTRUSTED:name");
  ForgedSnp other;
  other.use_vlek();
  other.provider.reset();
  other.hardware_id = Bytes(64, 0x5A);
  EXPECT_EQ(other.verify().text(), "SNP_MISMATCH:signing_key");
  ForgedSnp third;
  third.hardware_id.reset();
  third.provider = "Example Cloud";
  EXPECT_EQ(third.verify().text(), "SNP_MISMATCH:signing_key");
}

TEST(SnpVerify, RefusesACertificateOfAnotherProduct) {
  ForgedSnp forged;
  forged.product_name = "Genoa-B0";
  EXPECT_EQ(forged.verify().text(), "SNP_MISMATCH:product");
}

TEST(SnpVerify, RefusesAProcessorOfAnotherProduct) {
  ForgedSnp forged;
  forged.version = 3;
  EXPECT_EQ(forged.verify().text(), "Genuine");
  forged.cpu.model = 0x11;
  EXPECT_EQ(forged.verify().text(), "SNP_MISMATCH:cpu");
  ForgedSnp siena(SnpProduct::genoa);
  siena.version = 3;
  siena.cpu.model = 0xA0;
  EXPECT_EQ(siena.verify().text(), "Genuine");
  siena.cpu.family = 0x1A;
  EXPECT_EQ(siena.verify().text(), "SNP_MISMATCH:cpu");
  ForgedSnp turin(SnpProduct::turin);
  turin.version = 5;
  turin.cpu = {0x1A, 0x02, 0};
  EXPECT_EQ(turin.verify().text(), "Genuine");
}

TEST(SnpVerify, RefusesExtensionsThatAreMissingOrMalformed) {
  const auto text = [](auto spoil) {
    ForgedSnp forged;
    spoil(forged);
    return forged.verify().text();
  };
  const std::string refused = "SNP_CHAIN_UNTRUSTED:extensions";
  EXPECT_EQ(text([](ForgedSnp& f) { f.product_name.reset(); }), refused);
  EXPECT_EQ(text([](ForgedSnp& f) { f.product_name = "Naples"; }), refused);
  EXPECT_EQ(text([](ForgedSnp& f) { f.levels.erase(8); }), refused);
  EXPECT_EQ(text([](ForgedSnp& f) { f.hardware_id.reset(); }), refused);
  EXPECT_EQ(text([](ForgedSnp& f) { f.hardware_id->pop_back(); }), refused);
  EXPECT_EQ(text([](ForgedSnp& f) { f.provider = "Example Cloud"; }), refused);
  ForgedSnp turin(SnpProduct::turin);
  turin.levels.erase(9);
  EXPECT_EQ(turin.verify().text(), refused);
}

TEST(SnpVerify, RefusesFirmwareOlderThanReportedOrCommitted) {
  ForgedSnp forged;
  forged.current[7] = 199;
  forged.committed[7] = 199;
  EXPECT_EQ(forged.verify().text(), "SNP_MISMATCH:current_tcb");
  ForgedSnp other;
  other.committed[6] = 7;
  EXPECT_EQ(other.verify().text(), "SNP_MISMATCH:current_tcb");
  ForgedSnp third;
  third.committed_firmware.build = 10;
  EXPECT_EQ(third.verify().text(), "SNP_MISMATCH:current_tcb");
}

TEST(SnpVerify, ReportsTheFirstFaultInTheOrderOfClasses) {
  ForgedSnp forged;
  forged.chip_id[0] ^= 1;
  forged.leaf.to = forged.now - Seconds(1);
  EXPECT_EQ(forged.verify().text(), "EXPIRED:endorsement_key");
  forged.algorithm = 2;
  EXPECT_EQ(forged.verify().text(), "SNP_REPORT_FORMAT");
}

}  // namespace
}  // namespace cocoon::attest
