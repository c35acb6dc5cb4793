#include "attest/certificate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "attest/certificate_cache.h"
#include "attest/chain.h"
#include "attest/der.h"
#include "attest/pck.h"
#include "attest/sim/issue.h"
#include "attest/text.h"
#include "base/limits.h"
#include "unit/attest/seeded_random.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

const UnixTime kFrom = parse_utc("2026-01-01T00:00:00Z").value();
const UnixTime kUntil = parse_utc("2060-01-01T00:00:00Z").value();

sim::SigningKey make_key(std::uint64_t seed) {
  test::SeededRandom random(seed);
  return sim::SigningKey::generate(random).value();
}
const sim::SigningKey& root_key() {
  static const sim::SigningKey kKey = make_key(1);
  return kKey;
}
const sim::SigningKey& ca_key() {
  static const sim::SigningKey kKey = make_key(2);
  return kKey;
}
const sim::SigningKey& leaf_key() {
  static const sim::SigningKey kKey = make_key(3);
  return kKey;
}

sim::CertificateSpec spec(std::string_view name, std::string_view issuer,
                          const sim::SigningKey& key, bool is_ca) {
  return {name, issuer, key.point(), {0x80, 1}, kFrom, kUntil, is_ca, {}};
}

CertificatePtr issue(const sim::CertificateSpec& s, const sim::SigningKey& issuer) {
  return Certificate::parse(sim::issue_certificate(s, issuer).value()).value();
}

/// A PCK chain in which each test spoils one thing.
class PckChain : public testing::Test {
 protected:
  sim::CertificateSpec root_ = spec(kRootName, kRootName, root_key(), true);
  sim::CertificateSpec ca_ = spec(kPlatformCaName, kRootName, ca_key(), true);
  sim::CertificateSpec leaf_ = spec(kPckName, kPlatformCaName, leaf_key(), false);
  const sim::SigningKey* leaf_signer_ = &ca_key();
  const sim::SigningKey* ca_signer_ = &root_key();

  std::vector<CertificatePtr> chain() const {
    return {issue(leaf_, *leaf_signer_), issue(ca_, *ca_signer_), issue(root_, root_key())};
  }
  std::string check(const std::vector<CertificatePtr>& certificates) const {
    const Bytes der =
        sim::issue_certificate(spec(kRootName, kRootName, root_key(), true), root_key()).value();
    const TrustedRoot root = TrustedRoot::simulated(encode_pem_certificate(der)).value();
    CertificateCache cache;
    return std::string(check_pck_chain(certificates, root, cache));
  }
};

TEST_F(PckChain, IsAcceptedAsItShould) {
  EXPECT_EQ(check(chain()), "");
  ca_.common_name = leaf_.issuer_name = kProcessorCaName;
  EXPECT_EQ(check(chain()), "");
}

TEST_F(PckChain, HasExactlyThreeCertificates) {
  auto certificates = chain();
  certificates.push_back(certificates.back());
  EXPECT_EQ(check(certificates), "count");
  certificates.resize(2);
  EXPECT_EQ(check(certificates), "count");
  EXPECT_EQ(check({}), "count");
}

TEST_F(PckChain, StandsInOrder) {
  const auto c = chain();
  EXPECT_EQ(check({c[1], c[0], c[2]}), "name");
  EXPECT_EQ(check({c[2], c[1], c[0]}), "root");
}

TEST_F(PckChain, HasIntelsNames) {
  for (std::string_view* name : {&leaf_.common_name, &ca_.common_name, &root_.common_name}) {
    const std::string_view genuine = *name;
    *name = "Intel SGX TCB Signing";
    EXPECT_EQ(check(chain()), "name") << genuine;
    *name = genuine;
  }
}

TEST_F(PckChain, HasARootOfIntelsNameWhateverItsKey) {
  root_.common_name = root_.issuer_name = ca_.issuer_name = "Another Root CA";
  EXPECT_EQ(check(chain()), "name");
}

TEST_F(PckChain, HasIssuersThatAreTheNextSubjects) {
  leaf_.issuer_name = kProcessorCaName;
  EXPECT_EQ(check(chain()), "name");
  leaf_.issuer_name = kPlatformCaName;
  ca_.issuer_name = kPlatformCaName;
  EXPECT_EQ(check(chain()), "name");
}

TEST_F(PckChain, HasCaFlagsWhereTheyBelong) {
  leaf_.is_ca = true;
  EXPECT_EQ(check(chain()), "ca");
  leaf_.is_ca = false;
  ca_.is_ca = false;
  EXPECT_EQ(check(chain()), "ca");
  ca_.is_ca = true;
  root_.is_ca = false;
  EXPECT_EQ(check(chain()), "ca");
}

