#include "attest/evidence.h"

#include <gtest/gtest.h>

#include "attest/quote.h"
#include "attest/sim/documents.h"
#include "attest/sim/platform.h"
#include "attest/text.h"
#include "attest/verify.h"
#include "codec/cbor.h"
#include "crypto/hash.h"
#include "unit/attest/codes.h"
#include "unit/attest/leaf_certificate.h"
#include "unit/attest/seeded_random.h"
#include "unit/attest/sim_platform.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::code;
using test::kNow;
using test::platform;

Claims some_claims() {
  Claims out;
  out.role = EvidenceRole::worker;
  out.network.bytes.fill(1);
  out.account.bytes.fill(2);
  out.config.fill(3);
  out.models = {"llama-3-8b", "qwen"};
  out.beacon = {42, {}, kNow - Seconds(60)};
  return out;
}

/// A leaf certificate with evidence of a simulated guest, as a Cocoon node makes it.
struct Node {
  test::LeafKey key;
  Bytes claims;
  Bytes quote;

  explicit Node(const Claims& c = some_claims()) : claims(encode_claims(c, key.spki())) {
    sim::SimTdReport guest;
    guest.report_data = report_data_for(claims);
    quote = platform().quote(guest).value();
  }
  Bytes certificate() const {
    return test::leaf_certificate(key, {build_evidence_extension(quote, claims)});
  }
  Evidence evidence() const { return parse_certificate_evidence(certificate()).value(); }
};

TEST(Evidence, OfANodeParsesAndBinds) {
  const Node node;
  const Evidence evidence = node.evidence();
  EXPECT_EQ(evidence.quote, node.quote);
  EXPECT_EQ(evidence.claims_bytes, node.claims);
  EXPECT_EQ(evidence.claims, some_claims());
  EXPECT_EQ(evidence.spki, node.key.spki());
  ASSERT_TRUE(evidence.boot_key);
  EXPECT_EQ(evidence.boot_key->bytes, node.key.public_key());
  EXPECT_EQ(code(check_binding(evidence)), "");
}

TEST(Evidence, WithAllOptionalClaimsParses) {
  Claims claims = some_claims();
  claims.gpu_evidence.emplace();
  claims.gpu_evidence->fill(8);
  claims.event_log = Bytes(limits::kMaxClaimedEventLogBytes, 9);
  EXPECT_EQ(Node(claims).evidence().claims, claims);
}

TEST(Evidence, WithALogThatIsTooLongIsMalformed) {
  Claims claims = some_claims();
  claims.event_log = Bytes(limits::kMaxClaimedEventLogBytes + 1, 9);
  const Node node(claims);
  EXPECT_EQ(code(parse_evidence_extension(build_evidence_extension(node.quote, node.claims))),
            "evidence_malformed");
}

TEST(Evidence, WithAnotherKeyInTheCertificateDoesNotBind) {
  const Node node;
  const test::LeafKey other;
  const Evidence evidence =
      parse_certificate_evidence(
          test::leaf_certificate(other, {build_evidence_extension(node.quote, node.claims)}))
          .value();
  EXPECT_EQ(code(check_binding(evidence)), "key_not_bound");
}

TEST(Evidence, WithOtherClaimsThanQuotedDoesNotBind) {
  Node node;
  Claims other = some_claims();
  other.role = EvidenceRole::proxy;
  node.claims = encode_claims(other, node.key.spki());
  EXPECT_EQ(code(check_binding(node.evidence())), "claims_not_bound");
}

TEST(Evidence, WithAnythingInTheSecondHalfOfReportDataDoesNotBind) {
  Node node;
  sim::SimTdReport guest;
  guest.report_data = report_data_for(node.claims);
  guest.report_data[63] = 1;
  node.quote = platform().quote(guest).value();
  EXPECT_EQ(code(check_binding(node.evidence())), "claims_not_bound");
}

TEST(Evidence, WithAQuoteThatDoesNotParseDoesNotBind) {
  Node node;
  node.quote.resize(100);
  EXPECT_EQ(code(check_binding(node.evidence())), "quote_format");
}

TEST(Evidence, WithAnUnknownKeyHashAlgorithmDoesNotBind) {
  Evidence evidence = Node().evidence();
  evidence.key_hash.algorithm = 2;
  EXPECT_EQ(code(check_binding(evidence)), "key_not_bound");
  evidence.key_hash.digest.clear();
  EXPECT_EQ(code(check_binding(evidence)), "key_not_bound");
}

