#include "crypto/ed25519.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "crypto/system_random.h"
#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

SigningKey key() {
  return SigningKey::from_seed(
      hex_array<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
}

// RFC 8032, 7.1, test 2.
TEST(Ed25519, MatchesRfc8032) {
  EXPECT_EQ(key().public_key(),
            hex_array<32>("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
  EXPECT_EQ(key().sign(hex("72")),
            hex_array<64>("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
  EXPECT_TRUE(verify(key().public_key(), hex("72"), key().sign(hex("72"))));
}

TEST(Ed25519, ASignatureOverAnotherMessageOrByAnotherKeyIsRefused) {
  const Signature signature = key().sign(as_bytes("message"));
  EXPECT_FALSE(verify(key().public_key(), as_bytes("messagf"), signature));
  EXPECT_FALSE(verify(key().public_key(), as_bytes(""), signature));
  SystemRandom random;
  EXPECT_FALSE(verify(SigningKey::generate(random).public_key(), as_bytes("message"), signature));
}

TEST(Ed25519, EveryFlippedByteIsRefused) {
  const Signature signature = key().sign(as_bytes("message"));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Signature altered = signature;
    altered[i] ^= 1;
    EXPECT_FALSE(verify(key().public_key(), as_bytes("message"), altered)) << "byte " << i;
  }
}

TEST(Ed25519, ASecondFormOfTheSameScalarIsRefused) {
  // S + L satisfies the equation as well as S does; RFC 8032, 5.1.7 refuses it.
  const auto order =
      hex_array<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Signature signature = key().sign(as_bytes("message"));
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + unsigned{order[i]};
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(verify(key().public_key(), as_bytes("message"), signature));
}

TEST(Ed25519, AKeyOfSmallOrderIsRefused) {
  // Under the neutral element, (B, 1) fits every message: R = B = 1 B - k 0.
  ByteArray<32> neutral{};
  neutral[0] = 1;
  Signature fits_all{};
  std::fill(fits_all.begin(), fits_all.begin() + 32, std::uint8_t{0x66});
  fits_all[0] = 0x58;
  fits_all[32] = 1;
  EXPECT_FALSE(verify(neutral, as_bytes("anything"), fits_all));
}

TEST(Ed25519, WrongLengthsAreBadSignatures) {
  const Signature signature = key().sign(as_bytes("m"));
  const ByteArray<32> public_key = key().public_key();
  EXPECT_TRUE(verify(ByteView(public_key), as_bytes("m"), ByteView(signature)));
  EXPECT_FALSE(verify(ByteView(public_key).first(31), as_bytes("m"), ByteView(signature)));
  EXPECT_FALSE(verify(ByteView(public_key), as_bytes("m"), ByteView(signature).first(63)));
  EXPECT_FALSE(verify(ByteView(), as_bytes("m"), ByteView()));
}

TEST(Ed25519, GeneratedKeysDiffer) {
  SystemRandom random;
  EXPECT_NE(SigningKey::generate(random).public_key(), SigningKey::generate(random).public_key());
}

TEST(Ed25519, SeedAndDuplicateGiveTheSameKey) {
  EXPECT_EQ(to_bytes(key().seed()),
            hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(key().duplicate().sign(as_bytes("m")), key().sign(as_bytes("m")));
  EXPECT_EQ(key().account_id().bytes, key().public_key());
  EXPECT_EQ(key().boot_key_id().bytes, key().public_key());
}

TEST(Ed25519, PemRoundTrips) {
  auto pem = key().to_pem();
  ASSERT_TRUE(pem);
  EXPECT_EQ(as_text(pem->view()).substr(0, 27), "-----BEGIN PRIVATE KEY-----");
  auto read = SigningKey::from_pem(as_text(pem->view()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->public_key(), key().public_key());
  EXPECT_EQ(to_bytes(read->seed()), to_bytes(key().seed()));
}

TEST(Ed25519, PemOfAnythingElseIsRefused) {
  auto code = [](std::string_view pem) {
    auto read = SigningKey::from_pem(pem);
    return read ? std::string("none") : std::string(read.error().code());
  };
  EXPECT_EQ(code(""), "bad_private_key");
  EXPECT_EQ(code("not a key"), "bad_private_key");
  // RFC 8410, 10.3 has the key; X25519 differs in one byte of the algorithm, and is no signing key.
  const char* const kX25519 =
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n";
  EXPECT_EQ(code(kX25519), "bad_private_key");
  const std::string whole(as_text(key().to_pem()->view()));
  EXPECT_EQ(code(whole.substr(0, whole.size() / 2)), "bad_private_key");
  EXPECT_EQ(code(std::string(17 * 1024, '\n') + whole), "bad_private_key");
}

TEST(Ed25519, OpensslHasTheSameKey) {
  auto evp = key().to_evp();
  ASSERT_TRUE(evp);
  ByteArray<32> raw;
  std::size_t size = raw.size();
  ASSERT_EQ(EVP_PKEY_get_raw_public_key(evp->get(), raw.data(), &size), 1);
  EXPECT_EQ(raw, key().public_key());
}

}  // namespace
}  // namespace cocoon::crypto
