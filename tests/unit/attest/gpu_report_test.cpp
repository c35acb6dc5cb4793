#include "attest/gpu_report.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/attest/forged_gpu.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::ForgedGpu;

std::string report_code(ByteView bytes) {
  const auto report = parse_gpu_report(bytes);
  return report ? "" : std::string(report.error().code());
}

constexpr const char* kRefused = "gpu_report_format";
/// Where the response begins, and in it the records.
constexpr std::size_t kResponse = 37;
constexpr std::size_t kRecords = kResponse + 8;

TEST(GpuReport, ReadsTheVectorsFields) {
  const auto text = test::read_text(test::vector_dir() / "nvidia" / "hopper-report.hex");
  const Bytes bytes = decode_hex(text).value();
  const auto report = parse_gpu_report(bytes);
  ASSERT_TRUE(report);
  EXPECT_EQ(encode_hex(report->request_nonce),
            "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb");
  EXPECT_EQ(report->measurements.size(), 64u);
  EXPECT_EQ(report->measurements.begin()->first, 0);
  EXPECT_EQ(encode_hex(report->measurements.at(2)).substr(0, 8), "164f445c");
  EXPECT_EQ(report->opaque.driver_version, "550.90.07");
  EXPECT_EQ(report->opaque.vbios_version, "96.00.9F.00.01");
  EXPECT_EQ(report->opaque.project, "1010");
  EXPECT_EQ(report->opaque.project_sku, "0200");
  EXPECT_EQ(report->opaque.chip_sku, "882");
  EXPECT_EQ(report->opaque.nvdec0_enabled, false);
  EXPECT_EQ(report->opaque.mode, GpuMode::unstated);
  EXPECT_EQ(report->opaque.measurement_counts.size(), 64u);
  EXPECT_EQ(report->signed_bytes.size() + 96, bytes.size());
}

TEST(GpuReport, RefusesEveryPrefixAndAnExtraByte) {
  Bytes bytes = ForgedGpu().report();
  ASSERT_EQ(report_code(bytes), "");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(report_code(ByteView(bytes).first(size)), kRefused) << size;
  }
  bytes.push_back(0);
  EXPECT_EQ(report_code(bytes), kRefused);
}

TEST(GpuReport, RefusesWhatIsLongerThanAllowed) {
  EXPECT_EQ(report_code(Bytes(limits::kMaxGpuReportBytes + 1, 0x11)), kRefused);
}

TEST(GpuReport, RefusesOtherMessages) {
  const Bytes good = ForgedGpu().report();
  // Version, code, parameters and slot of the request; version, code, parameters of the response.
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{36}, kResponse,
        kResponse + 1, kResponse + 2, kResponse + 3}) {
    Bytes bytes = good;
    bytes[at] ^= 0x08;
    EXPECT_EQ(report_code(bytes), kRefused) << at;
  }
}

TEST(GpuReport, RefusesLengthsThatDoNotClose) {
  const Bytes good = ForgedGpu().report();
  // Number of blocks, length of the records, size of the first block and of its value.
  for (const std::size_t at : {kResponse + 4, kResponse + 5, kResponse + 6, kResponse + 7,
                               kRecords + 2, kRecords + 3, kRecords + 5, kRecords + 6}) {
    for (const int change : {1, 255}) {
      Bytes bytes = good;
      bytes[at] = static_cast<std::uint8_t>(bytes[at] + change);
      EXPECT_EQ(report_code(bytes), kRefused) << at << " " << change;
    }
  }
}

TEST(GpuReport, RefusesMeasurementsOfOtherKinds) {
  const Bytes good = ForgedGpu().report();
  Bytes bytes = good;
  bytes[kRecords + 1] = 2;  // specification
  EXPECT_EQ(report_code(bytes), kRefused);
  bytes = good;
  bytes[kRecords + 4] |= 0x80;  // a raw value
  EXPECT_EQ(report_code(bytes), kRefused);
}

