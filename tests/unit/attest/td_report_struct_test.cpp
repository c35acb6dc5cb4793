#include "attest/td_report_struct.h"

#include <gtest/gtest.h>

#include "attest/text.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

Bytes real() {
  return test::read_bytes(test::vector_dir() / "tdreport/tdreport_for_test.bin");
}

TEST(TdReportStruct, HasExactlyItsSize) {
  Bytes bytes = real();
  bytes.push_back(0);
  EXPECT_EQ(parse_td_report_struct(bytes).error().code(), "td_report_format");
  bytes.resize(1023);
  EXPECT_FALSE(parse_td_report_struct(bytes));
  EXPECT_FALSE(parse_td_report_struct({}));
}

TEST(TdReportStruct, OfAGuestHoldsTheHashesOfItsParts) {
  const TdReportStruct report = parse_td_report_struct(real()).value();
  EXPECT_EQ(report.type, kTdReportType);
  EXPECT_TRUE(report.hashes_match);
}

TEST(TdReportStruct, WithAChangedPartDoesNot) {
  for (const std::size_t at : {256u, 494u, 512u, 1023u}) {
    Bytes bytes = real();
    bytes[at] ^= 1;
    EXPECT_FALSE(parse_td_report_struct(bytes).value().hashes_match) << at;
  }
}

TEST(TdReportStruct, ReadsEachFieldAtItsOffset) {
  Bytes bytes(kTdReportStructBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  const TdReportStruct report = parse_td_report_struct(bytes).value();
  const auto at = [&](std::size_t offset, std::size_t size) {
    return encode_hex(ByteView(bytes).subspan(offset, size));
  };
  EXPECT_EQ(encode_hex(report.cpu_svn), at(16, 16));
  EXPECT_EQ(encode_hex(report.tee_tcb_info_hash), at(32, 48));
  EXPECT_EQ(encode_hex(report.td_info_hash), at(80, 48));
  EXPECT_EQ(encode_hex(report.td.report_data), at(128, 64));
  EXPECT_EQ(encode_hex(report.td.tee_tcb_svn), at(264, 16));
  EXPECT_EQ(encode_hex(report.td.mr_seam), at(280, 48));
  EXPECT_EQ(encode_hex(report.td.mr_signer_seam), at(328, 48));
  EXPECT_EQ(encode_hex(report.td.seam_attributes), at(376, 8));
  EXPECT_EQ(encode_hex(report.td.current->tee_tcb_svn2), at(384, 16));
  EXPECT_EQ(report.td.td_attributes, ByteReader(ByteView(bytes).subspan(512)).u64le());
  EXPECT_EQ(report.td.xfam, ByteReader(ByteView(bytes).subspan(520)).u64le());
  EXPECT_EQ(encode_hex(report.td.mr_td), at(528, 48));
  EXPECT_EQ(encode_hex(report.td.mr_config_id), at(576, 48));
  EXPECT_EQ(encode_hex(report.td.mr_owner), at(624, 48));
  EXPECT_EQ(encode_hex(report.td.mr_owner_config), at(672, 48));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(encode_hex(report.td.rtmr[i]), at(720 + 48 * i, 48));
  EXPECT_EQ(encode_hex(report.td.current->mr_service_td), at(912, 48));
}

}  // namespace
}  // namespace cocoon::attest
