#include "crypto/siphash.h"

#include <gtest/gtest.h>

namespace cocoon::crypto {
namespace {

/// The vectors of the paper's reference: key 00..0f, message 00..n-1; their bytes are
/// little-endian, so that siphash24() reads them reversed.
TEST(SipHash, GivesTheReferenceVectors) {
  ByteArray<16> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  Bytes message;
  EXPECT_EQ(siphash24(key, message), 0x310e0edd47db6f72u);
  for (std::uint8_t i = 0; i < 15; ++i) message.push_back(i);
  // 0xa129ca6149be45e5, the example of the paper's appendix A.
  EXPECT_EQ(siphash24(key, message), 0xe545be4961ca29a1u);
}

}  // namespace
}  // namespace cocoon::crypto