TEST(Evidence, MayNameItsKeyByTheLargerHashes) {
  Evidence evidence = Node().evidence();
  evidence.key_hash = {7, to_bytes(crypto::sha384(evidence.spki))};
  EXPECT_EQ(code(check_binding(evidence)), "");
  evidence.key_hash = {8, to_bytes(crypto::sha512(evidence.spki))};
  EXPECT_EQ(code(check_binding(evidence)), "");
}

class ForeignCertificate : public testing::TestWithParam<const char*> {
 protected:
  Bytes leaf() const {
    const std::string pem = test::read_text(test::vector_dir() / "ratls" / GetParam());
    return test::pem_to_der(pem);
  }
};

TEST_P(ForeignCertificate, ParsesAndBindsButMakesNoClaimsOfOurs) {
  const auto evidence = parse_certificate_evidence(leaf());
  ASSERT_TRUE(evidence) << evidence.error().detail();
  EXPECT_EQ(code(check_binding(*evidence)), "");
  EXPECT_FALSE(evidence->claims);
  EXPECT_FALSE(evidence->boot_key);
  EXPECT_EQ(code(check_claims(*evidence, {}, kNow)), "claims_missing");
}

TEST_P(ForeignCertificate, IsOfADebugEnclave) {
  const Quote quote = parse_quote(parse_certificate_evidence(leaf())->quote).value();
  ASSERT_EQ(quote.tee, TeeKind::sgx);
  EXPECT_TRUE(std::get<SgxReport>(quote.body).debug());
}

/// MANIFEST.md: the quotes' own signatures lead to Intel's root. No collateral is at hand.
TEST_P(ForeignCertificate, HasAQuoteWhoseSignaturesAreIntels) {
  const Bytes quote = parse_certificate_evidence(leaf())->quote;
  const Verdict verdict = verify_quote(quote, Collateral::parse({}), TrustedRoot::intel(),
                                       parse_utc("2023-11-01T00:00:00Z").value());
  EXPECT_EQ(verdict.text(), "TCB_INFO_MISSING");
}

INSTANTIATE_TEST_SUITE_P(RaTls, ForeignCertificate,
                         testing::Values("gramine-cert.pem", "rats-tls-cert.pem"),
                         [](const auto& parameter) { return test::test_name(parameter.param); });

TEST(ParseCertificateEvidence, RefusesACertificateWithoutEvidence) {
  EXPECT_EQ(code(parse_certificate_evidence(test::leaf_certificate(test::LeafKey(), {}))),
            "evidence_missing");
}

TEST(HasEvidence, FindsNoneInWhatIsNoCertificate) {
  EXPECT_FALSE(has_evidence({}));
  EXPECT_FALSE(has_evidence(Bytes(100, 0x30)));
  const Bytes whole = Node().certificate();
  EXPECT_FALSE(has_evidence(ByteView(whole).first(whole.size() - 1)));
}

TEST(HasEvidence, TellsCertificatesApart) {
  EXPECT_FALSE(has_evidence(test::leaf_certificate(test::LeafKey(), {})));
  EXPECT_TRUE(has_evidence(Node().certificate()));
}

TEST(ParseCertificateEvidence, RefusesEvidenceTwice) {
  const Node node;
  const Bytes value = build_evidence_extension(node.quote, node.claims);
  EXPECT_EQ(code(parse_certificate_evidence(test::leaf_certificate(node.key, {value, value}))),
            "evidence_malformed");
}

TEST(ParseCertificateEvidence, RefusesBytesAfterTheCertificate) {
  Bytes der = Node().certificate();
  der.push_back(0);
  EXPECT_EQ(code(parse_certificate_evidence(der)), "certificate_invalid");
}

TEST(ParseCertificateEvidence, RefusesWhatIsNoCertificate) {
  EXPECT_EQ(code(parse_certificate_evidence({})), "certificate_invalid");
  EXPECT_EQ(code(parse_certificate_evidence(Bytes(100, 0x30))), "certificate_invalid");
}

TEST(ParseCertificateEvidence, RefusesMoreThanTheLimit) {
  EXPECT_EQ(code(parse_certificate_evidence(Bytes(limits::kMaxLeafCertificateBytes + 1))),
            "evidence_too_large");
}

