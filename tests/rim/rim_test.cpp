#include "rim/rim.h"

#include <gtest/gtest.h>

#include <random>

#include "attest/sha384_certificate.h"
#include "base/limits.h"
#include "unit/attest/vectors.h"

namespace cocoon::app {
namespace {

using attest::GpuMeasurementSet;
using attest::GpuPart;
using attest::test::read_text;
using attest::test::vector_dir;

constexpr std::uint32_t kSeed = 20261127;

/// When the signers of both manifests are valid.
const UnixTime kOfTheFiles = attest::parse_utc("2025-03-01T00:00:00Z").value();

std::string driver() {
  return read_text(vector_dir() / "nvidia" / "driver-rim-550.144.03.xml");
}

std::string code(const std::string& xml, UnixTime now = kOfTheFiles) {
  const auto set = read_rim(xml, GpuPart::driver, nvidia_rim_root(), now);
  return set ? "" : std::string(set.error().code());
}

/// `xml` with its only or first `from` replaced.
std::string replaced(std::string xml, const std::string& from, const std::string& to) {
  const std::size_t at = xml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return xml.replace(at, from.size(), to);
}

TEST(Rim, OfTheDriverGivesItsActiveMeasurements) {
  const auto rim = read_rim(driver(), GpuPart::driver, nvidia_rim_root(), kOfTheFiles);
  ASSERT_TRUE(rim) << rim.error().detail();
  EXPECT_EQ(rim->signers.size(), 4u);
  const GpuMeasurementSet* set = &rim->set;
  EXPECT_EQ(set->chip(), "GH100");
  EXPECT_EQ(set->version(), "550.144.03");
  EXPECT_EQ(set->digests().size(), 21u);
  const auto again = GpuMeasurementSet::parse(set->text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->hash(), set->hash());
}

TEST(Rim, OfTheVbiosGivesItsActiveMeasurements) {
  const auto xml = read_text(vector_dir() / "nvidia" / "vbios-rim-96.00.74.00.1A.xml");
  const auto set = read_rim(xml, GpuPart::vbios, nvidia_rim_root(), kOfTheFiles);
  ASSERT_TRUE(set) << set.error().detail();
  EXPECT_EQ(set->set.version(), "96.00.74.00.1A");
  EXPECT_EQ(set->set.digests().size(), 12u);
}

TEST(Rim, WithADigestChangedIsRefused) {
  const std::string xml = driver();
  std::size_t at = xml.find("active=\"True\"");
  at = xml.find("Hash0=\"", at) + 7;
  std::string changed = xml;
  changed[at] = changed[at] == '0' ? '1' : '0';
  EXPECT_EQ(code(changed), "rim_signature");
}

TEST(Rim, WithAMeasurementMadeInactiveIsRefused) {
  EXPECT_EQ(code(replaced(driver(), "active=\"True\"", "active=\"False\"")), "rim_signature");
}

TEST(Rim, WithAnyBitOfItsSignedPartFlippedIsRefused) {
  const std::string xml = driver();
  std::mt19937 random(kSeed);
  std::uniform_int_distribution<std::size_t> any(0, xml.find("<ds:Signature ") * 8 - 1);
  for (int i = 0; i < 60; ++i) {
    std::string changed = xml;
    const std::size_t bit = any(random);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(code(changed), "") << "seed " << kSeed << ", bit " << bit;
  }
}

TEST(Rim, IsRefusedOutsideItsSignersDates) {
  EXPECT_EQ(code(driver(), attest::parse_utc("2024-12-30T16:56:49Z").value()), "rim_expired");
  EXPECT_EQ(code(driver(), attest::parse_utc("2024-12-30T16:56:50Z").value()), "");
  EXPECT_EQ(code(driver(), attest::parse_utc("2026-12-30T16:56:51Z").value()), "rim_expired");
}

TEST(Rim, IsRefusedUnderAnotherRoot) {
  Hash other = nvidia_rim_root();
  other[0] ^= 1;
  const auto set = read_rim(driver(), GpuPart::driver, other, kOfTheFiles);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), "rim_chain");
}

