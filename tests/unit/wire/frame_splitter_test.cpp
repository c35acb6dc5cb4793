#include "wire/frame_splitter.h"

#include <gtest/gtest.h>

#include <random>

namespace cocoon {
namespace {

using wire::FrameSplitter;

Bytes frame(const Bytes& body) {
  return ByteWriter().u32be(static_cast<std::uint32_t>(body.size())).bytes(body).take();
}

TEST(FrameSplitter, RefusesALengthOverTheLimitBeforeAnyOfTheBody) {
  FrameSplitter splitter;
  const Bytes prefix = ByteWriter().u32be(limits::kMaxFrameBytes + 1).take();
  splitter.feed(prefix);
  const auto next = splitter.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), "frame_too_large");
}

TEST(FrameSplitter, RefusesALengthOverTheLimitThatComesByteByByte) {
  FrameSplitter splitter;
  for (const std::uint8_t byte : Bytes{0x00, 0x01, 0x00}) {
    splitter.feed(ByteView(&byte, 1));
    ASSERT_TRUE(splitter.next());
  }
  const std::uint8_t last = 0x01;
  splitter.feed(ByteView(&last, 1));
  ASSERT_FALSE(splitter.next());
  EXPECT_LE(splitter.buffered(), wire::kFramePrefixBytes);
}

TEST(FrameSplitter, RefusesAnEmptyFrame) {
  FrameSplitter splitter;
  const Bytes bytes = {0, 0, 0, 0};
  splitter.feed(bytes);
  const auto next = splitter.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), "empty_frame");
}

TEST(FrameSplitter, StaysFailed) {
  FrameSplitter splitter;
  const Bytes bad = {0, 0, 0, 0};
  splitter.feed(bad);
  ASSERT_FALSE(splitter.next());
  const Bytes good = frame({1});
  splitter.feed(good);
  EXPECT_FALSE(splitter.next());
}

TEST(FrameSplitter, LosesNothingSilentlyWhenFedTooEarly) {
  FrameSplitter splitter;
  const Bytes bytes = frame({1});
  splitter.feed(bytes);
  splitter.feed(bytes);
  const auto next = splitter.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), "input_not_drained");
}

TEST(FrameSplitter, TakesAFrameOfExactlyTheLimit) {
  FrameSplitter splitter;
  const Bytes bytes = frame(Bytes(limits::kMaxFrameBytes, 5));
  splitter.feed(bytes);
  const auto next = splitter.next();
  ASSERT_TRUE(next);
  ASSERT_TRUE(next->has_value());
  EXPECT_EQ((*next)->size(), limits::kMaxFrameBytes);
}

TEST(FrameSplitter, WholeFramesAreViewsOfTheFedBytes) {
  FrameSplitter splitter;
  Bytes bytes = frame({1, 2, 3});
  append(bytes, frame({4}));
  splitter.feed(bytes);
  const ByteView first = splitter.next()->value();
  const ByteView second = splitter.next()->value();
  EXPECT_EQ(first.data(), bytes.data() + 4);
  EXPECT_EQ(second.data(), bytes.data() + 11);
  EXPECT_FALSE(splitter.next()->has_value());
  EXPECT_EQ(splitter.buffered(), 0u);
}

TEST(FrameSplitter, AFrameCompletedByThisFeedSurvivesTheNextPartialOne) {
  FrameSplitter splitter;
  Bytes stream = frame({1, 2, 3});
  append(stream, frame(Bytes(100, 9)));
  splitter.feed(ByteView(stream).first(5));
  ASSERT_FALSE(splitter.next()->has_value());
  splitter.feed(ByteView(stream).subspan(5, 50));
  const ByteView first = splitter.next()->value();
  ASSERT_FALSE(splitter.next()->has_value());
  EXPECT_EQ(to_bytes(first), (Bytes{1, 2, 3}));
  EXPECT_EQ(splitter.buffered(), 48u);
}

TEST(FrameSplitter, AnyFragmentationGivesTheSameFrames) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<Bytes> bodies(20);
    Bytes stream;
    for (Bytes& body : bodies) {
      body.assign(1 + random() % (random() % 8 == 0 ? 5000 : 40), std::uint8_t(random()));
      append(stream, frame(body));
    }
    FrameSplitter splitter;
    std::vector<Bytes> got;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size =
          std::min<std::size_t>(1 + random() % (1u << random() % 13), stream.size() - at);
      const Bytes piece(stream.begin() + at, stream.begin() + at + size);
      at += size;
      splitter.feed(piece);
      while (true) {
        const auto next = splitter.next();
        ASSERT_TRUE(next);
        if (!next->has_value()) break;
        got.push_back(to_bytes(**next));
      }
    }
    EXPECT_EQ(got, bodies);
    EXPECT_EQ(splitter.buffered(), 0u);
  }
}

}  // namespace
}  // namespace cocoon
