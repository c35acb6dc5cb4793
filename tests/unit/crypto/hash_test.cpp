#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <thread>

#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

// FIPS 180-4 examples (NIST "Example Values").
constexpr const char* kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbcSha256 =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha2, MatchesPublishedExamples) {
  EXPECT_EQ(sha256(ByteView()), hex_array<32>(kEmptySha256));
  EXPECT_EQ(sha256(as_bytes("abc")), hex_array<32>(kAbcSha256));
  EXPECT_EQ(sha384(as_bytes("abc")),
            hex_array<48>("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                          "8086072ba1e7cc2358baeca134c825a7"));
  EXPECT_EQ(sha512(as_bytes("abc")),
            hex_array<64>("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
}

TEST(Sha256, PartsHashLikeTheirConcatenation) {
  EXPECT_EQ(sha256({as_bytes("a"), ByteView(), as_bytes("bc")}), hex_array<32>(kAbcSha256));
}

TEST(Sha256, OneObjectServesManyDigests) {
  Sha256 hasher;
  EXPECT_EQ(hasher.finish(), hex_array<32>(kEmptySha256));
  hasher.update(as_bytes("ab"));
  hasher.update(as_bytes("c"));
  EXPECT_EQ(hasher.finish(), hex_array<32>(kAbcSha256));
  hasher.update(as_bytes("abc"));
  EXPECT_EQ(hasher.finish(), hex_array<32>(kAbcSha256));
}

TEST(Sha256, AMovedObjectGoesOn) {
  Sha256 a;
  a.update(as_bytes("ab"));
  Sha256 b = std::move(a);
  b.update(as_bytes("c"));
  EXPECT_EQ(b.finish(), hex_array<32>(kAbcSha256));
}

TEST(Sha256, ThreadsDoNotDisturbEachOther) {
  bool same[2] = {true, true};
  auto work = [&same](int i) {
    for (int n = 0; n < 500; ++n) {
      same[i] = same[i] && sha256(as_bytes("abc")) == hex_array<32>(kAbcSha256);
    }
  };
  std::thread other(work, 0);
  work(1);
  other.join();
  EXPECT_TRUE(same[0] && same[1]);
}

// RFC 4231, test cases 1, 2 and 6.
TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There")),
            hex_array<32>("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
  EXPECT_EQ(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")}),
            hex_array<32>("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  EXPECT_EQ(hmac_sha256(Bytes(131, 0xaa),
                        as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
            hex_array<32>("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

// RFC 5869, A.1 and A.3.
TEST(Hkdf, MatchesRfc5869) {
  const Bytes ikm(22, 0x0b);
  const Secret<32> prk = hkdf_extract(hex("000102030405060708090a0b0c"), {ikm});
  EXPECT_EQ(to_bytes(prk.view()),
            hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
  Bytes okm(42);
  ASSERT_TRUE(hkdf_expand(prk.view(), {hex("f0f1f2f3f4"), hex("f5f6f7f8f9")}, okm));
  EXPECT_EQ(okm, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                     "34007208d5b887185865"));
  ASSERT_TRUE(hkdf_expand(hkdf_extract({}, {ikm}).view(), {}, okm));
  EXPECT_EQ(okm, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                     "9d201395faa4b61a96c8"));
}

TEST(Hkdf, OneKeyIsTheFirstBlock) {
  Bytes long_output(64);
  ASSERT_TRUE(hkdf_expand(Bytes(32, 7), {as_bytes("info")}, long_output));
  EXPECT_EQ(to_bytes(hkdf_expand_key(Bytes(32, 7), {as_bytes("info")}).view()),
            to_bytes(ByteView(long_output).first(32)));
  EXPECT_EQ(to_bytes(hkdf_key(as_bytes("secret"), as_bytes("salt"), {as_bytes("info")}).view()),
            to_bytes(hkdf_expand_key(hkdf_extract(as_bytes("salt"), {as_bytes("secret")}).view(),
                                     {as_bytes("info")})
                         .view()));
}

TEST(Hkdf, ExpandsToItsLimitAndNoFurther) {
  Bytes most(kMaxHkdfBytes);
  EXPECT_TRUE(hkdf_expand(Bytes(32, 7), {}, most));
  Bytes over(kMaxHkdfBytes + 1, 0xff);
  EXPECT_FALSE(hkdf_expand(Bytes(32, 7), {}, over));
  EXPECT_EQ(over, Bytes(kMaxHkdfBytes + 1, 0));
}

}  // namespace
}  // namespace cocoon::crypto
