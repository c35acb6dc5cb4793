#include "codec/msgpack.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace cocoon::msgpack {
namespace {

Bytes hex(std::initializer_list<int> bytes) {
  Bytes out;
  for (int b : bytes) out.push_back(static_cast<std::uint8_t>(b));
  return out;
}

/// Whether reading `bytes` with `read` succeeds and consumes everything.
bool reads(const Bytes& bytes, const std::function<void(Reader&)>& read) {
  Reader r(bytes);
  read(r);
  return r.finish("test").has_value();
}

const auto kArray = [](Reader& r) { r.array(); };
const auto kMap = [](Reader& r) { r.map(); };
const auto kU64 = [](Reader& r) { r.u64(); };
const auto kI64 = [](Reader& r) { r.i64(); };
const auto kBool = [](Reader& r) { r.boolean(); };
const auto kBin = [](Reader& r) { r.bin(); };
const auto kStr = [](Reader& r) { r.str(); };
const auto kNil = [](Reader& r) { r.nil(); };
const auto kSkip = [](Reader& r) { r.skip(); };

TEST(MsgpackReader, EveryReadRefusesEmptyInput) {
  for (const auto& read : std::vector<std::function<void(Reader&)>>{kArray, kMap, kU64, kI64, kBool,
                                                                    kBin, kStr, kNil, kSkip}) {
    EXPECT_FALSE(reads({}, read));
  }
}

TEST(MsgpackReader, EveryReadRefusesOtherTypes) {
  // One value of each type, and the read that accepts it.
  const std::vector<std::pair<Bytes, int>> values = {
      {hex({0x90}), 0}, {hex({0x80}), 1},    {hex({0xcc, 200}), 2}, {hex({0xe0}), 3},
      {hex({0xc3}), 4}, {hex({0xc4, 0}), 5}, {hex({0xa0}), 6},      {hex({0xc0}), 7}};
  const std::vector<std::function<void(Reader&)>> readers = {kArray, kMap, kU64, kI64,
                                                             kBool,  kBin, kStr, kNil};
  for (const auto& [bytes, type] : values) {
    for (int reader = 0; reader < 8; ++reader) {
      const bool both_integers = type == 2 && reader == 3;
      EXPECT_EQ(reads(bytes, readers[reader]), reader == type || both_integers)
          << type << ' ' << reader;
    }
  }
}

TEST(MsgpackReader, RefusesCountsBeyondTheBytesLeft) {
  EXPECT_FALSE(reads(hex({0x91}), kArray));
  EXPECT_FALSE(reads(hex({0xdd, 0xff, 0xff, 0xff, 0xff}), kArray));
  EXPECT_FALSE(reads(hex({0xdc, 0, 3, 0, 0}), kArray));
  EXPECT_FALSE(reads(hex({0x81, 0}), kMap));
  EXPECT_FALSE(reads(hex({0xdf, 0xff, 0xff, 0xff, 0xff}), kMap));
}

TEST(MsgpackReader, RefusesLengthsBeyondTheBytesLeft) {
  EXPECT_FALSE(reads(hex({0xc6, 0xff, 0xff, 0xff, 0xff, 0}), kBin));
  EXPECT_FALSE(reads(hex({0xc4, 2, 0}), kBin));
  EXPECT_FALSE(reads(hex({0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}), kStr));
  EXPECT_FALSE(reads(hex({0xa2, 'a'}), kStr));
  EXPECT_FALSE(reads(hex({0xc9, 0xff, 0xff, 0xff, 0xff, 1}), kSkip));
}

TEST(MsgpackReader, RefusesTheUnusedLeadByte) {
  EXPECT_FALSE(reads(hex({0xc1}), kSkip));
  EXPECT_FALSE(reads(hex({0x91, 0xc1}), kSkip));
}

TEST(MsgpackReader, RefusesTextThatIsNotUtf8) {
  EXPECT_FALSE(reads(hex({0xa1, 0x80}), kStr));
  EXPECT_FALSE(reads(hex({0xa3, 0xed, 0xa0, 0x80}), kStr));
  EXPECT_TRUE(reads(hex({0xa2, 0xc3, 0xa9}), kStr));
}

TEST(MsgpackReader, RefusesNumbersOutOfRange) {
  EXPECT_FALSE(reads(hex({0xff}), kU64));
  EXPECT_FALSE(reads(hex({0xd0, 0x80}), kU64));
  EXPECT_FALSE(reads(hex({0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0}), kU64));
  EXPECT_FALSE(reads(hex({0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}), kI64));
  EXPECT_FALSE(reads(hex({0xcd, 1, 0}), [](Reader& r) { r.u8(); }));
  EXPECT_FALSE(reads(hex({0xce, 0, 1, 0, 0}), [](Reader& r) { r.u16(); }));
  EXPECT_FALSE(reads(hex({0xcf, 0, 0, 0, 1, 0, 0, 0, 0}), [](Reader& r) { r.u32(); }));
  EXPECT_FALSE(reads(hex({11}), [](Reader& r) { r.u64_up_to(10); }));
  EXPECT_TRUE(reads(hex({10}), [](Reader& r) { r.u64_up_to(10); }));
}

TEST(MsgpackReader, RefusesBytesAfterTheEnd) {
  const Bytes bytes = hex({0xc0, 0xc0});
  Reader r(bytes);
  r.nil();
  const Status status = r.finish("ping");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), ErrorKind::protocol);
  EXPECT_EQ(status.error().code(), "msgpack_malformed");
  EXPECT_EQ(status.error().detail(), "ping has 1 bytes after its end.");
}

