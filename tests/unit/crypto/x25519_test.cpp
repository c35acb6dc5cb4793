#include "crypto/x25519.h"

#include <gtest/gtest.h>

#include "crypto/system_random.h"
#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

// RFC 7748, 6.1.
TEST(X25519, MatchesRfc7748) {
  const auto alice = X25519Key::from_secret(
      hex_array<32>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob = X25519Key::from_secret(
      hex_array<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(alice.public_key(),
            hex_array<32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  EXPECT_EQ(bob.public_key(),
            hex_array<32>("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
  const Bytes shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(to_bytes(alice.agree(bob.public_key())->view()), shared);
  EXPECT_EQ(to_bytes(bob.agree(alice.public_key())->view()), shared);
}

TEST(X25519, PeersOfSmallOrderAreRefused) {
  SystemRandom random;
  const X25519Key key = X25519Key::generate(random);
  // 0, 1, p - 1, p and a point of order 8, from the list in curve25519's documentation.
  const char* const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  };
  for (const char* point : points) {
    auto shared = key.agree(hex_array<32>(point));
    ASSERT_FALSE(shared) << point;
    EXPECT_EQ(shared.error().code(), "bad_public_key");
  }
}

TEST(X25519, GeneratedKeysDifferAndAgree) {
  SystemRandom random;
  const X25519Key a = X25519Key::generate(random);
  const X25519Key b = X25519Key::generate(random);
  EXPECT_NE(a.public_key(), b.public_key());
  EXPECT_EQ(to_bytes(a.agree(b.public_key())->view()), to_bytes(b.agree(a.public_key())->view()));
}

}  // namespace
}  // namespace cocoon::crypto