TEST(Rim, PinsTheRootOfTheVectors) {
  const auto key =
      attest::self_signed_sha384_key(read_text(vector_dir() / "nvidia" / "rim_root.pem"));
  EXPECT_EQ(key.value(), nvidia_rim_root());
}

TEST(Rim, WithADocumentTypeIsRefused) {
  EXPECT_EQ(code("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + driver()),
            "rim_format");
  EXPECT_EQ(code("<!DOCTYPE SoftwareIdentity>" + driver()), "rim_format");
}

TEST(Rim, WithAReferenceToAPartIsRefused) {
  EXPECT_EQ(code(replaced(driver(), "URI=\"\"", "URI=\"#x\"")), "rim_format");
  EXPECT_EQ(code(replaced(driver(), " URI=\"\"", "")), "rim_format");
  EXPECT_EQ(code(replaced(driver(), "URI=\"\"", "URI=\"http://localhost/x\"")), "rim_format");
}

TEST(Rim, WithOtherTransformsOrAlgorithmsIsRefused) {
  for (const auto& [from, to] :
       {std::pair("#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        std::pair("xmldsig-more#sha384", "xmldsig#sha1"), std::pair("#ecdsa-sha384", "#ecdsa-sha1"),
        std::pair("2006/12/xml-c14n11", "TR/2001/REC-xml-c14n-20010315"),
        std::pair("<ds:Transforms>", "<ds:Transforms><ds:Transform Algorithm=\"x\"/>")}) {
    EXPECT_EQ(code(replaced(driver(), from, to)), "rim_format") << from;
  }
}

TEST(Rim, WithTwoSignaturesOrNoneIsRefused) {
  const std::string xml = driver();
  const std::size_t from = xml.find("<ds:Signature ");
  const std::string end = "</ds:Signature>";
  const std::size_t to = xml.find(end) + end.size();
  const std::string signature = xml.substr(from, to - from);
  EXPECT_EQ(code(xml.substr(0, to) + signature + xml.substr(to)), "rim_format");
  EXPECT_EQ(code(xml.substr(0, from) + xml.substr(to)), "rim_format");
}

/// The classic wrapping: what is signed moves below something else, and other contents stand where
/// they are read.
TEST(Rim, WrappedInAnotherTagIsRefused) {
  const std::string xml = driver();
  const std::size_t payload = xml.find("<ns0:Payload");
  const std::size_t at = xml.find("<ds:Signature ");
  const std::string copy = xml.substr(payload, at - payload);
  EXPECT_EQ(code(xml.substr(0, at) + "<x>" + copy + "</x>" + xml.substr(at)), "rim_signature");
  EXPECT_EQ(code("<x>" + xml + "</x>"), "rim_format");
}

TEST(Rim, WithoutItsCertificatesIsRefused) {
  EXPECT_EQ(code(replaced(driver(), "<ds:X509Data>", "<ds:X509Data/><ds:X509Data>")), "rim_format");
  EXPECT_EQ(code(replaced(driver(), "MIICmjCCAiGg", "MIICmjCCAiGh")), "rim_chain");
}

TEST(Rim, ThatIsNoManifestIsRefused) {
  EXPECT_EQ(code(""), "rim_format");
  EXPECT_EQ(code("<SoftwareIdentity/>"), "rim_format");
  EXPECT_EQ(code("<a><b></a>"), "rim_format");
  EXPECT_EQ(code(driver() + "<b/>"), "rim_format");
  EXPECT_EQ(code(std::string(limits::kMaxGpuMeasurementsBytes + 1, ' ')), "rim_format");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_EQ(code(deep), "rim_format");
}

}  // namespace
}  // namespace cocoon::app
