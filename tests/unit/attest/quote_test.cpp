#include "attest/quote.h"

#include <gtest/gtest.h>

#include "attest/sim/documents.h"
#include "base/limits.h"
#include "unit/attest/seeded_random.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

constexpr std::size_t kTd10SignatureSizeAt = 48 + 584;

Bytes genuine() {
  return test::load_vector("dcap-synthetic/s01-tdx4-uptodate").quote;
}

/// A report in which every byte differs from its neighbours, so that a wrong offset shows.
Bytes patterned(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return out;
}

template <std::size_t N>
ByteArray<N> at(const Bytes& bytes, std::size_t offset) {
  return to_array<N>(ByteView(bytes).subspan(offset, N)).value();
}

/// A quote of `body` signed by throw-away keys.
Bytes make(std::uint16_t version, BodyType type, Bytes body,
           CertificationType certification = CertificationType::pck_chain) {
  test::SeededRandom random(1);
  static const sim::SigningKey kAttestation = sim::SigningKey::generate(random).value();
  static const sim::SigningKey kPck = sim::SigningKey::generate(random).value();
  sim::QuoteSpec spec;
  spec.version = version;
  spec.body_type = type;
  spec.body = std::move(body);
  spec.certification_type = certification;
  spec.certification_data = Bytes(10, 0x2D);
  return sim::make_quote(spec, kAttestation, kPck).value();
}

void expect_format_error(ByteView quote, const char* what) {
  const auto parsed = parse_quote(quote);
  ASSERT_FALSE(parsed) << what;
  EXPECT_EQ(parsed.error().code(), "quote_format") << what;
  EXPECT_EQ(parsed.error().kind(), ErrorKind::attestation) << what;
}

TEST(ParseQuote, RefusesMoreBytesThanTheLimit) {
  Bytes quote = genuine();
  quote.resize(limits::kMaxQuoteBytes);
  EXPECT_TRUE(parse_quote(quote));
  quote.push_back(0);
  expect_format_error(quote, "over the limit");
}

TEST(ParseQuote, RefusesVersion3FromTdx) {
  expect_format_error(make(3, BodyType::td10, Bytes(584)), "version 3 with TEE type TDX");
}

TEST(ParseQuote, RefusesVersionsAboveFive) {
  EXPECT_TRUE(parse_quote(make(5, BodyType::td10, Bytes(584))));
  expect_format_error(make(6, BodyType::td10, Bytes(584)), "version 6 in the form of version 5");
}

TEST(ParseQuote, RefusesABodyTypeThatIsNotOfItsTee) {
  Bytes quote = make(5, BodyType::td10, Bytes(584));
  quote[4] = 0x00;  // SGX
  expect_format_error(quote, "TD body, TEE type SGX");
  quote = make(5, BodyType::sgx, Bytes(384));
  quote[4] = 0x81;  // TDX
  expect_format_error(quote, "SGX body, TEE type TDX");
}

TEST(ParseQuote, RefusesUnknownBodyTypes) {
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{5}, std::uint8_t{255}}) {
    Bytes quote = make(5, BodyType::td10, Bytes(584));
    quote[48] = type;
    expect_format_error(quote, "body type");
  }
}

TEST(ParseQuote, RefusesADescriptorWhoseSizeIsAnotherTypes) {
  Bytes quote = make(5, BodyType::td15, Bytes(648));
  quote[50] = static_cast<std::uint8_t>(885 & 0xFF);
  quote[51] = static_cast<std::uint8_t>(885 >> 8);
  expect_format_error(quote, "size of TD 1.5Ex for TD 1.5");
}

TEST(ParseQuote, RefusesSignatureDataThatItsContentsDoNotFill) {
  for (const int delta : {-1, 1}) {
    Bytes quote = genuine();
    quote.push_back(0);
    quote[kTd10SignatureSizeAt] = static_cast<std::uint8_t>(quote[kTd10SignatureSizeAt] + delta);
    expect_format_error(quote, "signature size");
  }
}

TEST(ParseQuote, RefusesInnerLengthsThatDoNotClose) {
  const std::size_t outer_size_at = kTd10SignatureSizeAt + 4 + 128 + 2;
  const std::size_t auth_size_at = outer_size_at + 4 + 384 + 64;
  const std::size_t certification_size_at = auth_size_at + 2 + 32 + 2;
  for (const std::size_t length_at : {outer_size_at, auth_size_at, certification_size_at}) {
    for (const int delta : {-1, 1}) {
      Bytes quote = genuine();
      quote.push_back(0);
      quote[length_at] = static_cast<std::uint8_t>(quote[length_at] + delta);
      expect_format_error(quote, "inner length");
    }
  }
}

TEST(ParseQuote, RefusesAnOuterCertificationTypeOtherThanSix) {
  Bytes quote = genuine();
  quote[kTd10SignatureSizeAt + 4 + 128] = 5;
  expect_format_error(quote, "outer type 5");
}

TEST(ParseQuote, RefusesUnknownCertificationTypes) {
  for (const int type : {0, 6, 8, 100}) {
    expect_format_error(make(4, BodyType::td10, Bytes(584), static_cast<CertificationType>(type)),
                        "inner type");
  }
}

