#include "attest/x509_fields.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/der.h"
#include "attest/sim/issue.h"
#include "attest/text.h"
#include "unit/attest/seeded_random.h"

namespace cocoon::attest {
namespace {

constexpr std::string_view kWanted[] = {"1.2.3.4"};
const Bytes kTrue{0x01, 0x01, 0xFF};

Bytes element(std::uint8_t tag, const Bytes& contents) {
  Bytes out{tag};
  if (contents.size() >= 0x80) out.push_back(contents.size() >= 0x100 ? 0x82 : 0x81);
  if (contents.size() >= 0x100) out.push_back(static_cast<std::uint8_t>(contents.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(contents.size()));
  append(out, contents);
  return out;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

std::vector<Bytes> elements(ByteView contents) {
  std::vector<Bytes> out;
  der::Reader in(contents);
  while (!in.at_end()) out.push_back(to_bytes(in.any().whole));
  EXPECT_FALSE(in.failed());
  return out;
}

Bytes contents(const Bytes& whole) {
  return to_bytes(der::Reader(whole).any().contents);
}

/// An extension: identifier, critical or not, value.
Bytes extension(const Bytes& oid, bool critical, const Bytes& value) {
  Bytes body = element(0x06, oid);
  if (critical) append(body, kTrue);
  append(body, element(0x04, value));
  return element(0x30, body);
}

const Bytes kConstraints{0x55, 0x1D, 0x13};
const Bytes kKeyUsage{0x55, 0x1D, 0x0F};
const Bytes kSubjectKey{0x55, 0x1D, 0x0E};
const Bytes kUnknown{0x2A, 0x03, 0x05};        // 1.2.3.5
const Bytes kAsked{0x2A, 0x03, 0x04};          // 1.2.3.4
const Bytes kBelowAsked{0x2A, 0x03, 0x04, 7};  // 1.2.3.4.7
constexpr ByteArray<16> kSerial{0x80, 1};
const Bytes kAuthority = element(0x30, kTrue);
const Bytes kMaySign{0x03, 0x02, 0x02, 0x04};     // keyCertSign
const Bytes kMayNotSign{0x03, 0x02, 0x01, 0x02};  // cRLSign

/// A sound certificate, whose fields a test changes. Nothing here looks at its signature.
class CertificateFieldsTest : public testing::Test {
 protected:
  // Places in a TBSCertificate (RFC 5280, 4.1).
  enum : std::size_t { version, serial, algorithm, issuer, validity, subject, spki, extensions };

  CertificateFieldsTest() {
    test::SeededRandom random(7);
    const auto key = sim::SigningKey::generate(random).value();
    const UnixTime from = parse_utc("2026-01-01T00:00:00Z").value();
    const Bytes der =
        sim::issue_certificate(
            {"name", "issuer", key.point(), kSerial, from, from + Seconds(3600), false, {}}, key)
            .value();
    const auto parts = elements(contents(der));
    fields = elements(contents(parts[0]));
    rest = {parts[1], parts[2]};
    set_extensions({});
  }

  void set_extensions(const std::vector<Bytes>& list) {
    fields.resize(extensions);
    fields.push_back(element(0xA3, element(0x30, joined(list))));
  }
  Bytes der() const {
    return element(0x30, joined({element(0x30, joined(fields)), rest[0], rest[1]}));
  }
  Result<CertificateFields> read() const { return read_certificate_fields(der(), kWanted); }
  /// Why the certificate is refused; empty where it is not.
  std::string refusal() const {
    const auto out = read();
    if (out) return "";
    EXPECT_EQ(out.error().code(), "certificate_invalid");
    return out.error().detail();
  }
  std::string refusal(const std::vector<Bytes>& list) {
    set_extensions(list);
    return refusal();
  }

  std::vector<Bytes> fields;
  std::vector<Bytes> rest;  ///< algorithm and signature
};

TEST_F(CertificateFieldsTest, AreRead) {
  const auto out = read();
  ASSERT_TRUE(out) << out.error().detail();
  EXPECT_EQ(out->common_name, "name");
  EXPECT_EQ(out->subject, fields[subject]);
  EXPECT_EQ(out->issuer, fields[issuer]);
  EXPECT_EQ(out->serial, Bytes(kSerial.begin(), kSerial.end()));
  EXPECT_EQ(out->not_after - out->not_before, Seconds(3600));
  EXPECT_EQ(out->spki, fields[spki]);
  EXPECT_FALSE(out->is_ca);
  EXPECT_FALSE(out->path_length);
}

TEST_F(CertificateFieldsTest, MayLackExtensions) {
  fields.resize(extensions);
  EXPECT_EQ(refusal(), "");
}

TEST_F(CertificateFieldsTest, AreOfVersionThree) {
  for (const auto other : std::initializer_list<std::uint8_t>{0, 1, 3}) {
    fields[version] = element(0xA0, {0x02, 0x01, other});
    EXPECT_EQ(refusal(), "A certificate is refused: it is not version 3.") << int{other};
  }
  fields.erase(fields.begin());
  EXPECT_EQ(refusal(), "A certificate is refused: it is not version 3.");
}

TEST_F(CertificateFieldsTest, NameTheSignaturesAlgorithm) {
  fields[algorithm] =
      element(0x30, element(0x06, {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03}));
  EXPECT_EQ(refusal(), "A certificate is refused: its two signature algorithms differ.");
}

TEST_F(CertificateFieldsTest, AreEachOfTheirKind) {
  for (const std::size_t place : {serial, issuer, validity, subject}) {
    const Bytes genuine = std::exchange(fields[place], element(0x04, {1, 2, 3}));
    EXPECT_NE(refusal(), "") << place;
    fields[place] = element(0x30, {0x05, 0x00});
    EXPECT_NE(refusal(), "") << place;
    fields[place] = genuine;
  }
}

TEST_F(CertificateFieldsTest, HaveTwoDates) {
  auto dates = elements(contents(fields[validity]));
  dates.push_back(dates.back());
  fields[validity] = element(0x30, joined(dates));
  EXPECT_EQ(refusal(), "A certificate is refused: it is not valid DER.");
  dates.resize(1);
  fields[validity] = element(0x30, joined(dates));
  EXPECT_NE(refusal(), "");
}

TEST_F(CertificateFieldsTest, HaveOneCommonName) {
  const Bytes names = contents(fields[subject]);
  fields[subject] = element(0x30, joined({names, names}));
  EXPECT_EQ(refusal(), "A certificate is refused: its subject has not exactly one common name.");
  fields[subject] = element(0x30, {});
  EXPECT_EQ(refusal(), "A certificate is refused: its subject has not exactly one common name.");
}

TEST_F(CertificateFieldsTest, HaveNoUniqueIdentifiers) {
  fields.insert(fields.begin() + extensions, element(0x82, {0, 1}));
  EXPECT_EQ(refusal(), "A certificate is refused: it has unique identifiers.");
}

TEST_F(CertificateFieldsTest, AreFollowedByNothing) {
  fields.push_back(element(0x05, {}));
  EXPECT_EQ(refusal(), "A certificate is refused: it is not valid DER.");
}

TEST_F(CertificateFieldsTest, HaveOneListOfExtensions) {
  Bytes two = contents(fields[extensions]);
  append(two, element(0x05, {}));
  fields[extensions] = element(0xA3, two);
  EXPECT_EQ(refusal(), "A certificate is refused: its extensions are not valid DER.");
}

TEST_F(CertificateFieldsTest, HaveNoExtensionTwice) {
  const Bytes one = extension(kUnknown, false, {});
  EXPECT_EQ(refusal({one}), "");
  EXPECT_EQ(refusal({one, one}), "A certificate is refused: the extension 1.2.3.5 occurs twice.");
}

TEST_F(CertificateFieldsTest, HaveNoCriticalExtensionThatNobodyEvaluates) {
  EXPECT_EQ(refusal({extension(kUnknown, true, {})}),
            "A certificate is refused: the critical extension 1.2.3.5 is unknown.");
  EXPECT_EQ(refusal({extension(kAsked, true, {})}), "");
}

TEST_F(CertificateFieldsTest, HaveNoMalformedExtension) {
  EXPECT_EQ(refusal({extension(kSubjectKey, false, {1, 2})}),
            "A certificate is refused: the extension 2.5.29.14 is malformed.");
  EXPECT_EQ(refusal({extension(kConstraints, true, {0x30, 0x05})}),
            "A certificate is refused: the extension 2.5.29.19 is malformed.");
}

TEST_F(CertificateFieldsTest, GiveTheExtensionsThatAreWanted) {
  set_extensions({extension(kAsked, false, {9}), extension(kUnknown, false, {8}),
                  extension(kBelowAsked, false, {7})});
  const auto out = read();
  ASSERT_TRUE(out);
  ASSERT_EQ(out->extensions.size(), 2u);
  EXPECT_EQ(out->extensions[0].oid, "1.2.3.4");
  EXPECT_EQ(out->extensions[0].value, Bytes{9});
  EXPECT_EQ(out->extensions[1].oid, "1.2.3.4.7");
}

TEST_F(CertificateFieldsTest, SayWhoIsAnAuthority) {
  const auto is_ca = [this](const std::vector<Bytes>& list) {
    set_extensions(list);
    return read().value().is_ca;
  };
  const Bytes authority = extension(kConstraints, true, kAuthority);
  const Bytes none = extension(kConstraints, true, element(0x30, {}));
  EXPECT_TRUE(is_ca({authority}));
  EXPECT_TRUE(is_ca({authority, extension(kKeyUsage, true, kMaySign)}));
  EXPECT_FALSE(is_ca({authority, extension(kKeyUsage, true, kMayNotSign)}));
  EXPECT_FALSE(is_ca({none, extension(kKeyUsage, true, kMaySign)}));
  EXPECT_FALSE(is_ca({extension(kKeyUsage, true, kMaySign)}));
}

TEST_F(CertificateFieldsTest, GiveAnAuthoritysPathLength) {
  const auto constraints = [](bool ca, const Bytes& length) {
    Bytes body = ca ? kTrue : Bytes();
    append(body, element(0x02, length));
    return extension(kConstraints, true, element(0x30, body));
  };
  set_extensions({constraints(true, {3})});
  EXPECT_EQ(read().value().path_length, 3u);
  for (const Bytes& bad :
       {constraints(false, {3}), constraints(true, {0x80}), constraints(true, {1, 0, 0, 0, 0})}) {
    EXPECT_EQ(refusal({bad}), "A certificate is refused: its path length is not one.");
  }
}

}  // namespace
}  // namespace cocoon::attest
