#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

// RFC 8439, 2.8.2.
class Aead : public testing::Test {
 protected:
  Secret<32> key_{
      hex_array<32>("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")};
  AeadNonce nonce_ = hex_array<12>("070000004041424344454647");
  Bytes aad_ = hex("50515253c0c1c2c3c4c5c6c7");
  std::string text_ =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  Bytes sealed_ = aead_seal(key_, nonce_, aad_, as_bytes(text_));
};

TEST_F(Aead, MatchesRfc8439) {
  EXPECT_EQ(to_bytes(ByteView(sealed_).first(16)), hex("d31a8d34648e60db7b86afbc53ef7ec2"));
  EXPECT_EQ(to_bytes(ByteView(sealed_).last(16)), hex("1ae10b594f09e26a7e902ecbd0600691"));
  auto opened = aead_open(key_, nonce_, aad_, sealed_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->view()), text_);
}

TEST_F(Aead, EveryFlippedByteIsRefused) {
  for (std::size_t i = 0; i < sealed_.size(); ++i) {
    Bytes altered = sealed_;
    altered[i] ^= 0x80;
    auto opened = aead_open(key_, nonce_, aad_, altered);
    ASSERT_FALSE(opened) << "byte " << i;
    EXPECT_EQ(opened.error().code(), "decrypt_failed");
  }
}

TEST_F(Aead, EveryTruncationIsRefused) {
  for (std::size_t n = 0; n < sealed_.size(); ++n) {
    EXPECT_FALSE(aead_open(key_, nonce_, aad_, ByteView(sealed_).first(n))) << n << " bytes";
  }
}

TEST_F(Aead, AnotherKeyNonceOrAadOpensNothing) {
  EXPECT_FALSE(aead_open(Secret<32>(), nonce_, aad_, sealed_));
  EXPECT_FALSE(aead_open(key_, AeadNonce{}, aad_, sealed_));
  EXPECT_FALSE(aead_open(key_, nonce_, {}, sealed_));
}

TEST_F(Aead, NothingCanBeSealed) {
  const Bytes sealed = aead_seal(key_, nonce_, {}, {});
  EXPECT_EQ(sealed.size(), kAeadTagBytes);
  auto opened = aead_open(key_, nonce_, {}, sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->size(), 0u);
}

}  // namespace
}  // namespace cocoon::crypto