TEST(ParseQuote, IgnoresWhateverFollowsTheQuote) {
  Bytes quote = genuine();
  const std::size_t size = parse_quote(quote)->signed_bytes.size();
  for (int i = 0; i < 100; ++i) quote.push_back(static_cast<std::uint8_t>(i));
  const auto parsed = parse_quote(quote);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->signed_bytes.size(), size);
}

TEST(ParseQuote, TakesAuthDataOfAnyLength) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{32}, std::size_t{1000}}) {
    test::SeededRandom random(2);
    const auto key = sim::SigningKey::generate(random).value();
    sim::QuoteSpec spec;
    spec.body = Bytes(584);
    spec.auth_data = Bytes(size, 0xA5);
    const auto parsed = parse_quote(sim::make_quote(spec, key, key).value());
    ASSERT_TRUE(parsed) << size;
    EXPECT_EQ(parsed->signature.auth_data.size(), size);
  }
}

TEST(ParseQuote, KnowsEveryVersionAndBody) {
  struct Case {
    std::uint16_t version;
    BodyType type;
    TeeKind tee;
  };
  for (const Case& c :
       {Case{3, BodyType::sgx, TeeKind::sgx}, Case{4, BodyType::sgx, TeeKind::sgx},
        Case{5, BodyType::sgx, TeeKind::sgx}, Case{4, BodyType::td10, TeeKind::tdx},
        Case{5, BodyType::td10, TeeKind::tdx}, Case{5, BodyType::td15, TeeKind::tdx},
        Case{5, BodyType::td15ex, TeeKind::tdx}}) {
    const Bytes quote = make(c.version, c.type, patterned(body_size(c.type)));
    const auto parsed = parse_quote(quote);
    ASSERT_TRUE(parsed) << c.version << ", body type " << static_cast<int>(c.type);
    EXPECT_EQ(parsed->version, c.version);
    EXPECT_EQ(parsed->tee, c.tee);
    EXPECT_EQ(parsed->body_type, c.type);
  }
}

/// Offsets of attestation.md section 1.1.
TEST(ParseTdReport, ReadsEachFieldAtItsOffset) {
  const Bytes body = patterned(885);
  const TdReport r = parse_td_report(body, BodyType::td15ex);
  EXPECT_EQ(r.tee_tcb_svn, at<16>(body, 0));
  EXPECT_EQ(r.mr_seam, at<48>(body, 16));
  EXPECT_EQ(r.mr_signer_seam, at<48>(body, 64));
  EXPECT_EQ(r.seam_attributes, at<8>(body, 112));
  EXPECT_EQ(r.td_attributes, ByteReader(at<8>(body, 120)).u64le());
  EXPECT_EQ(r.xfam, ByteReader(at<8>(body, 128)).u64le());
  EXPECT_EQ(r.mr_td, at<48>(body, 136));
  EXPECT_EQ(r.mr_config_id, at<48>(body, 184));
  EXPECT_EQ(r.mr_owner, at<48>(body, 232));
  EXPECT_EQ(r.mr_owner_config, at<48>(body, 280));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(r.rtmr[i], at<48>(body, 328 + 48 * i));
  EXPECT_EQ(r.report_data, at<64>(body, 520));
  ASSERT_TRUE(r.current);
  EXPECT_EQ(r.current->tee_tcb_svn2, at<16>(body, 584));
  EXPECT_EQ(r.current->mr_service_td, at<48>(body, 600));
  ASSERT_TRUE(r.extended);
  EXPECT_EQ(r.extended->vm_id, body[648]);
  EXPECT_EQ(r.extended->td_id, at<32>(body, 649));
  EXPECT_EQ(r.extended->dev_info, at<48>(body, 681));
  EXPECT_EQ(r.extended->init_service_td_hash, at<48>(body, 729));
  EXPECT_EQ(r.extended->init_attributes, ByteReader(at<8>(body, 777)).u64le());
  EXPECT_EQ(r.extended->init_cpu_svn, at<16>(body, 785));
  EXPECT_EQ(r.extended->init_tee_tcb_svn, at<16>(body, 801));
  EXPECT_EQ(r.extended->init_fmspc, at<12>(body, 817));
  EXPECT_EQ(r.extended->current_service_td_hash, at<48>(body, 829));
  EXPECT_EQ(r.extended->current_attributes, ByteReader(at<8>(body, 877)).u64le());
}

TEST(ParseTdReport, LeavesOutWhatAnOlderBodyHasNot) {
  EXPECT_FALSE(parse_td_report(patterned(584), BodyType::td10).current);
  EXPECT_FALSE(parse_td_report(patterned(648), BodyType::td15).extended);
}

TEST(ParseSgxReport, ReadsEachFieldAtItsOffset) {
  const Bytes body = patterned(384);
  const SgxReport r = parse_sgx_report(body);
  EXPECT_EQ(r.cpu_svn, at<16>(body, 0));
  EXPECT_EQ(r.misc_select, ByteReader(at<4>(body, 16)).u32le());
  EXPECT_EQ(r.attributes, at<16>(body, 48));
  EXPECT_EQ(r.mr_enclave, at<32>(body, 64));
  EXPECT_EQ(r.mr_signer, at<32>(body, 128));
  EXPECT_EQ(r.isv_prod_id, ByteReader(at<2>(body, 256)).u16le());
  EXPECT_EQ(r.isv_svn, ByteReader(at<2>(body, 258)).u16le());
  EXPECT_EQ(r.report_data, at<64>(body, 320));
}

}  // namespace
}  // namespace cocoon::attest
