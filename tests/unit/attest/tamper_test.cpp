#include <gtest/gtest.h>

#include <random>

#include "attest/verify.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

/// Bits flipped per place and vector. Enough to hit every field over the vectors; each costs a
/// verification.
constexpr int kFlips = 12;
constexpr std::uint32_t kTamperSeed = 20260301;

/// Genuine evidence of each kind that is trusted as it stands.
const char* const kTrusted[] = {"dcap/r01-tdx4-uptodate", "dcap/r02-sgx3-config-swhardening",
                                "dcap/r04-tdx5-uptodate", "dcap-synthetic/s03-sgx3-uptodate"};

bool trusted(const test::Vector& vector, ByteView quote, const CollateralText& collateral) {
  return verify_quote(quote, Collateral::parse(collateral), vector.root, vector.now).trusted();
}

void flip(std::mt19937& random, std::size_t size, std::size_t& at, int& bit) {
  at = std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
  bit = std::uniform_int_distribution<int>(0, 7)(random);
}

class Tampering : public testing::TestWithParam<const char*> {
 protected:
  const test::Vector vector_ = test::load_vector(GetParam());
  std::mt19937 random_{kTamperSeed};

  /// Flips single bits of `text`, which is part of `collateral`; nothing may stay trusted.
  void expect_refused(const CollateralText& collateral, std::optional<std::string>& text) {
    const std::string genuine = *text;
    for (int i = 0; i < kFlips; ++i) {
      std::size_t at;
      int bit;
      flip(random_, genuine.size(), at, bit);
      (*text)[at] = static_cast<char>((*text)[at] ^ (1 << bit));
      EXPECT_FALSE(trusted(vector_, vector_.quote, collateral))
          << "seed " << kTamperSeed << ", byte " << at << ", bit " << bit;
      *text = genuine;
    }
  }
};

TEST_P(Tampering, IsBasedOnTrustedEvidence) {
  ASSERT_TRUE(trusted(vector_, vector_.quote, vector_.collateral));
}

TEST_P(Tampering, WithAnyBitOfTheQuoteIsRefused) {
  const Quote quote = parse_quote(vector_.quote).value();
  // Up to the PEM text, whose line ends and last characters' unused bits nothing protects.
  const auto pem =
      static_cast<std::size_t>(quote.signature.certification_data.data() - vector_.quote.data());
  const CheckedCollateral checked(Collateral::parse(vector_.collateral), vector_.root);
  CertificateCache cache;
  Bytes bytes = vector_.quote;
  for (int i = 0; i < 20 * kFlips; ++i) {
    std::size_t at;
    int bit;
    flip(random_, pem, at, bit);
    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
    EXPECT_FALSE(verify_quote(bytes, checked, vector_.now, cache).trusted())
        << "seed " << kTamperSeed << ", byte " << at << ", bit " << bit;
    bytes[at] = vector_.quote[at];
  }
}

TEST_P(Tampering, WithAnyBitOfThePckChainsDerIsRefused) {
  test::Vector vector = vector_;
  const Quote quote = parse_quote(vector_.quote).value();
  const auto ders = decode_pem_certificates(as_text(quote.signature.certification_data)).value();
  for (int i = 0; i < 2 * kFlips; ++i) {
    auto tampered = ders;
    Bytes& der = tampered[static_cast<std::size_t>(i) % ders.size()];
    std::size_t at;
    int bit;
    flip(random_, der.size(), at, bit);
    der[at] = static_cast<std::uint8_t>(der[at] ^ (1 << bit));
    std::string pem;
    for (const Bytes& certificate : tampered) pem += encode_pem_certificate(certificate);
    // The chain is put beside the quote, so that no length in the quote has to change.
    vector.collateral.pck_chain = pem;
    Bytes bytes = vector_.quote;
    const auto type_at =
        static_cast<std::size_t>(quote.signature.certification_data.data() - vector_.quote.data()) -
        6;
    bytes[type_at] = static_cast<std::uint8_t>(CertificationType::ppid_rsa3072);
    EXPECT_FALSE(trusted(vector_, bytes, vector.collateral))
        << "seed " << kTamperSeed << ", certificate " << i % 3 << ", byte " << at << ", bit "
        << bit;
  }
}