TEST_F(PckChain, IsSignedLinkByLink) {
  leaf_signer_ = &root_key();
  EXPECT_EQ(check(chain()), "signature");
  leaf_signer_ = &ca_key();
  ca_signer_ = &ca_key();
  EXPECT_EQ(check(chain()), "signature");
}

TEST_F(PckChain, EndsInTheTrustedKey) {
  auto certificates = chain();
  certificates[2] = issue(spec(kRootName, kRootName, leaf_key(), true), leaf_key());
  EXPECT_EQ(check(certificates), "root");
}

TEST(Certificate, KeepsDatesBeforeAndAfter2050) {
  const CertificatePtr c = issue(spec("A", "B", leaf_key(), false), ca_key());
  EXPECT_EQ(c->not_before, kFrom);
  EXPECT_EQ(c->not_after, kUntil);
}

TEST(Certificate, RefusesMoreThanTheLimit) {
  EXPECT_FALSE(Certificate::parse(Bytes(limits::kMaxChainCertificateBytes + 1, 0x30)));
}

TEST(Certificate, RefusesBytesAfterIt) {
  Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), false), ca_key()).value();
  ASSERT_TRUE(Certificate::parse(der));
  der.push_back(0);
  EXPECT_FALSE(Certificate::parse(der));
}

TEST(Certificate, RefusesEveryTruncation) {
  const Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), false), ca_key()).value();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(Certificate::parse(ByteView(der).first(size))) << size;
  }
}

TEST(Certificate, RefusesAKeyOffTheCurve) {
  P256Point point = leaf_key().point();
  point[63] ^= 1;
  sim::CertificateSpec s = spec("A", "B", leaf_key(), false);
  s.key = point;
  const auto parsed = Certificate::parse(sim::issue_certificate(s, ca_key()).value());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "key_not_on_curve");
}

/// `der` with the first `from` behind `after` replaced. (Its signature fits no more, which parsing
/// does not look at.)
Bytes replaced(Bytes der, const Bytes& after, const Bytes& from, const Bytes& to) {
  auto at = std::search(der.begin(), der.end(), after.begin(), after.end());
  at = std::search(at, der.end(), from.begin(), from.end());
  EXPECT_NE(at, der.end());
  if (at != der.end()) std::copy(to.begin(), to.end(), at);
  return der;
}

/// The algorithm inside is signed, the one outside is what the signature is verified with.
TEST(Certificate, RefusesSignatureAlgorithmsThatDiffer) {
  const Bytes sha256{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
  Bytes sha384 = sha256;
  sha384.back() = 0x03;
  const Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), false), ca_key()).value();
  ASSERT_TRUE(Certificate::parse(der));
  const auto parsed = Certificate::parse(replaced(der, {}, sha256, sha384));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "certificate_invalid");
}

TEST(Certificate, IsSignedWithSha256Only) {
  const Bytes sha256{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
  Bytes sha384 = sha256;
  sha384.back() = 0x03;
  const Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), false), ca_key()).value();
  const auto parsed =
      Certificate::parse(replaced(replaced(der, {}, sha256, sha384), {}, sha256, sha384));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), "signature_algorithm");
}

TEST(Certificate, IsACaByBothOfItsExtensionsOnly) {
  const Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), true), ca_key()).value();
  const CertificatePtr ca = Certificate::parse(der).value();
  EXPECT_TRUE(ca->is_ca);
  const auto no_ca = Certificate::parse(replaced(
      der, {0x55, 0x1D, 0x13}, {0x30, 0x03, 0x01, 0x01, 0xFF}, {0x30, 0x03, 0x01, 0x01, 0x00}));
  ASSERT_TRUE(no_ca);
  EXPECT_FALSE((*no_ca)->is_ca);
  // keyUsage: cRLSign alone.
  const auto no_use = Certificate::parse(
      replaced(der, {0x55, 0x1D, 0x0F}, {0x03, 0x02, 0x01, 0x06}, {0x03, 0x02, 0x01, 0x02}));
  ASSERT_TRUE(no_use);
  EXPECT_FALSE((*no_use)->is_ca);
}

/// NVIDIA's root has a P-384 key.
TEST(Certificate, RefusesOtherAlgorithms) {
  const std::string pem = test::read_text(test::vector_dir() / "nvidia/device_root.pem");
  const auto ders = decode_pem_certificates(pem);
  ASSERT_TRUE(ders);
  EXPECT_FALSE(Certificate::parse(ders->front()));
}

