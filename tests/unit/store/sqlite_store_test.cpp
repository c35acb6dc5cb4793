#include "store/sqlite_store.h"

#include <gtest/gtest.h>

#include "store/store_file.h"
#include "unit/io/test_loop.h"
#include "unit/store/statement_trace.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::store {
namespace {

class SqliteStoreTest : public io::test::LoopTest {
 protected:
  std::unique_ptr<SqliteStore> open(std::uint64_t max_bytes = limits::kMaxStoreBytes) {
    auto store = SqliteStore::open(context(), folder_.file("node.db"), max_bytes);
    EXPECT_TRUE(store) << store.error().detail();
    return std::move(store).value();
  }

  ports::StoreBatch numbered(int i) {
    ports::StoreBatch batch;
    batch.put("key", Bytes(1, static_cast<std::uint8_t>(i)));
    return batch;
  }

  void stop(SqliteStore& store) {
    bool stopped = false;
    store.stop([&] { stopped = true; });
    run_until([&] { return stopped; });
  }

  test::TemporaryFolder folder_;
};

TEST_F(SqliteStoreTest, AfterTheFirstFailureEveryBatchIsRefused) {
  auto store = open(64 * 1024);
  std::vector<std::string> results;
  const auto note = [&](Status s) { results.push_back(s ? "ok" : std::string(s.error().code())); };
  ports::StoreBatch large;
  large.put("large", Bytes(200 * 1024, 1));
  store->commit(std::move(large), note);
  run_until([&] { return results.size() == 1; });
  store->commit(numbered(1), note);
  run_until([&] { return results.size() == 2; });
  EXPECT_EQ(results, (std::vector<std::string>{"disk_full", "disk_full"}));
  EXPECT_TRUE(store->load("").value().empty());
  stop(*store);
}

TEST_F(SqliteStoreTest, FileOfAnotherOwnerIsRefusedAtOpening) {
  auto first = open();
  auto second = SqliteStore::open(context(), folder_.file("node.db"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "file_in_use");
  stop(*first);
}

TEST_F(SqliteStoreTest, AnswersComeInOrderAndNeverInsideCommit) {
  auto store = open();
  std::vector<int> answered;
  for (int i = 0; i < 100; ++i) {
    store->commit(numbered(i), [&answered, i](Status s) {
      EXPECT_TRUE(s);
      answered.push_back(i);
    });
  }
  EXPECT_TRUE(answered.empty());
  run_until([&] { return answered.size() == 100; });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answered[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(store->load("key").value().at(0).value, Bytes(1, 99));
  stop(*store);
}

TEST_F(SqliteStoreTest, BatchesThatQueueUpShareOneTransaction) {
  test::StatementTrace::instance();
  auto store = open();
  const int before = test::StatementTrace::instance().commits();
  int answered = 0;
  for (int i = 0; i < 100; ++i) store->commit(numbered(i), [&](Status) { ++answered; });
  run_until([&] { return answered == 100; });
  // The first goes alone; all that came meanwhile go together.
  EXPECT_EQ(test::StatementTrace::instance().commits() - before, 2);
  stop(*store);
}

TEST_F(SqliteStoreTest, StopWritesWhatIsQueuedThenClosesTheFile) {
  auto store = open();
  int answered = 0;
  for (int i = 0; i < 10; ++i) store->commit(numbered(i), [&](Status) { ++answered; });
  bool stopped = false;
  store->stop([&] {
    EXPECT_EQ(answered, 10);
    stopped = true;
  });
  store->commit(numbered(200), [](Status) { FAIL() << "answered after stop"; });
  run_until([&] { return stopped; });
  EXPECT_EQ(store->load("").error().code(), "store_stopped");
  auto file = StoreFile::open(folder_.file("node.db"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->load("key").value().at(0).value, Bytes(1, 9));
}

TEST_F(SqliteStoreTest, DestructionCallsNothingBackAndLeavesNoHandle) {
  auto store = open();
  for (int i = 0; i < 10; ++i) {
    store->commit(numbered(i), [](Status) { FAIL() << "answered after destruction"; });
  }
  store.reset();
  // The fixture checks that the loop is empty at the end.
}

}  // namespace
}  // namespace cocoon::store