TEST_P(Tampering, WithAnyBitOfTheDocumentsIsRefused) {
  CollateralText collateral = vector_.collateral;
  expect_refused(collateral, collateral.tcb_info.text);
  expect_refused(collateral, collateral.qe_identity.text);
}

TEST_P(Tampering, WithAnyBitOfTheDocumentsSignersIsRefused) {
  for (auto document : {&CollateralText::tcb_info, &CollateralText::qe_identity}) {
    CollateralText collateral = vector_.collateral;
    const auto ders = decode_pem_certificates(*(collateral.*document).chain).value();
    for (int i = 0; i < kFlips; ++i) {
      auto tampered = ders;
      Bytes& der = tampered[static_cast<std::size_t>(i) % ders.size()];
      std::size_t at;
      int bit;
      flip(random_, der.size(), at, bit);
      der[at] = static_cast<std::uint8_t>(der[at] ^ (1 << bit));
      (collateral.*document).chain =
          encode_pem_certificate(tampered[0]) + encode_pem_certificate(tampered[1]);
      EXPECT_FALSE(trusted(vector_, vector_.quote, collateral))
          << "seed " << kTamperSeed << ", certificate " << i % 2 << ", byte " << at << ", bit "
          << bit;
    }
  }
}

TEST_P(Tampering, WithAnyBitOfTheRevocationListsIsRefused) {
  for (auto list : {&CollateralText::root_crl, &CollateralText::pck_crl}) {
    CollateralText collateral = vector_.collateral;
    const Bytes genuine = decode_hex(*(collateral.*list)).value();
    for (int i = 0; i < kFlips; ++i) {
      Bytes der = genuine;
      std::size_t at;
      int bit;
      flip(random_, der.size(), at, bit);
      der[at] = static_cast<std::uint8_t>(der[at] ^ (1 << bit));
      collateral.*list = encode_hex(der);
      EXPECT_FALSE(trusted(vector_, vector_.quote, collateral))
          << "seed " << kTamperSeed << ", byte " << at << ", bit " << bit;
    }
  }
}

TEST_P(Tampering, WithAnyBitOfTheSignaturesIsRefused) {
  for (auto document : {&CollateralText::tcb_info, &CollateralText::qe_identity}) {
    CollateralText collateral = vector_.collateral;
    const Bytes genuine = decode_hex(*(collateral.*document).signature).value();
    for (int i = 0; i < kFlips; ++i) {
      Bytes signature = genuine;
      std::size_t at;
      int bit;
      flip(random_, signature.size(), at, bit);
      signature[at] = static_cast<std::uint8_t>(signature[at] ^ (1 << bit));
      (collateral.*document).signature = encode_hex(signature);
      EXPECT_FALSE(trusted(vector_, vector_.quote, collateral))
          << "seed " << kTamperSeed << ", byte " << at << ", bit " << bit;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Genuine, Tampering, testing::ValuesIn(kTrusted),
                         [](const auto& parameter) { return test::test_name(parameter.param); });

/// Every prefix of a quote ends somewhere inside it.
TEST(Truncation, OfAQuoteIsRefusedEverywhere) {
  for (const char* name : kTrusted) {
    const test::Vector vector = test::load_vector(name);
    const Quote quote = parse_quote(vector.quote).value();
    const ByteView data = quote.signature.certification_data;
    const auto end = static_cast<std::size_t>(data.data() + data.size() - vector.quote.data());
    for (std::size_t size = 0; size < end; ++size) {
      const Bytes prefix(vector.quote.begin(),
                         vector.quote.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(parse_quote(prefix)) << name << ", " << size << " bytes";
    }
  }
}

}  // namespace
}  // namespace cocoon::attest
