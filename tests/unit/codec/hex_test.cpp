#include "codec/hex.h"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(Hex, RefusesWhatIsNotPairsOfDigits) {
  for (const char* text :
       {"0", "abc", "0g", "g0", "0x00", " 00", "00 ", "0 00", "-1", "\xc3\xa9"}) {
    const auto bytes = from_hex(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code(), "hex_invalid");
    EXPECT_EQ(bytes.error().kind(), ErrorKind::invalid_argument);
  }
}

TEST(Hex, ErrorNamesThePosition) {
  EXPECT_EQ(from_hex("001x").error().detail(),
            "Character 3 of the hexadecimal text is not one of 0-9, a-f or A-F.");
}

TEST(Hex, ArrayWantsTheExactLength) {
  EXPECT_FALSE(
      array_from_hex<4>("00112233"
                        "44"));
  EXPECT_FALSE(array_from_hex<4>("001122"));
  EXPECT_FALSE(array_from_hex<4>("0011223z"));
  EXPECT_EQ(array_from_hex<4>("00aAfF10").value(), (ByteArray<4>{0, 0xaa, 0xff, 0x10}));
}

TEST(Hex, EveryByteRoundTrips) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  const std::string text = to_hex(all);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  EXPECT_EQ(text.substr(504), "fcfdfeff");
  EXPECT_EQ(from_hex(text).value(), all);
  EXPECT_EQ(to_hex({}), "");
  EXPECT_TRUE(from_hex("").value().empty());
}

}  // namespace
}  // namespace cocoon
