#include "attest/snp_report.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "unit/attest/forged_snp.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::ForgedSnp;

std::string snp_code(ByteView bytes) {
  const auto report = parse_snp_report(bytes);
  return report ? "" : std::string(report.error().code());
}

TEST(SnpReport, ReadsTheVectorsFields) {
  const Bytes bytes = test::read_bytes(test::vector_dir() / "snp" / "milan-report.bin");
  const auto report = parse_snp_report(bytes);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->version, 2u);
  EXPECT_EQ(report->policy, 0xB0000u);
  EXPECT_TRUE(report->debug());
  EXPECT_EQ(report->vmpl, 0u);
  EXPECT_EQ(report->platform_info, 1u);
  EXPECT_EQ(report->signing_key, SnpSigningKey::vcek);
  EXPECT_FALSE(report->author_key_enabled);
  EXPECT_FALSE(report->cpu);
  EXPECT_EQ(encode_hex(report->measurement).substr(0, 16), "b07af9620f3b839b");
  EXPECT_EQ(encode_hex(report->reported_tcb), "0200000000000544");
  EXPECT_EQ(report->current_firmware, (SnpFirmware{1, 49, 3}));
  EXPECT_EQ(encode_hex(report->chip_id).substr(0, 8), "3ac3fe21");
}

TEST(SnpReport, ReadsWhatLaterVersionsHave) {
  ForgedSnp forged;
  forged.version = 3;
  auto report = parse_snp_report(forged.report());
  ASSERT_TRUE(report);
  ASSERT_TRUE(report->cpu);
  EXPECT_EQ(report->cpu->family, 0x19);
  EXPECT_EQ(report->cpu->model, 0x01);
  forged.version = 5;
  forged.mitigations = 3;
  report = parse_snp_report(forged.report());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->launch_mitigations, 3u);
  EXPECT_EQ(report->current_mitigations, 3u);
}

TEST(SnpReport, RefusesEverySizeButOne) {
  Bytes bytes = ForgedSnp().report();
  EXPECT_EQ(snp_code(bytes), "");
  bytes.push_back(0);
  EXPECT_EQ(snp_code(bytes), "snp_report_format");
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, kSnpReportBytes - 1}) {
    EXPECT_EQ(snp_code(ByteView(bytes).first(size)), "snp_report_format") << size;
  }
}

TEST(SnpReport, RefusesVersionsThatAreNotKnown) {
  for (const std::uint32_t version : {0u, 1u, 6u, 0x10002u}) {
    ForgedSnp forged;
    forged.version = version;
    EXPECT_EQ(snp_code(forged.report()), "snp_report_format") << version;
  }
}

TEST(SnpReport, RefusesOtherAlgorithmsAndSigningKeys) {
  ForgedSnp forged;
  forged.algorithm = 0;
  EXPECT_EQ(snp_code(forged.report()), "snp_report_format");
  forged.algorithm = 1;
  for (const std::uint32_t key : {2u, 6u, 7u}) {
    forged.flags = key << 2;
    EXPECT_EQ(snp_code(forged.report()), "snp_report_format") << key;
  }
}

TEST(SnpReport, RefusesEveryReservedByteThatIsSet) {
  // 0x188: read as the processor from version 3 on; 0x1F8: as mitigations from version 5 on.
  const std::vector<std::size_t> reserved{0x4B,  0x4C,  0x4F,  0x188, 0x19F, 0x1EB,
                                          0x1EF, 0x1F8, 0x207, 0x208, 0x29F, 0x2D0,
                                          0x2E7, 0x318, 0x32F, 0x330, 0x49F};
  const Bytes good = ForgedSnp().report();
  for (const std::size_t at : reserved) {
    Bytes bytes = good;
    bytes[at] = 0x80;
    EXPECT_EQ(snp_code(bytes), "snp_report_format") << at;
  }
  Bytes version5 = good;
  version5[0] = 5;
  version5[0x1F8] = version5[0x207] = version5[0x188] = 1;
  EXPECT_EQ(snp_code(version5), "");
  version5[0x18B] = 1;
  EXPECT_EQ(snp_code(version5), "snp_report_format");
}

TEST(SnpReport, DecodesTheTcbInTheProductsLayout) {
  const SnpTcbBytes bytes{1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(decode_snp_tcb(SnpProduct::milan, bytes), (SnpTcb{0, 1, 2, 7, 8}));
  EXPECT_EQ(decode_snp_tcb(SnpProduct::genoa, bytes), (SnpTcb{0, 1, 2, 7, 8}));
  EXPECT_EQ(decode_snp_tcb(SnpProduct::turin, bytes), (SnpTcb{1, 2, 3, 4, 8}));
}

TEST(SnpImage, DependsOnEveryPartOfIt) {
  const auto image = [](auto change) {
    ForgedSnp forged;
    change(forged);
    return image_hash(parse_snp_report(forged.report()).value()).to_hex();
  };
  const std::string plain = image([](ForgedSnp&) {});
  EXPECT_NE(image([](ForgedSnp& f) { f.measurement[47] = 1; }), plain);
  EXPECT_NE(image([](ForgedSnp& f) { f.host_data[31] = 1; }), plain);
  EXPECT_NE(image([](ForgedSnp& f) { f.id_key[47] = 1; }), plain);
  EXPECT_NE(image([](ForgedSnp& f) { f.author_key[47] = 1; }), plain);
  EXPECT_EQ(image([](ForgedSnp& f) { f.report_data[0] = 99; }), plain);
}

/// The preimage as attestation.h states it, put together by hand.
TEST(SnpImage, HasTheDocumentedPreimage) {
  const SnpReport report = parse_snp_report(ForgedSnp().report()).value();
  Bytes preimage = to_bytes(as_bytes("cocoon-image-snp-v1"));
  preimage.push_back(0);
  append(preimage, report.measurement);
  append(preimage, report.host_data);
  append(preimage, report.id_key_digest);
  append(preimage, report.author_key_digest);
  EXPECT_EQ(image_hash(report).bytes, crypto::sha256(preimage));
}

}  // namespace
}  // namespace cocoon::attest