TEST(MsgpackReader, FailureLatchesAndYieldsZeros) {
  const Bytes bytes = hex({0xc0, 5, 0xc4, 1, 9, 0xa1, 'x', 0xc3, 0x91, 1});
  Reader r(bytes);
  r.u64();
  ASSERT_TRUE(r.failed());
  EXPECT_EQ(r.u64(), 0u);
  EXPECT_EQ(r.i64(), 0);
  EXPECT_TRUE(r.bin().empty());
  EXPECT_TRUE(r.str().empty());
  EXPECT_FALSE(r.boolean());
  EXPECT_FALSE(r.take_nil());
  EXPECT_EQ(r.array(), 0u);
  EXPECT_TRUE(r.raw().empty());
  EXPECT_FALSE(r.finish("test"));
}

TEST(MsgpackReader, FixedWantsTheExactLength) {
  EXPECT_FALSE(reads(hex({0xc4, 3, 1, 2, 3}), [](Reader& r) { r.fixed<4>(); }));
  EXPECT_FALSE(reads(hex({0xc4, 5, 1, 2, 3, 4, 5}), [](Reader& r) { r.fixed<4>(); }));
  const Bytes good = hex({0xc4, 4, 1, 2, 3, 4});
  Reader r(good);
  EXPECT_EQ(r.fixed<4>(), (ByteArray<4>{1, 2, 3, 4}));
}

TEST(MsgpackReader, ArrayOfWantsTheExactCount) {
  EXPECT_FALSE(reads(hex({0x91, 0}), [](Reader& r) {
    r.array_of(2);
    r.u64();
  }));
  EXPECT_TRUE(reads(hex({0x91, 0}), [](Reader& r) {
    r.array_of(1);
    r.u64();
  }));
}

TEST(MsgpackReader, SkipsAMillionLevelsWithoutRecursion) {
  Bytes bytes(1'000'000, 0x91);
  EXPECT_FALSE(reads(bytes, kSkip));
  bytes.push_back(0xc0);
  EXPECT_TRUE(reads(bytes, kSkip));
}