TEST(RevocationList, FindsItsSerialsOnly) {
  const Bytes der =
      sim::issue_crl({"A", kFrom, kUntil, {{0x80, 1}, {5}, {1, 2, 3}}}, ca_key()).value();
  const RevocationListPtr list = RevocationList::parse(der).value();
  for (const Bytes& serial : {Bytes{0x80, 1}, Bytes{5}, Bytes{1, 2, 3}}) {
    EXPECT_TRUE(list->contains(serial));
  }
  for (const Bytes& serial : {Bytes{}, Bytes{1}, Bytes{1, 2}, Bytes{6}, Bytes{0x80}}) {
    EXPECT_FALSE(list->contains(serial));
  }
  EXPECT_TRUE(list->encoded.signed_by(P256PublicKey::from_point(ca_key().point()).value()));
  EXPECT_FALSE(list->encoded.signed_by(P256PublicKey::from_point(leaf_key().point()).value()));
}

TEST(RevocationList, RefusesBytesAfterIt) {
  Bytes der = sim::issue_crl({"A", kFrom, kUntil, {}}, ca_key()).value();
  der.push_back(0);
  EXPECT_FALSE(RevocationList::parse(der));
}

TEST(Pem, RefusesWhatIsNoChain) {
  const std::string good = encode_pem_certificate(Bytes{1, 2, 3});
  EXPECT_EQ(decode_pem_certificates(good + "\n" + good + std::string(1, '\0'))->size(), 2u);
  EXPECT_EQ(decode_pem_certificates("")->size(), 0u);
  for (const std::string& bad :
       {std::string("junk"), good + "junk", "junk" + good, good.substr(0, good.size() - 5),
        std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQI\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nA===\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQ=D\n-----END CERTIFICATE-----\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAQ!D\n-----END CERTIFICATE-----\n")}) {
    EXPECT_FALSE(decode_pem_certificates(bad)) << bad;
  }
}

TEST(Pem, BoundsTheNumberOfCertificates) {
  std::string chain;
  for (std::size_t i = 0; i < limits::kMaxChainCertificates; ++i) {
    chain += encode_pem_certificate(Bytes{1});
  }
  EXPECT_TRUE(decode_pem_certificates(chain));
  EXPECT_FALSE(decode_pem_certificates(chain + encode_pem_certificate(Bytes{1})));
}

TEST(Pem, ReadsWhatItWrites) {
  for (std::size_t size = 1; size < 200; ++size) {
    const Bytes der(size, static_cast<std::uint8_t>(size));
    EXPECT_EQ(decode_pem_certificates(encode_pem_certificate(der))->front(), der) << size;
  }
}

TEST(Der, RefusesLengthsThatAreNotOfTheShortestForm) {
  for (const Bytes& bad :
       {Bytes{0x04, 0x81, 0x01, 0xAA}, Bytes{0x04, 0x82, 0x00, 0x01, 0xAA},
        Bytes{0x04, 0x80, 0xAA, 0x00, 0x00}, Bytes{0x04, 0x02, 0xAA}, Bytes{0x04}, Bytes{},
        Bytes{0x1F, 0x01, 0x00}, Bytes{0x04, 0x85, 0, 0, 0, 0, 1, 0xAA}}) {
    der::Reader in(bad);
    (void)in.any();
    EXPECT_TRUE(in.failed()) << encode_hex(bad);
  }
}

TEST(Der, ReadsSmallIntegersOfTheShortestFormOnly) {
  const auto read = [](Bytes bytes) {
    der::Reader in(bytes);
    const std::uint32_t value = in.small_integer();
    return in.finished() ? std::optional(value) : std::nullopt;
  };
  EXPECT_EQ(read({0x02, 0x01, 0x7F}), 127u);
  EXPECT_EQ(read({0x02, 0x02, 0x00, 0xFF}), 255u);
  EXPECT_EQ(read({0x02, 0x02, 0x01, 0x2C}), 300u);
  EXPECT_FALSE(read({0x02, 0x02, 0x00, 0x7F}));
  EXPECT_FALSE(read({0x02, 0x01, 0xFF}));
  EXPECT_FALSE(read({0x02, 0x00}));
  EXPECT_FALSE(read({0x02, 0x05, 0x01, 0, 0, 0, 0}));
}

PckExtension some_extension() {
  PckExtension out;
  out.ppid.bytes.fill(9);
  for (std::size_t i = 0; i < 16; ++i) {
    out.sgx_components[i] = static_cast<std::uint8_t>(i * 17);
  }
  out.pce_svn = 300;
  out.cpu_svn.fill(4);
  out.pce_id = {1, 2};
  out.fmspc = {1, 2, 3, 4, 5, 6};
  out.sgx_type = 1;
  out.platform_instance_id = PlatformId{};
  out.dynamic_platform = true;
  out.cached_keys = false;
  out.smt_enabled = true;
  return out;
}

TEST(PckExtension, ReadsEveryElement) {
  const PckExtension in = some_extension();
  const PckExtension out = parse_pck_extension(sim::encode_pck_extension(in)).value();
  EXPECT_EQ(out.ppid, in.ppid);
  EXPECT_EQ(out.sgx_components, in.sgx_components);
  EXPECT_EQ(out.pce_svn, 300);
  EXPECT_EQ(out.cpu_svn, in.cpu_svn);
  EXPECT_EQ(out.pce_id, in.pce_id);
  EXPECT_EQ(out.fmspc, in.fmspc);
  EXPECT_EQ(out.sgx_type, 1u);
  EXPECT_EQ(out.platform_instance_id, in.platform_instance_id);
  EXPECT_EQ(out.dynamic_platform, true);
  EXPECT_EQ(out.cached_keys, false);
  EXPECT_EQ(out.smt_enabled, true);
}

/// The extension's encoding with the element of one last arc twice or missing.
Bytes with_copies(std::uint8_t arc, int copies) {
  const Bytes encoded = sim::encode_pck_extension(some_extension());
  der::Reader outer(encoded);
  der::Reader list = outer.sequence();
  Bytes contents;
  while (!list.at_end()) {
    const der::Element element = list.any();
    der::Reader pair(element.contents);
    const bool chosen = pair.read(der::Tag::object_identifier).back() == arc;
    for (int i = 0; i < (chosen ? copies : 1); ++i) append(contents, element.whole);
  }
  Bytes out{0x30, 0x82, static_cast<std::uint8_t>(contents.size() >> 8),
            static_cast<std::uint8_t>(contents.size())};
  append(out, contents);
  return out;
}

TEST(PckExtension, RefusesAnyElementTwice) {
  ASSERT_TRUE(parse_pck_extension(with_copies(0, 1)));
  for (std::uint8_t arc = 1; arc <= 7; ++arc) {
    EXPECT_FALSE(parse_pck_extension(with_copies(arc, 2))) << int{arc};
  }
}

Bytes long_sequence(const Bytes& contents) {
  Bytes out{0x30, 0x82, static_cast<std::uint8_t>(contents.size() >> 8),
            static_cast<std::uint8_t>(contents.size())};
  append(out, contents);
  return out;
}

/// The extension's encoding with the elements of its TCB as `edit` leaves them.
Bytes with_tcb(const std::function<void(std::vector<Bytes>&)>& edit) {
  constexpr std::uint8_t kTcb = 2;
  const Bytes encoded = sim::encode_pck_extension(some_extension());
  der::Reader outer(encoded);
  der::Reader list = outer.sequence();
  Bytes contents;
  while (!list.at_end()) {
    const der::Element element = list.any();
    der::Reader pair = der::Reader(element.whole).sequence();
    const der::Element oid = pair.any();
    if (oid.contents.back() != kTcb) {
      append(contents, element.whole);
      continue;
    }
    std::vector<Bytes> elements;
    der::Reader tcb = pair.sequence();
    while (!tcb.at_end()) elements.push_back(to_bytes(tcb.any().whole));
    edit(elements);
    Bytes all;
    for (const Bytes& one : elements) append(all, one);
    Bytes body = to_bytes(oid.whole);
    append(body, long_sequence(all));
    append(contents, long_sequence(body));
  }
  return long_sequence(contents);
}

TEST(PckExtension, RefusesAnyElementOfItsTcbTwice) {
  ASSERT_TRUE(parse_pck_extension(with_tcb([](auto&) {})));
  for (std::size_t i = 0; i < 18; ++i) {
    EXPECT_FALSE(parse_pck_extension(with_tcb([i](auto& tcb) { tcb.push_back(tcb[i]); }))) << i;
  }
}

TEST(PckExtension, RefusesAComponentAboveAByte) {
  const auto with_component = [](const Bytes& value) {
    return with_tcb([&](std::vector<Bytes>& tcb) {
      Bytes body = to_bytes(der::Reader(tcb[0]).sequence().any().whole);
      append(body, value);
      tcb[0] = {0x30, static_cast<std::uint8_t>(body.size())};
      append(tcb[0], body);
    });
  };
  EXPECT_TRUE(parse_pck_extension(with_component({0x02, 0x02, 0x00, 0xFF})));
  EXPECT_FALSE(parse_pck_extension(with_component({0x02, 0x02, 0x01, 0x00})));
}

TEST(PckExtension, NeedsTheElementsOfEveryCertificate) {
  for (std::uint8_t arc = 1; arc <= 7; ++arc) {
    EXPECT_EQ(parse_pck_extension(with_copies(arc, 0)).has_value(), arc > 5) << int{arc};
  }
}

TEST(PckExtension, RefusesEveryTruncation) {
  const Bytes der = sim::encode_pck_extension(some_extension());
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(parse_pck_extension(ByteView(der).first(size))) << size;
  }
}

