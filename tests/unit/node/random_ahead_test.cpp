#include "node/random_ahead.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

namespace cocoon::node {
namespace {

TEST(RandomAhead, NeverGivesOutTheSameBytesTwice) {
  // Draws of every size that is served from what was drawn ahead, and larger ones.
  RandomAhead random;
  std::set<Bytes> seen;
  for (int round = 0; round < 40; ++round) {
    for (std::size_t size = 16; size <= 80; ++size) {
      Bytes draw(size);
      random.fill(draw);
      draw.resize(16);
      EXPECT_TRUE(seen.insert(draw).second) << "round " << round << ", size " << size;
    }
  }
}

TEST(RandomAhead, FillsAllBytesAnew) {
  RandomAhead random;
  // Over 64 draws a byte that is never written keeps its zero; a random one does with 2^-512.
  ByteArray<40> seen{};
  for (int i = 0; i < 64; ++i) {
    const auto draw = random.array<40>();
    for (std::size_t j = 0; j < draw.size(); ++j) seen[j] |= draw[j];
  }
  for (std::size_t j = 0; j < seen.size(); ++j) EXPECT_NE(seen[j], 0) << "byte " << j;
}

TEST(RandomAhead, AForkedChildDrawsItsOwn) {
  RandomAhead random;
  (void)random.array<16>();  // now bytes are drawn ahead
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  const auto mine = random.array<32>();
  if (child == 0) {
    const bool sent = write(ends[1], mine.data(), mine.size()) == ssize_t{32};
    _exit(sent ? 0 : 1);
  }
  ByteArray<32> theirs{};
  EXPECT_EQ(::read(ends[0], theirs.data(), theirs.size()), ssize_t{32});
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(mine, theirs);
  close(ends[0]);
  close(ends[1]);
}

TEST(RandomAhead, FillsNothingWithoutFault) {
  RandomAhead random;
  random.fill({});  // UndefinedBehaviorSanitizer watches
}

}  // namespace
}  // namespace cocoon::node
