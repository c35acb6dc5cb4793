#include "session/size_classes.h"

#include <gtest/gtest.h>

#include <set>

#include "session/sealed_request.h"

namespace cocoon {
namespace {

using namespace session;

TEST(RequestClass, HoldsTheBytesAndAddsAtMostAnEighth) {
  EXPECT_EQ(request_class(0), kMinRequestClass);
  EXPECT_EQ(request_class(kMinRequestClass), kMinRequestClass);
  for (std::uint64_t n = kMinRequestClass + 1; n < 40'000'000; n += 1 + n / 977) {
    const std::uint64_t size = request_class(n);
    ASSERT_GE(size, n);
    ASSERT_LE(size - n, n / 8) << n;
    ASSERT_TRUE(is_request_class(size)) << n;
    ASSERT_EQ(request_class(size), size) << n;
  }
}

TEST(RequestClass, ThereAreFew) {
  std::set<std::uint64_t> classes;
  for (std::uint64_t n = 0; n <= limits::kHighestMaxRequestBytes; n += 61) {
    classes.insert(request_class(n));
  }
  EXPECT_LE(classes.size(), 1u + 8 * 15);
}

TEST(AnswerClass, AreTheDocumentedOnes) {
  std::set<std::size_t> classes;
  for (std::size_t n = 1; n <= kMaxChunkPlaintext; ++n) {
    const std::size_t size = answer_class(n);
    ASSERT_GE(size, n);
    ASSERT_TRUE(is_answer_class(size));
    classes.insert(size);
  }
  EXPECT_EQ(classes, (std::set<std::size_t>{320, 640, 1280, 2560, 5120, 10240, 16320}));
}

TEST(AnswerClass, ATokenOf128To256BytesFallsIntoTheSmallest) {
  EXPECT_EQ(answer_class(3 + 128), 320u);
  EXPECT_EQ(answer_class(3 + 256), 320u);
}

TEST(AnswerClass, NothingLargerThanAChunkIsOne) {
  EXPECT_FALSE(is_answer_class(kMaxChunkPlaintext + 1));
  EXPECT_FALSE(is_answer_class(20480));
  EXPECT_FALSE(is_answer_class(0));
}

TEST(PaddedBodyLength, CountsTheLengthPrefix) {
  EXPECT_EQ(padded_body_length(1020), 1024u);
  EXPECT_EQ(padded_body_length(1021), 1152u);
}

}  // namespace
}  // namespace cocoon
