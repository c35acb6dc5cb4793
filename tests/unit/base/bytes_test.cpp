#include "base/bytes.h"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(ByteReader, AReadPastTheEndYieldsZeroAndLatches) {
  const Bytes data{1, 2, 3};
  ByteReader in(data);
  EXPECT_EQ(in.u16be(), 0x0102);
  EXPECT_EQ(in.u32be(), 0u);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.u8(), 0) << "a failed reader must stay failed";
}

TEST(ByteReader, ALengthNearTheLargestSizeDoesNotWrap) {
  const Bytes data{1, 2, 3};
  ByteReader in(data);
  (void)in.u8();
  EXPECT_TRUE(in.take(SIZE_MAX).empty());
  EXPECT_TRUE(in.failed());
}

TEST(ByteReader, FinishedMeansReadWholeAndNoMore) {
  const Bytes data{1, 2};
  ByteReader in(data);
  (void)in.u8();
  EXPECT_FALSE(in.finished());
  (void)in.u8();
  EXPECT_TRUE(in.finished());
}

TEST(ByteWriter, WritesWhatTheReaderReads) {
  const Bytes out = ByteWriter().u8(7).u16be(0x0102).u32le(5).u64be(1ull << 40).take();
  ByteReader in(out);
  EXPECT_EQ(in.u8(), 7);
  EXPECT_EQ(in.u16be(), 0x0102);
  EXPECT_EQ(in.u32le(), 5u);
  EXPECT_EQ(in.u64be(), 1ull << 40);
  EXPECT_TRUE(in.finished());
}

}  // namespace
}  // namespace cocoon