TEST(ParseEvidenceExtension, RefusesMoreThanTheLimit) {
  EXPECT_EQ(code(parse_evidence_extension(Bytes(limits::kMaxEvidenceBytes + 1))),
            "evidence_too_large");
}

TEST(ParseEvidenceExtension, RefusesOtherKindsOfEvidence) {
  for (const std::uint64_t tag : {std::uint64_t{60001}, std::uint64_t{60002}, std::uint64_t{0}}) {
    const Bytes value = cbor::Writer().tag(tag).array(2).byte_string({}).byte_string({}).take();
    EXPECT_EQ(code(parse_evidence_extension(value)), "evidence_unsupported") << tag;
  }
}

TEST(ParseEvidenceExtension, RefusesEveryTruncation) {
  const Node node;
  const Bytes value = build_evidence_extension(node.quote, node.claims);
  for (std::size_t size = 0; size < value.size(); size += size < 20 ? 1 : 97) {
    EXPECT_FALSE(parse_evidence_extension(ByteView(value).first(size))) << size;
  }
  Bytes longer = value;
  longer.push_back(0);
  EXPECT_EQ(code(parse_evidence_extension(longer)), "evidence_malformed");
}

/// Evidence with these claims instead of good ones; it must not parse.
void expect_malformed_claims(const Bytes& claims, const char* what) {
  EXPECT_EQ(code(parse_evidence_extension(build_evidence_extension({}, claims))),
            "evidence_malformed")
      << what;
}

Bytes key_hash() {
  return cbor::Writer().array(2).unsigned_integer(1).byte_string(Hash{}).take();
}

TEST(ParseClaims, NeedsAKeyHash) {
  expect_malformed_claims(cbor::Writer().map(0).take(), "empty map");
  expect_malformed_claims(cbor::Writer().array(0).take(), "no map");
  expect_malformed_claims({}, "nothing");
  expect_malformed_claims(
      cbor::Writer().map(1).text_string("pubkey-hash").byte_string(Bytes{0x01}).take(),
      "key hash that is no pair");
}

TEST(ParseClaims, RefusesAKeyTwice) {
  cbor::Writer out;
  out.map(2);
  for (int i = 0; i < 2; ++i) out.text_string("pubkey-hash").byte_string(key_hash());
  expect_malformed_claims(out.take(), "key hash twice");
}

TEST(ParseClaims, PassesOverWhatItDoesNotKnow) {
  cbor::Writer out;
  out.map(2).text_string("nonce").array(1).byte_string(Bytes(8));
  out.text_string("pubkey-hash").byte_string(key_hash());
  EXPECT_TRUE(parse_evidence_extension(build_evidence_extension({}, out.take())));
}

/// Our map with one pair left out or another value put in.
Bytes claims_with(std::string_view changed, const Bytes& value) {
  cbor::Writer map;
  std::size_t pairs = 0;
  const auto put = [&](std::string_view key, const Bytes& usual) {
    const Bytes& chosen = key == changed ? value : usual;
    if (chosen.empty()) return;
    map.text_string(key).raw(chosen);
    ++pairs;
  };
  put("role", cbor::Writer().text_string("proxy").take());
  put("network", cbor::Writer().byte_string(Bytes(16)).take());
  put("account", cbor::Writer().byte_string(Bytes(32)).take());
  put("models", cbor::Writer().array(0).take());
  put("config", cbor::Writer().byte_string(Bytes(32)).take());
  put("beacon",
      cbor::Writer().array(3).unsigned_integer(1).byte_string(Hash{}).unsigned_integer(2).take());
  put("gpu", changed == "gpu" ? value : Bytes());
  put("unheard-of", changed == "unheard-of" ? value : Bytes());
  const Bytes contents = map.take();
  return cbor::Writer()
      .map(2)
      .text_string("pubkey-hash")
      .byte_string(key_hash())
      .text_string("cocoon")
      .map(pairs)
      .raw(contents)
      .take();
}

TEST(ParseClaims, NeedsEveryMemberOfOurMap) {
  ASSERT_TRUE(parse_evidence_extension(build_evidence_extension({}, claims_with("", {}))));
  for (const char* key : {"role", "network", "account", "models", "config", "beacon"}) {
    expect_malformed_claims(claims_with(key, {}), key);
  }
}