TEST(GpuReport, RefusesIndicesThatDoNotAscend) {
  Bytes bytes = ForgedGpu().report();
  bytes[kRecords] = 0;
  EXPECT_EQ(report_code(bytes), kRefused);
  bytes[kRecords] = 2;  // twice
  EXPECT_EQ(report_code(bytes), kRefused);
}

TEST(GpuReport, RefusesAReportWithoutMeasurements) {
  ForgedGpu forged;
  forged.measured.clear();
  EXPECT_EQ(report_code(forged.report()), kRefused);
}

/// Replaces the value of an opaque element, or takes it away.
std::string with_opaque(std::uint16_t type, std::optional<Bytes> value) {
  ForgedGpu forged;
  std::erase_if(forged.opaque, [&](const auto& one) { return one.first == type; });
  if (type == 20) forged.fwid.reset();
  if (value) forged.opaque.emplace_back(type, *value);
  return report_code(forged.report());
}

TEST(GpuReport, RefusesMalformedOpaqueElements) {
  EXPECT_EQ(with_opaque(3, Bytes{}), kRefused);
  EXPECT_EQ(with_opaque(3, Bytes{0}), kRefused);
  EXPECT_EQ(with_opaque(3, Bytes{'5', 0, '6'}), kRefused);
  EXPECT_EQ(with_opaque(3, Bytes{'5', ' ', '6'}), kRefused);
  EXPECT_EQ(with_opaque(3, Bytes(65, '5')), kRefused);
  EXPECT_EQ(with_opaque(3, Bytes(64, '5')), "");
  EXPECT_EQ(with_opaque(6, Bytes(7, 1)), kRefused);
  EXPECT_EQ(with_opaque(11, Bytes{0xAB}), kRefused);
  EXPECT_EQ(with_opaque(11, Bytes{0xAA, 0xAA}), kRefused);
  EXPECT_EQ(with_opaque(12, Bytes(6, 0)), kRefused);
  EXPECT_EQ(with_opaque(20, Bytes(47, 0)), kRefused);
  EXPECT_EQ(with_opaque(21, Bytes{1}), kRefused);
  EXPECT_EQ(with_opaque(36, Bytes{3, 0}), kRefused);
  EXPECT_EQ(with_opaque(36, Bytes{1}), kRefused);
}

TEST(GpuReport, RefusesAnElementThatOccursTwice) {
  ForgedGpu forged;
  forged.opaque.push_back({999, {}});
  EXPECT_EQ(report_code(forged.report()), "");
  forged.opaque.push_back({999, {}});
  EXPECT_EQ(report_code(forged.report()), kRefused);
}

TEST(GpuReport, NeedsTheVersions) {
  EXPECT_EQ(with_opaque(3, std::nullopt), kRefused);
  EXPECT_EQ(with_opaque(6, std::nullopt), kRefused);
  EXPECT_EQ(with_opaque(12, std::nullopt), "");
}

TEST(GpuReport, ReadsTheModeFromTheFlagOrElseFromProtectedPcie) {
  const auto mode = [](std::optional<std::uint8_t> flag, std::optional<std::uint8_t> pcie) {
    ForgedGpu forged;
    std::erase_if(forged.opaque,
                  [](const auto& one) { return one.first == 36 || one.first == 21; });
    if (flag) forged.opaque.push_back({36, {*flag, 0}});
    if (pcie) forged.opaque.push_back({21, {*pcie}});
    const auto report = parse_gpu_report(forged.report());
    return report ? std::string(to_string(report->opaque.mode)) : "refused";
  };
  EXPECT_EQ(mode(0, std::nullopt), "multi");
  EXPECT_EQ(mode(1, 0x55), "single");
  EXPECT_EQ(mode(2, 0xAA), "protected-pcie");
  EXPECT_EQ(mode(std::nullopt, 0xAA), "protected-pcie");
  EXPECT_EQ(mode(std::nullopt, 0x55), "unstated");
  EXPECT_EQ(mode(std::nullopt, std::nullopt), "unstated");
  EXPECT_EQ(mode(1, 0xAA), "refused");
  EXPECT_EQ(mode(2, 0x55), "refused");
}

}  // namespace
}  // namespace cocoon::attest
