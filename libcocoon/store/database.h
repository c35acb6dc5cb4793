#pragma once
/// @file sqlite3 behind a small typed front: one connection, prepared statements, transactions.

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::store {

class Database;

/// A prepared statement, ready for one run. It resets itself when it goes, so that the connection
/// can prepare it once for all runs. Binding latches the first error until step(). It must not
/// outlive its Database, nor see it move.
class Statement {
 public:
  Statement(const Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  Statement(Statement&& other) noexcept
      : database_(other.database_),
        statement_(std::exchange(other.statement_, nullptr)),
        next_(other.next_),
        error_(other.error_) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(ByteView blob);

  /// Advances to the next row; false after the last.
  Result<bool> step();
  /// Runs a statement that returns no rows.
  Status run();

  std::int64_t integer(int column) const;
  /// Valid until the next step().
  ByteView blob(int column) const;
  std::string text(int column) const;

 private:
  Statement& bound(int code);

  const Database* database_;
  sqlite3_stmt* statement_;
  int next_ = 1;
  int error_ = 0;
};

struct DatabaseOptions {
  std::string path;
  /// Marks whose file it is (PRAGMA application_id): a file of another program is refused.
  std::int32_t application_id = 0;
  /// Of the tables (PRAGMA user_version): a file of another version is refused.
  std::int32_t schema_version = 1;
  /// The SQL that makes the tables of an empty file.
  std::string_view schema;
  /// Hold the file for this process alone, from opening to closing.
  bool exclusive = false;
  /// Refuse to make a file that does not exist.
  bool must_exist = false;
  /// Refuse to grow the file beyond this.
  std::uint64_t max_bytes = 0;
};

/// One connection. Not thread-safe.
class Database {
 public:
  /// Opens `path`, with its folder (made with mode 0700 where it is missing) and its file (mode
  /// 0600), in WAL mode with synchronous=FULL, and checks what it finds.
  /// Errors: io with file_in_use, file_damaged, file_foreign, file_version, file_not_found,
  /// file_open_failed.
  static Result<Database> open(const DatabaseOptions& options);

  /// Errors: io with disk_full, file_damaged, file_in_use (still locked after the busy timeout) or
  /// file_failed.
  Status run(std::string_view sql);
  Result<Statement> prepare(std::string_view sql);

  /// Changes whenever another connection has committed something.
  Result<std::int64_t> data_version();
  std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(db_.get()); }
  const std::string& path() const { return path_; }
  /// What sqlite's result `code` means to the owner of the file.
  Error failure(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  Database(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}
  Status set_up(const DatabaseOptions& options);
  Status check_contents(const DatabaseOptions& options);
  Result<std::int64_t> pragma(std::string_view sql);

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

/// A write transaction: begins at once (so it never has to be upgraded), and is undone unless it
/// was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace cocoon::store