TEST(ParseClaims, PassesOverMembersOfOurMapThatItDoesNotKnow) {
  const auto parse = [](const Bytes& claims) {
    return parse_evidence_extension(build_evidence_extension({}, claims));
  };
  const auto plain = parse(claims_with("", {}));
  const auto more = parse(claims_with("unheard-of", cbor::Writer().array(1).array(0).take()));
  ASSERT_TRUE(plain && more);
  EXPECT_EQ(more->claims, plain->claims);
}

TEST(ParseClaims, RefusesMembersOfAnotherForm) {
  const Bytes short_bytes = cbor::Writer().byte_string(Bytes(15)).take();
  for (const char* key : {"network", "account", "config", "gpu"}) {
    expect_malformed_claims(claims_with(key, short_bytes), key);
  }
  expect_malformed_claims(claims_with("role", cbor::Writer().text_string("client").take()), "role");
  expect_malformed_claims(
      claims_with("beacon", cbor::Writer().array(2).unsigned_integer(1).byte_string(Hash{}).take()),
      "beacon of two");
  expect_malformed_claims(claims_with("beacon", cbor::Writer()
                                                    .array(3)
                                                    .unsigned_integer(1)
                                                    .byte_string(Hash{})
                                                    .unsigned_integer(UINT64_MAX)
                                                    .take()),
                          "beacon far ahead");
}

TEST(ParseClaims, BoundsTheModels) {
  const auto models = [](std::size_t count, std::size_t size) {
    cbor::Writer out;
    out.array(count);
    for (std::size_t i = 0; i < count; ++i) out.text_string(std::string(size, 'm'));
    return out.take();
  };
  EXPECT_TRUE(parse_evidence_extension(build_evidence_extension(
      {}, claims_with("models", models(limits::kMaxClaimedModels, limits::kMaxModelIdBytes)))));
  expect_malformed_claims(claims_with("models", models(limits::kMaxClaimedModels + 1, 1)),
                          "too many");
  expect_malformed_claims(claims_with("models", models(1, limits::kMaxModelIdBytes + 1)),
                          "too long");
  expect_malformed_claims(claims_with("models", models(1, 0)), "empty");
}

class ClaimsCheck : public testing::Test {
 protected:
  ClaimsCheck() {
    expected_.role = EvidenceRole::worker;
    expected_.network.bytes.fill(1);
    evidence_.claims = some_claims();
  }
  std::string check() const { return code(check_claims(evidence_, expected_, kNow)); }

  Evidence evidence_;
  ExpectedClaims expected_;
};

TEST_F(ClaimsCheck, PassesWhatIsExpected) {
  EXPECT_EQ(check(), "");
}

TEST_F(ClaimsCheck, RefusesAnotherRole) {
  expected_.role = EvidenceRole::proxy;
  EXPECT_EQ(check(), "wrong_role");
}

TEST_F(ClaimsCheck, RefusesAnotherNetwork) {
  expected_.network.bytes[15] ^= 1;
  EXPECT_EQ(check(), "wrong_network");
}

TEST_F(ClaimsCheck, RefusesAnOldBeacon) {
  evidence_.claims->beacon.time = kNow - limits::kMaxBeaconAge;
  EXPECT_EQ(check(), "");
  evidence_.claims->beacon.time -= Seconds(1);
  EXPECT_EQ(check(), "beacon_too_old");
}

TEST_F(ClaimsCheck, RefusesABeaconFromTheFuture) {
  evidence_.claims->beacon.time = kNow + limits::kClockSkew;
  EXPECT_EQ(check(), "");
  evidence_.claims->beacon.time += Seconds(1);
  EXPECT_EQ(check(), "beacon_in_future");
}

TEST(EncodeClaims, IsDeterministic) {
  const Bytes spki(44, 0x01);
  EXPECT_EQ(encode_claims(some_claims(), spki), encode_claims(some_claims(), spki));
  // {"cocoon": {...}, "pubkey-hash": ...}: shorter keys first.
  const Bytes encoded = encode_claims(some_claims(), spki);
  EXPECT_EQ(as_text(ByteView(encoded).subspan(0, 8)),
            "\xA2"
            "fcocoon");
}

}  // namespace
}  // namespace cocoon::attest
