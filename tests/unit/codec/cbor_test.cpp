#include "codec/cbor.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cocoon::cbor {
namespace {

Bytes bytes(std::initializer_list<std::uint8_t> list) {
  return list;
}

TEST(CborReader, RefusesAnEmptyInput) {
  Reader reader{ByteView()};
  EXPECT_FALSE(reader.peek());
  EXPECT_EQ(reader.unsigned_integer(), 0u);
  EXPECT_TRUE(reader.failed());
}

TEST(CborReader, RefusesAnotherTypeThanAsked) {
  const Bytes data = bytes({0x41, 0xAA});
  Reader reader(data);
  EXPECT_EQ(reader.unsigned_integer(), 0u);
  EXPECT_TRUE(reader.failed());
}

TEST(CborReader, RefusesIndefiniteLengths) {
  for (const int initial : {0x5F, 0x7F, 0x9F, 0xBF}) {
    const Bytes data = bytes({static_cast<std::uint8_t>(initial), 0xFF});
    Reader reader(data);
    EXPECT_TRUE(reader.skip().empty());
    EXPECT_TRUE(reader.failed()) << initial;
  }
}

TEST(CborReader, RefusesReservedLengthCodes) {
  for (const int initial : {0x1C, 0x1D, 0x1E, 0x5C}) {
    const Bytes data = bytes({static_cast<std::uint8_t>(initial), 0, 0, 0, 0, 0, 0, 0, 0});
    Reader reader(data);
    (void)reader.skip();
    EXPECT_TRUE(reader.failed()) << initial;
  }
}

TEST(CborReader, RefusesFloatsAndUnassignedSimpleValues) {
  for (const Bytes& data : {bytes({0xF9, 0, 0}), bytes({0xFA, 0, 0, 0, 0}), bytes({0xE0}),
                            bytes({0xFB, 0, 0, 0, 0, 0, 0, 0, 0}), bytes({0xF8, 0xFF})}) {
    Reader reader(data);
    (void)reader.skip();
    EXPECT_TRUE(reader.failed()) << int{data[0]};
  }
}

TEST(CborReader, RefusesAStringLongerThanTheInput) {
  const Bytes data = bytes({0x5B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00});
  Reader reader(data);
  EXPECT_TRUE(reader.byte_string().empty());
  EXPECT_TRUE(reader.failed());
}

TEST(CborReader, RefusesCountsThatTheInputCannotHold) {
  const Bytes array = bytes({0x9A, 0x00, 0xFF, 0xFF, 0xFF, 0x00});
  Reader first(array);
  EXPECT_EQ(first.array(), 0u);
  EXPECT_TRUE(first.failed());

  const Bytes map = bytes({0xA2, 0x01, 0x02, 0x03});
  Reader second(map);
  EXPECT_EQ(second.map(), 0u);
  EXPECT_TRUE(second.failed());
}

TEST(CborReader, RefusesTextThatIsNotUtf8) {
  const Bytes data = bytes({0x62, 0xC3, 0x28});
  Reader reader(data);
  EXPECT_TRUE(reader.text_string().empty());
  EXPECT_TRUE(reader.failed());
}

TEST(CborReader, RefusesToSkipDeeperThanTheLimit) {
  Bytes deep(limits::kMaxCborDepth, 0x81);
  deep.back() = 0x00;
  Reader fits(deep);
  EXPECT_EQ(fits.skip().size(), deep.size());
  EXPECT_TRUE(fits.finished());

  deep.back() = 0x81;
  deep.push_back(0x00);
  Reader too_deep(deep);
  (void)too_deep.skip();
  EXPECT_TRUE(too_deep.failed());
}

TEST(CborReader, LatchesItsFirstError) {
  const Bytes data = bytes({0x01, 0x02});
  Reader reader(data);
  (void)reader.byte_string();
  EXPECT_EQ(reader.unsigned_integer(), 0u);
  EXPECT_FALSE(reader.peek());
  EXPECT_FALSE(reader.finished());
}

TEST(CborReader, IsNotFinishedBeforeTheEnd) {
  const Bytes data = bytes({0x01, 0x02});
  Reader reader(data);
  EXPECT_EQ(reader.unsigned_integer(), 1u);
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(reader.unsigned_integer(), 2u);
  EXPECT_TRUE(reader.finished());
}

TEST(CborReader, AcceptsIntegersThatAreWiderThanNeeded) {
  const Bytes data = bytes({0x1A, 0, 0, 0, 1});
  Reader reader(data);
  EXPECT_EQ(reader.unsigned_integer(), 1u);
  EXPECT_TRUE(reader.finished());
}

TEST(CborReader, SkipReturnsExactlyOneItem) {
  // {"a": [1, -2, null, true], 60000(h'00')} as a map of two pairs, then 7.
  const Bytes data = bytes({0xA2, 0x61, 'a', 0x84, 0x01, 0x21, 0xF6, 0xF5, 0x61, 'b', 0xD9, 0xEA,
                            0x60, 0x41, 0x00, 0x07});
  Reader reader(data);
  EXPECT_EQ(reader.skip().size(), data.size() - 1);
  EXPECT_EQ(reader.unsigned_integer(), 7u);
  EXPECT_TRUE(reader.finished());
}

/// RFC 8949 appendix A, and the widths' edges.
TEST(CborWriter, UsesTheShortestForm) {
  struct Case {
    std::uint64_t value;
    Bytes encoded;
  };
  for (const Case& c :
       {Case{0, {0x00}}, Case{23, {0x17}}, Case{24, {0x18, 0x18}}, Case{255, {0x18, 0xFF}},
        Case{256, {0x19, 0x01, 0x00}}, Case{65535, {0x19, 0xFF, 0xFF}},
        Case{65536, {0x1A, 0, 1, 0, 0}}, Case{4294967296, {0x1B, 0, 0, 0, 1, 0, 0, 0, 0}}}) {
    EXPECT_EQ(Writer().unsigned_integer(c.value).take(), c.encoded) << c.value;
    Reader reader(c.encoded);
    EXPECT_EQ(reader.unsigned_integer(), c.value);
    EXPECT_TRUE(reader.finished());
  }
}

TEST(CborWriter, WritesWhatTheReaderReads) {
  const Bytes payload(300, 0xAB);
  Writer writer;
  writer.tag(60000).array(2).byte_string(payload).map(1).text_string("kä").raw(
      Writer().array(0).take());
  const Bytes encoded = writer.take();

  Reader reader(encoded);
  EXPECT_EQ(reader.tag(), 60000u);
  EXPECT_EQ(reader.array(), 2u);
  EXPECT_EQ(to_bytes(reader.byte_string()), payload);
  EXPECT_EQ(reader.map(), 1u);
  EXPECT_EQ(reader.text_string(), "kä");
  EXPECT_EQ(reader.array(), 0u);
  EXPECT_TRUE(reader.finished());
}

}  // namespace
}  // namespace cocoon::cbor
