#include "crypto/system_random.h"

#include <gtest/gtest.h>

#include "crypto/openssl_context.h"

namespace cocoon::crypto {
namespace {

TEST(SystemRandom, InitialisingAgainIsFine) {
  EXPECT_TRUE(initialise());
  EXPECT_TRUE(initialise());
}

TEST(SystemRandom, FillsAllBytesAnew) {
  SystemRandom random;
  // Over 64 draws a byte that is never written keeps its zero; a random one does with 2^-512.
  ByteArray<40> seen{};
  for (int i = 0; i < 64; ++i) {
    const auto draw = random.array<40>();
    for (std::size_t j = 0; j < draw.size(); ++j) seen[j] |= draw[j];
  }
  for (std::size_t j = 0; j < seen.size(); ++j) EXPECT_NE(seen[j], 0) << "byte " << j;
  EXPECT_NE(random.array<32>(), random.array<32>());
}

TEST(SystemRandom, FillsNothingWithoutFault) {
  SystemRandom random;
  random.fill({});  // UndefinedBehaviorSanitizer watches
}

TEST(OpensslContext, IsOneOfOurOwn) {
  EXPECT_NE(openssl_context(), nullptr);
  EXPECT_EQ(openssl_context(), openssl_context());
}

}  // namespace
}  // namespace cocoon::crypto
