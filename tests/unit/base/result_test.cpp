#include "cocoon/result.h"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

Result<int> failed() { return Error(ErrorKind::io, "disk_full", "no space is left"); }

TEST(ResultDeathTest, AValueReadFromAnErrorAbortsAndSaysTheError) {
  EXPECT_DEATH((void)failed().value(), "disk_full: no space is left");
}

TEST(ResultDeathTest, AnErrorReadFromAValueAbortsAndSaysSo) {
  const Result<int> good = 1;
  EXPECT_DEATH((void)good.error(), "an error was read from a result without one");
}

TEST(Result, WithinPutsTheContextBeforeTheDetail) {
  EXPECT_EQ(failed().error().within("a file").detail(), "a file: no space is left");
}

}  // namespace
}  // namespace cocoon
