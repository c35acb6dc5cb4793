#include "tls/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <fstream>
#include <iterator>

#include "base/limits.h"
#include "crypto/hash.h"
#include "unit/tls/support.h"

namespace cocoon::tls {
namespace {

using test::fields;
using test::make_key;

Bytes make(const CertificateFields& f) {
  return make_certificate(make_key(1), f).value();
}

TEST(Certificate, WhatIsPutInComesOut) {
  const std::vector<Extension> extensions = {
      {"2.23.133.5.4.9", false, Bytes{1, 2, 3}},
      {"1.3.6.1.4.1.12345.1", true, Bytes(8000, 0x55)},
      {"1.2.3", false, {}},
  };
  auto parsed = parse_certificate(make(fields(extensions)));
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->ed25519_key);
  EXPECT_EQ(*parsed->ed25519_key, make_key(1).public_key());
  EXPECT_EQ(parsed->not_before, fields().not_before);
  EXPECT_EQ(parsed->not_after, fields().not_after);
  ASSERT_EQ(parsed->extensions.size(), extensions.size());
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    EXPECT_EQ(parsed->extensions[i].oid, extensions[i].oid);
    EXPECT_EQ(parsed->extensions[i].critical, extensions[i].critical);
    EXPECT_EQ(parsed->extensions[i].value, extensions[i].value);
  }
}

TEST(Certificate, SpkiIsTheStandardFormOfTheKey) {
  // RFC 8410, 4: a fixed prefix, then the raw key.
  Bytes expected = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  append(expected, make_key(1).public_key());
  EXPECT_EQ(parse_certificate(make(fields()))->spki, expected);
}

TEST(Certificate, IsSignedByItsOwnKey) {
  const Bytes der = make(fields());
  const unsigned char* at = der.data();
  Owned<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
}

TEST(Certificate, SameInputGivesTheSameBytes) {
  EXPECT_EQ(make(fields()), make(fields()));
}

TEST(Certificate, ARenewedOneHasAnotherSerialNumber) {
  auto serial = [](const Bytes& der) {
    const unsigned char* at = der.data();
    Owned<X509> c(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    const ASN1_INTEGER* n = X509_get0_serialNumber(c.get());
    return Bytes(n->data, n->data + n->length);
  };
  CertificateFields later = fields();
  later.not_before += Seconds(3600);
  const Bytes first = serial(make(fields()));
  EXPECT_EQ(first.size(), 16u);
  EXPECT_NE(first, serial(make(later)));
}

TEST(Certificate, FingerprintIsSha256OfTheDer) {
  const Bytes der = make(fields());
  EXPECT_EQ(certificate_fingerprint(der), crypto::sha256(der));
}

std::string make_error(const CertificateFields& f) {
  auto made = make_certificate(make_key(1), f);
  return made ? "none" : std::string(made.error().code());
}

TEST(Certificate, FieldsOutOfBoundsAreRefused) {
  CertificateFields no_name = fields();
  no_name.common_name.clear();
  EXPECT_EQ(make_error(no_name), "bad_certificate_fields");
  CertificateFields long_name = fields();
  long_name.common_name = std::string(65, 'a');
  EXPECT_EQ(make_error(long_name), "bad_certificate_fields");
  CertificateFields not_utf8 = fields();
  not_utf8.common_name = "\xff\xfe";
  EXPECT_EQ(make_error(not_utf8), "bad_certificate_fields");
  CertificateFields backwards = fields();
  std::swap(backwards.not_before, backwards.not_after);
  EXPECT_EQ(make_error(backwards), "bad_certificate_fields");
  EXPECT_EQ(make_error(fields({{"not an oid", false, {}}})), "bad_certificate_fields");
}

TEST(Certificate, OneOverTheLimitIsNeitherMadeNorParsed) {
  const Bytes big(limits::kMaxCertificateChainBytes, 1);
  EXPECT_EQ(make_error(fields({{"1.2.3", false, big}})), "certificate_too_large");
  auto parsed = parse_certificate(Bytes(limits::kMaxCertificateChainBytes + 1, 0x30));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "certificate_too_large");
}

TEST(Certificate, EveryTruncationIsRefused) {
  const Bytes der = make(fields({{"1.2.3", true, {1, 2, 3}}}));
  for (std::size_t n = 0; n < der.size(); ++n) {
    auto parsed = parse_certificate(ByteView(der).first(n));
    ASSERT_FALSE(parsed) << n << " bytes";
    EXPECT_EQ(parsed.error().code(), "bad_certificate");
  }
}

TEST(Certificate, TrailingBytesAreRefused) {
  Bytes der = make(fields());
  der.push_back(0);
  auto parsed = parse_certificate(der);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "bad_certificate");
}

TEST(Certificate, TooManyExtensionsAreRefused) {
  std::vector<Extension> many;
  for (int i = 0; i <= limits::kMaxCertificateExtensions; ++i) {
    many.push_back({"1.2.3." + std::to_string(i), false, {}});
  }
  auto parsed = parse_certificate(make(fields(many)));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "bad_certificate");
}

TEST(Certificate, AnEndlessObjectIdentifierIsRefused) {
  std::string oid = "1.2";
  for (int i = 0; i < 100; ++i) oid += ".3";
  auto parsed = parse_certificate(make(fields({{oid, false, {}}})));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "bad_certificate");
}

TEST(Certificate, OtherMakersCertificatesParseWithTheirKey) {
  // Gramine's, with a key that is not Ed25519: only its SPKI is given (tests/vectors, MANIFEST.md).
  std::ifstream file(COCOON_TEST_VECTORS "/attestation/ratls/gramine-cert.pem");
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(certificate);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  auto parsed = parse_certificate({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->ed25519_key);
  EXPECT_FALSE(parsed->spki.empty());
  EXPECT_FALSE(parsed->extensions.empty());
}

}  // namespace
}  // namespace cocoon::tls
