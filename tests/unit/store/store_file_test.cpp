#include "store/store_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "unit/store/statement_trace.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::store {
namespace {

using test::in_child;
using test::StatementTrace;

Bytes value(std::string_view text) {
  return to_bytes(as_bytes(text));
}

ports::StoreBatch batch(std::initializer_list<std::pair<const char*, const char*>> entries) {
  ports::StoreBatch out;
  for (const auto& [key, text] : entries) out.put(key, value(text));
  return out;
}

class StoreFileTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.file("state/node.db"); }

  StoreFile open() {
    auto file = StoreFile::open(path());
    EXPECT_TRUE(file) << file.error().detail();
    return std::move(file).value();
  }

  Status write(StoreFile& file, const ports::StoreBatch& one) { return file.write({&one, 1}); }

  std::string dump(StoreFile& file, std::string_view prefix = {}) {
    auto entries = file.load(prefix);
    if (!entries) return entries.error().detail();
    std::string out;
    for (const auto& e : *entries) out += e.key + "=" + std::string(as_text(e.value)) + ";";
    return out;
  }

  std::string error_of_opening() {
    auto file = StoreFile::open(path());
    return file ? "opened" : std::string(file.error().code());
  }

  test::TemporaryFolder folder_;
};

TEST_F(StoreFileTest, SecondProcessIsRefusedAndTheFirstGoesOn) {
  StoreFile first = open();
  ASSERT_TRUE(write(first, batch({{"a", "1"}})));
  const int status = in_child([&] { return error_of_opening() == "file_in_use" ? 0 : 1; });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(write(first, batch({{"b", "2"}})));
  EXPECT_EQ(dump(first), "a=1;b=2;");
}

TEST_F(StoreFileTest, SecondOpeningInOneProcessIsRefusedAndKeepsTheLock) {
  StoreFile first = open();
  EXPECT_EQ(error_of_opening(), "file_in_use");
  EXPECT_EQ(in_child([&] { return error_of_opening() == "file_in_use" ? 0 : 1; }), 0);
}

TEST_F(StoreFileTest, FileThatIsNoDatabaseIsReportedAsDamaged) {
  std::filesystem::create_directory(folder_.file("state"));
  std::ofstream(path()) << std::string(8192, 'x');
  EXPECT_EQ(error_of_opening(), "file_damaged");
}

TEST_F(StoreFileTest, DamagedPagesAreReportedAsDamaged) {
  {
    StoreFile file = open();
    ports::StoreBatch many;
    for (int i = 0; i < 2000; ++i) many.put("key" + std::to_string(i), Bytes(100, 7));
    ASSERT_TRUE(write(file, many));
  }
  {
    std::fstream raw(path(), std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(3 * 4096);
    raw << std::string(4096 * 4, '\xee');
  }
  EXPECT_EQ(error_of_opening(), "file_damaged");
}

TEST_F(StoreFileTest, DatabaseOfAnotherProgramIsRefused) {
  std::filesystem::create_directory(folder_.file("state"));
  {
    DatabaseOptions other;
    other.path = path();
    other.application_id = 1;
    other.schema = "CREATE TABLE t (x)";
    ASSERT_TRUE(Database::open(other));
  }
  EXPECT_EQ(error_of_opening(), "file_foreign");
}

TEST_F(StoreFileTest, FileOfAnotherVersionIsRefused) {
  { StoreFile file = open(); }
  {
    DatabaseOptions raw;
    raw.path = path();
    raw.application_id = 0x43437374;
    auto database = Database::open(raw);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->run("PRAGMA user_version = 9"));
  }
  EXPECT_EQ(error_of_opening(), "file_version");
}

TEST_F(StoreFileTest, FullDiskWritesNothingOfTheBatchAndLosesNothing) {
  auto small = StoreFile::open(path(), 64 * 1024);
  ASSERT_TRUE(small);
  ASSERT_TRUE(write(*small, batch({{"kept", "yes"}})));
  ports::StoreBatch large = batch({{"part", "of it"}});
  large.put("large", Bytes(200 * 1024, 1));
  const Status refused = write(*small, large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "disk_full");
  EXPECT_EQ(dump(*small), "kept=yes;");
  EXPECT_TRUE(write(*small, batch({{"next", "fits"}})));
}

TEST_F(StoreFileTest, FolderThatCannotBeMadeIsNamed) {
  auto file = StoreFile::open(folder_.file("no/such/folder.db"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), "file_open_failed");
}

TEST_F(StoreFileTest, FileAndFolderAreTheOwnersAlone) {
  const mode_t old = umask(0);
  StoreFile file = open();
  ASSERT_TRUE(write(file, batch({{"a", "1"}})));
  umask(old);
  struct stat s {};
  ASSERT_EQ(stat(path().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((path() + "-wal").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(folder_.file("state").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0700u);
}

TEST_F(StoreFileTest, EntriesSurviveReopening) {
  {
    StoreFile file = open();
    ASSERT_TRUE(write(file, batch({{"a", "1"}, {"b", "2"}})));
    ports::StoreBatch second;
    second.remove("a").put("b", value("3"));
    ASSERT_TRUE(write(file, second));
  }
  StoreFile file = open();
  EXPECT_EQ(dump(file), "b=3;");
}

TEST_F(StoreFileTest, LaterBatchesOfOneCallWin) {
  StoreFile file = open();
  const std::vector<ports::StoreBatch> batches{batch({{"a", "1"}}), batch({{"a", "2"}})};
  ASSERT_TRUE(file.write(batches));
  EXPECT_EQ(dump(file), "a=2;");
}

TEST_F(StoreFileTest, LoadReturnsExactlyThePrefixInOrder) {
  StoreFile file = open();
  ports::StoreBatch b =
      batch({{"ab", "2"}, {"a", "1"}, {"b", "4"}, {"a\xff", "3"}, {"\xff\xff", "5"}});
  b.put("empty", {});
  ASSERT_TRUE(write(file, b));
  EXPECT_EQ(dump(file, "a"), "a=1;ab=2;a\xff=3;");
  EXPECT_EQ(dump(file, "\xff"), "\xff\xff=5;");
  EXPECT_EQ(dump(file, "empty"), "empty=;");
  EXPECT_EQ(dump(file, "none"), "");
}

TEST_F(StoreFileTest, CrashBetweenAnyTwoStatementsLeavesAWholeBatchOrNone) {
  StatementTrace::instance();
  {
    StoreFile file = open();
    ASSERT_TRUE(write(file, batch({{"a", "old"}, {"b", "old"}})));
  }
  int crashes = 0;
  for (int n = 1;; ++n) {
    const int status = in_child([&] {
      StoreFile file = open();
      StatementTrace::instance().crash_before(n);
      const bool written = bool(write(file, batch({{"a", "new"}, {"b", "new"}, {"c", "new"}})));
      StatementTrace::instance().reset();
      return written ? 0 : 1;
    });
    StoreFile file = open();
    if (status == 0) {
      EXPECT_EQ(dump(file), "a=new;b=new;c=new;");
      break;
    }
    ASSERT_EQ(status, test::kCrashed) << "before statement " << n;
    ++crashes;
    EXPECT_EQ(dump(file), "a=old;b=old;") << "after a crash before statement " << n;
  }
  EXPECT_GE(crashes, 5);  // begin, three writes, commit
}

}  // namespace
}  // namespace cocoon::store
