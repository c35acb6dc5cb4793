#include "attest/gpu_measurements.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::attest {
namespace {

GpuDigest digest(std::uint8_t value) {
  GpuDigest out;
  out.fill(value);
  return out;
}

std::string hex(const char* byte) {
  std::string out;
  for (int i = 0; i < 48; ++i) out += byte;
  return out;
}

const std::string kHead = "cocoon-gpu-measurements-v1\n";
const std::string kText = kHead + "driver GH100 550.144.03\n" + "2 " + hex("0a") + "\n2 " +
                          hex("bb") + "\n10 " + hex("00") + "\n";

TEST(GpuMeasurementSet, IsWrittenAndReadInItsOneForm) {
  const auto set = GpuMeasurementSet::create(
      GpuPart::driver, "GH100", "550.144.03",
      {{10, {digest(0)}}, {2, {digest(0xBB), digest(0x0A), digest(0xBB)}}});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->text(), kText);
  const auto again = GpuMeasurementSet::parse(kText);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->part(), GpuPart::driver);
  EXPECT_EQ(again->chip(), "GH100");
  EXPECT_EQ(again->version(), "550.144.03");
  EXPECT_EQ(again->digests(), set->digests());
  EXPECT_EQ(again->hash(), crypto::sha256(as_bytes(kText)));
}

TEST(GpuMeasurementSet, RefusesEveryOtherSpelling) {
  const std::string second = "vbios GH100 96.00.9F.00.01\n";
  const std::string line = "2 " + hex("0a") + "\n";
  ASSERT_TRUE(GpuMeasurementSet::parse(kHead + second + line));
  for (const std::string& text : {
           std::string(),
           second + line,                      // no first line
           kHead,                              // no second
           kHead + second,                     // no measurement
           kHead + "fpga GH100 1\n" + line,    // part
           kHead + "vbios GH100\n" + line,     // no version
           kHead + "vbios  1\n" + line,        // no chip
           kHead + "vbios GH/100 1\n" + line,  // characters
           kHead + "vbios GH100 " + std::string(65, '1') + "\n" + line,
           kHead + second + line + line,                        // twice
           kHead + second + "3 " + hex("0a") + "\n" + line,     // order
           kHead + second + "2 " + hex("0b") + "\n" + line,     // order of digests
           kHead + second + "02 " + hex("0a") + "\n",           // leading zero
           kHead + second + "256 " + hex("0a") + "\n",          // index
           kHead + second + "-1 " + hex("0a") + "\n",           //
           kHead + second + "2 " + hex("0A") + "\n",            // case
           kHead + second + "2  " + hex("0a") + "\n",           // space
           kHead + second + "2 " + hex("0a"),                   // no last line feed
           kHead + second + "2 " + hex("0a") + "\r\n",          //
           kHead + second + "2 " + hex("0a").substr(2) + "\n",  // short
           kHead + second + line + "\n",                        // empty line
       }) {
    const auto set = GpuMeasurementSet::parse(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code(), "gpu_measurements_invalid");
  }
}

TEST(GpuMeasurementSet, RefusesTooManyAlternativesAndTooLongTexts) {
  std::vector<GpuDigest> many;
  for (std::size_t i = 0; i <= limits::kMaxGpuAlternatives; ++i) {
    many.push_back(digest(static_cast<std::uint8_t>(i)));
  }
  EXPECT_FALSE(GpuMeasurementSet::create(GpuPart::vbios, "GH100", "1", {{1, many}}));
  many.pop_back();
  EXPECT_TRUE(GpuMeasurementSet::create(GpuPart::vbios, "GH100", "1", {{1, many}}));
  EXPECT_FALSE(GpuMeasurementSet::create(GpuPart::vbios, "GH100", "1", {{1, {}}}));
  EXPECT_FALSE(GpuMeasurementSet::parse(std::string(limits::kMaxGpuMeasurementsBytes + 1, 'c')));
}

}  // namespace
}  // namespace cocoon::attest