TEST(MsgpackReader, SkipsOneValueOfEveryType) {
  const std::vector<Bytes> values = {hex({0}),
                                     hex({0x7f}),
                                     hex({0xff}),
                                     hex({0xc0}),
                                     hex({0xc2}),
                                     hex({0xc3}),
                                     hex({0xa1, 'a'}),
                                     hex({0xd9, 1, 'a'}),
                                     hex({0xda, 0, 1, 'a'}),
                                     hex({0xdb, 0, 0, 0, 1, 'a'}),
                                     hex({0xc4, 1, 0}),
                                     hex({0xc5, 0, 1, 0}),
                                     hex({0xc6, 0, 0, 0, 1, 0}),
                                     hex({0xc7, 1, 5, 0}),
                                     hex({0xc8, 0, 1, 5, 0}),
                                     hex({0xc9, 0, 0, 0, 1, 5, 0}),
                                     hex({0xca, 0, 0, 0, 0}),
                                     hex({0xcb, 0, 0, 0, 0, 0, 0, 0, 0}),
                                     hex({0xcc, 0}),
                                     hex({0xcd, 0, 0}),
                                     hex({0xce, 0, 0, 0, 0}),
                                     hex({0xcf, 0, 0, 0, 0, 0, 0, 0, 0}),
                                     hex({0xd0, 0}),
                                     hex({0xd1, 0, 0}),
                                     hex({0xd2, 0, 0, 0, 0}),
                                     hex({0xd3, 0, 0, 0, 0, 0, 0, 0, 0}),
                                     hex({0xd4, 5, 0}),
                                     hex({0xd5, 5, 0, 0}),
                                     hex({0xd6, 5, 0, 0, 0, 0}),
                                     hex({0xd7, 5, 0, 0, 0, 0, 0, 0, 0, 0}),
                                     hex({0xd8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                                     hex({0x92, 1, 0xa1, 'a'}),
                                     hex({0xdc, 0, 1, 0x91, 1}),
                                     hex({0xdd, 0, 0, 0, 1, 1}),
                                     hex({0x81, 1, 0x80}),
                                     hex({0xde, 0, 1, 1, 2}),
                                     hex({0xdf, 0, 0, 0, 1, 1, 0x90})};
  for (const Bytes& value : values) {
    Bytes followed = value;
    followed.push_back(42);
    Reader r(followed);
    const ByteView raw = r.raw();
    EXPECT_TRUE(equal_public(raw, value)) << int(value[0]);
    EXPECT_EQ(r.u64(), 42u) << int(value[0]);
    for (std::size_t n = 0; n < value.size(); ++n) {
      EXPECT_FALSE(
          reads(Bytes(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(n)), kSkip))
          << int(value[0]) << ' ' << n;
    }
  }
}

TEST(MsgpackReader, TakeNilTakesOnlyNil) {
  const Bytes bytes = hex({0xc0, 7});
  Reader r(bytes);
  EXPECT_TRUE(r.take_nil());
  EXPECT_FALSE(r.take_nil());
  EXPECT_EQ(r.u64(), 7u);
  EXPECT_FALSE(r.take_nil());
  EXPECT_TRUE(r.finish("test"));
}

TEST(MsgpackReader, AcceptsEveryWidthOfAnInteger) {
  for (const Bytes& five : {hex({5}), hex({0xcc, 5}), hex({0xcd, 0, 5}), hex({0xce, 0, 0, 0, 5}),
                            hex({0xcf, 0, 0, 0, 0, 0, 0, 0, 5}), hex({0xd0, 5}), hex({0xd1, 0, 5}),
                            hex({0xd2, 0, 0, 0, 5}), hex({0xd3, 0, 0, 0, 0, 0, 0, 0, 5})}) {
    EXPECT_EQ(Reader(five).u64(), 5u);
    EXPECT_EQ(Reader(five).i64(), 5);
  }
  for (const Bytes& minus_five : {hex({0xfb}), hex({0xd0, 0xfb}), hex({0xd1, 0xff, 0xfb}),
                                  hex({0xd2, 0xff, 0xff, 0xff, 0xfb}),
                                  hex({0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb})}) {
    EXPECT_EQ(Reader(minus_five).i64(), -5);
  }
}

TEST(MsgpackReader, ViewsPointIntoTheInput) {
  const Bytes bytes = hex({0xc4, 2, 1, 2, 0xa1, 'x'});
  Reader r(bytes);
  EXPECT_EQ(r.bin().data(), bytes.data() + 2);
  EXPECT_EQ(static_cast<const void*>(r.str().data()), bytes.data() + 5);
}

TEST(MsgpackWriter, WritesTheShortestEncoding) {
  EXPECT_EQ(Writer().u64(127).take(), hex({127}));
  EXPECT_EQ(Writer().u64(128).take(), hex({0xcc, 128}));
  EXPECT_EQ(Writer().u64(256).take(), hex({0xcd, 1, 0}));
  EXPECT_EQ(Writer().i64(-1).take(), hex({0xff}));
  EXPECT_EQ(Writer().i64(-33).take(), hex({0xd0, 0xdf}));
  EXPECT_EQ(Writer().array(15).take(), hex({0x9f}));
  EXPECT_EQ(Writer().array(16).take(), hex({0xdc, 0, 16}));
  EXPECT_EQ(Writer().map(1).take(), hex({0x81}));
  EXPECT_EQ(Writer().str("a").take(), hex({0xa1, 'a'}));
  EXPECT_EQ(Writer().bin(hex({9})).take(), hex({0xc4, 1, 9}));
  EXPECT_EQ(Writer().boolean(true).boolean(false).nil().take(), hex({0xc3, 0xc2, 0xc0}));
}

TEST(MsgpackWriter, StartsBehindWhatIsThere) {
  Writer w(hex({0, 0, 0, 2}));
  w.array(1).nil();
  EXPECT_EQ(w.take(), hex({0, 0, 0, 2, 0x91, 0xc0}));
}

TEST(MsgpackRoundTrip, IntegersAtEveryBoundary) {
  for (int shift = 0; shift < 64; ++shift) {
    for (std::uint64_t delta : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
      const std::uint64_t u = (std::uint64_t{1} << shift) + delta;
      const auto i = static_cast<std::int64_t>(u);
      const Bytes bytes = Writer().u64(u).i64(i).i64(std::int64_t(0 - u)).take();
      Reader r(bytes);
      EXPECT_EQ(r.u64(), u);
      EXPECT_EQ(r.i64(), i);
      EXPECT_EQ(r.i64(), std::int64_t(0 - u));
      EXPECT_TRUE(r.finish("test"));
    }
  }
}

TEST(MsgpackRoundTrip, LengthsAtEveryBoundary) {
  for (std::size_t n : {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536}) {
    const Bytes blob(n, 0xab);
    const std::string text(n, 'x');
    Writer w;
    w.bin(blob).str(text).array(static_cast<std::uint32_t>(n));
    for (std::size_t i = 0; i < n; ++i) w.nil();
    const Bytes bytes = w.take();
    Reader r(bytes);
    EXPECT_TRUE(equal_public(r.bin(), blob)) << n;
    EXPECT_EQ(r.str(), text) << n;
    EXPECT_EQ(r.array(), n);
    for (std::size_t i = 0; i < n; ++i) r.nil();
    EXPECT_TRUE(r.finish("test")) << n;
  }
}

TEST(MsgpackProperty, RandomBytesNeverReadBeyondTheInput) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(random() % 24);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
    Reader r(bytes);
    while (!r.failed() && r.remaining() != 0) {
      const std::size_t before = r.position();
      const ByteView raw = r.raw();
      ASSERT_LE(r.position(), bytes.size());
      if (!r.failed()) {
        ASSERT_EQ(raw.data(), bytes.data() + before);
        ASSERT_EQ(raw.size(), r.position() - before);
      }
    }
  }
}

}  // namespace
}  // namespace cocoon::msgpack