TEST(P256, RefusesPointsOffTheCurve) {
  EXPECT_FALSE(P256PublicKey::from_point(P256Point{}));
  P256Point all_ones;
  all_ones.fill(0xFF);
  EXPECT_FALSE(P256PublicKey::from_point(all_ones));
}

TEST(P256, RefusesNumbersOutsideTheGroupOrder) {
  // n, the order of the group (SEC 2 section 2.4.2).
  const Bytes n =
      decode_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  const Bytes message{1, 2, 3};
  const P256Signature good = leaf_key().sign({message}).value();
  const P256PublicKey key = P256PublicKey::from_point(leaf_key().point()).value();
  ASSERT_TRUE(key.verify({message}, good));
  for (const std::size_t half : {std::size_t{0}, std::size_t{32}}) {
    for (const Bytes& number : {Bytes(32), n, Bytes(32, 0xFF)}) {
      P256Signature bad = good;
      std::copy(number.begin(), number.end(), bad.begin() + static_cast<std::ptrdiff_t>(half));
      EXPECT_FALSE(key.verify({message}, bad));
    }
  }
}

TEST(P256, VerifiesTheConcatenationOfItsParts) {
  const Bytes a{1, 2};
  const Bytes b{3};
  const Bytes whole{1, 2, 3};
  const P256PublicKey key = P256PublicKey::from_point(leaf_key().point()).value();
  EXPECT_TRUE(key.verify({a, b}, leaf_key().sign({whole}).value()));
  EXPECT_FALSE(key.verify({b, a}, leaf_key().sign({whole}).value()));
}

