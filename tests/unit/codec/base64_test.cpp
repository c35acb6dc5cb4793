#include "codec/base64.h"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

constexpr auto kUrl = Base64Alphabet::url;

TEST(Base64, RefusesWhatIsNotStandard) {
  for (const char* text : {"A", "AA", "AAA", "A===", "====", "=", "AA=A",
                           "AA=", "AAA==", "AAAAA===", "AA==AA==", "AA==\n", " AA=", "A A=", "AA-_",
                           "AA\xff=", "AAAA="}) {
    const auto bytes = from_base64(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code(), "base64_invalid") << text;
  }
}

TEST(Base64, RefusesWhatIsNotUrl) {
  for (const char* text : {"A", "AA==", "AAA=", "AA+/", "AAAAA", "AA A"}) {
    EXPECT_FALSE(from_base64(text, kUrl)) << text;
  }
}

TEST(Base64, RefusesBitsBeyondTheLastByte) {
  for (const char* text : {"Zh==", "Zn==", "Zm9=", "AB=="}) EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"Zh", "Zm9"}) EXPECT_FALSE(from_base64(text, kUrl)) << text;
}

TEST(Base64, Rfc4648Vectors) {
  const char* vectors[][2] = {{"", ""},
                              {"f", "Zg=="},
                              {"fo", "Zm8="},
                              {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="},
                              {"fooba", "Zm9vYmE="},
                              {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    EXPECT_EQ(as_text(from_base64(coded).value()), plain);
  }
}

TEST(Base64, UrlAlphabetIsUnpadded) {
  const Bytes bytes = {0xfb, 0xff, 0xfe, 0xff};
  EXPECT_EQ(to_base64(bytes), "+//+/w==");
  EXPECT_EQ(to_base64(bytes, kUrl), "-__-_w");
  EXPECT_EQ(from_base64("-__-_w", kUrl).value(), bytes);
}

TEST(Base64, EveryByteAndLengthRoundTrips) {
  Bytes bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes, kUrl), kUrl).value(), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
  }
}

}  // namespace
}  // namespace cocoon