TEST(P256, TakesNoKeyWithExplicitCurveParameters) {
  EXPECT_EQ(p256_point_from_spki(p256_spki(leaf_key().point())), leaf_key().point());
  Bytes spki = p256_spki(leaf_key().point());
  spki[5] ^= 1;
  EXPECT_FALSE(p256_point_from_spki(spki));
  EXPECT_FALSE(p256_point_from_spki({}));
}

TEST(CertificateCache, RemembersGoodAndNotBad) {
  CertificateCache cache;
  const Bytes der = sim::issue_certificate(spec("A", "B", leaf_key(), false), ca_key()).value();
  const CertificatePtr first = cache.certificate(der).value();
  EXPECT_EQ(cache.certificate(der).value(), first);
  EXPECT_FALSE(cache.certificate(Bytes{1}));
  const P256PublicKey right = P256PublicKey::from_point(ca_key().point()).value();
  const P256PublicKey wrong = P256PublicKey::from_point(leaf_key().point()).value();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(cache.signed_by(first->encoded, right));
    EXPECT_FALSE(cache.signed_by(first->encoded, wrong));
  }
}

TEST(CertificateCache, ForgetsWhatIsNotAskedFor) {
  CertificateCache cache(2);
  sim::CertificateSpec s = spec("A", "B", leaf_key(), false);
  const Bytes first_der = sim::issue_certificate(s, ca_key()).value();
  const std::weak_ptr<const Certificate> first = cache.certificate(first_der).value();
  for (std::uint8_t i = 1; i <= 8; ++i) {
    s.serial[0] = i;
    ASSERT_TRUE(cache.certificate(sim::issue_certificate(s, ca_key()).value()));
  }
  EXPECT_TRUE(first.expired());
}

TEST(CertificateCache, ServesSeveralThreads) {
  CertificateCache cache(4);
  std::vector<Bytes> ders;
  sim::CertificateSpec s = spec("A", "B", leaf_key(), false);
  for (std::uint8_t i = 1; i <= 6; ++i) {
    s.serial[0] = i;
    ders.push_back(sim::issue_certificate(s, ca_key()).value());
  }
  const P256PublicKey key = P256PublicKey::from_point(ca_key().point()).value();
  std::vector<int> good(4);
  std::vector<std::thread> threads;
  for (int& count : good) {
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        const auto certificate = cache.certificate(ders[static_cast<std::size_t>(i) % 6]);
        if (certificate && cache.signed_by((*certificate)->encoded, key)) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, (std::vector<int>{30, 30, 30, 30}));
}

}  // namespace
}  // namespace cocoon::attest
