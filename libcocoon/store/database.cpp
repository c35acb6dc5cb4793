#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace cocoon::store {
namespace {

Error io_error(std::string_view code, std::string detail) {
  return Error(ErrorKind::io, code, std::move(detail));
}

/// What a result code of sqlite's means to the owner of the file.
Error sqlite_error(const std::string& path, int code, const char* message) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return io_error("disk_full", fmt::format("{} cannot grow: the disk is full or the file has "
                                               "reached its limit; what was committed is safe",
                                               path));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return io_error("file_damaged",
                      fmt::format("{} is damaged ({}): restore it from a backup or move it away",
                                  path, message));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return io_error("file_in_use",
                      fmt::format("{} is in use by another process: stop that one first", path));
    case SQLITE_CANTOPEN:
      return io_error("file_open_failed", fmt::format("{} cannot be opened: {}", path, message));
    default: return io_error("file_failed", fmt::format("{}: {}", path, message));
  }
}

/// The folder of `path`, made with mode 0700 where it is missing; one level only.
Status make_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return ok();
  const std::string folder = path.substr(0, slash);
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return ok();
  return io_error("file_open_failed",
                  fmt::format("the folder {} cannot be made: {}", folder, std::strerror(errno)));
}

/// sqlite would make the file with the process's umask; its companions take over its mode. A file
/// that exists is not opened here: closing it would drop the locks that this process may have.
Status make_file(const DatabaseOptions& options) {
  if (options.must_exist) {
    if (::access(options.path.c_str(), F_OK) == 0) return ok();
    return io_error("file_not_found", fmt::format("{} does not exist", options.path));
  }
  const int fd = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  if (fd >= 0 || errno == EEXIST) return ok();
  return io_error("file_open_failed",
                  fmt::format("{} cannot be made: {}", options.path, std::strerror(errno)));
}

}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bound(int code) {
  if (code != SQLITE_OK && error_ == SQLITE_OK) error_ = code;
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  return bound(sqlite3_bind_int64(statement_, next_++, value));
}

// sqlite takes a null pointer for NULL, also where the length is zero.
Statement& Statement::bind(std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  return bound(
      sqlite3_bind_text64(statement_, next_++, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::bind(ByteView blob) {
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  return bound(sqlite3_bind_blob64(statement_, next_++, data, blob.size(), SQLITE_TRANSIENT));
}

Result<bool> Statement::step() {
  const int code = error_ == SQLITE_OK ? sqlite3_step(statement_) : error_;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failure(code);
}

Status Statement::run() {
  COCOON_TRY(const bool row, step());
  (void)row;
  return ok();
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return {static_cast<const std::uint8_t*>(data), size};
}

std::string Statement::text(int column) const {
  return std::string(as_text(blob(column)));
}

Result<Database> Database::open(const DatabaseOptions& options) {
  if (!options.must_exist) COCOON_CHECK(make_folder(options.path));
  COCOON_CHECK(make_file(options));
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(options.path.c_str(), &raw, flags, nullptr);
  Database database(options.path, raw);
  if (code != SQLITE_OK) return database.failure(code);
  sqlite3_extended_result_codes(raw, 1);
  COCOON_CHECK(database.set_up(options));
  return database;
}

Status Database::set_up(const DatabaseOptions& options) {
  sqlite3_busy_timeout(db_.get(),
                       options.exclusive ? 0 : static_cast<int>(limits::kFileBusyTimeout.count()));
  if (options.exclusive) COCOON_CHECK(run("PRAGMA locking_mode = EXCLUSIVE"));
  COCOON_CHECK(run("PRAGMA journal_mode = WAL"));
  COCOON_CHECK(run("PRAGMA synchronous = FULL"));
  COCOON_CHECK(run("PRAGMA trusted_schema = OFF"));
  if (options.max_bytes != 0) {
    COCOON_TRY(const std::int64_t page_bytes, pragma("PRAGMA page_size"));
    const std::uint64_t pages = options.max_bytes / static_cast<std::uint64_t>(page_bytes);
    COCOON_CHECK(run(fmt::format("PRAGMA max_page_count = {}", pages)));
  }
  return check_contents(options);
}

Status Database::check_contents(const DatabaseOptions& options) {
  // The transaction makes two processes that start on an empty file take turns, and takes the
  // lock of an exclusive one.
  COCOON_TRY(Transaction transaction, Transaction::begin(*this));
  COCOON_TRY(const std::int64_t id, pragma("PRAGMA application_id"));
  COCOON_TRY(const std::int64_t version, pragma("PRAGMA user_version"));
  COCOON_TRY(const std::int64_t tables, pragma("SELECT count(*) FROM sqlite_schema"));
  if (id == 0 && version == 0 && tables == 0) {
    COCOON_CHECK(run(options.schema));
    COCOON_CHECK(run(fmt::format("PRAGMA application_id = {}", options.application_id)));
    COCOON_CHECK(run(fmt::format("PRAGMA user_version = {}", options.schema_version)));
    return transaction.commit();
  }
  if (id != options.application_id) {
    return io_error("file_foreign",
                    fmt::format("{} is a database of another kind; name another file", path_));
  }
  if (version != options.schema_version) {
    return io_error("file_version",
                    fmt::format("{} was written by another version of this program (format {}, "
                                "this one reads format {})",
                                path_, version, options.schema_version));
  }
  {
    COCOON_TRY(Statement check, prepare("PRAGMA quick_check(1)"));
    COCOON_TRY(const bool row, check.step());
    if (!row || check.text(0) != "ok") {
      return io_error(
          "file_damaged",
          fmt::format("{} is damaged: restore it from a backup or move it away", path_));
    }
  }
  return transaction.commit();
}

Status Database::run(std::string_view sql) {
  const int code = sqlite3_exec(db_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return ok();
}

Result<Statement> Database::prepare(std::string_view sql) {
  auto& cached = statements_[std::string(sql)];
  // A statement that is still being stepped further up must not be reset under it.
  if (cached && sqlite3_stmt_busy(cached.get()) != 0) {
    return Error(ErrorKind::internal, "statement_in_use", "a query was started within itself");
  }
  if (!cached) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (code != SQLITE_OK) return failure(code);
    cached.reset(raw);
  }
  return Statement(*this, cached.get());
}

Result<std::int64_t> Database::pragma(std::string_view sql) {
  COCOON_TRY(Statement statement, prepare(sql));
  COCOON_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<std::int64_t> Database::data_version() {
  return pragma("PRAGMA data_version");
}

Error Database::failure(int code) const {
  return sqlite_error(path_, code, db_ ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code));
}

Result<Transaction> Transaction::begin(Database& database) {
  COCOON_CHECK(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Where sqlite has rolled back by itself (a full disk), this fails and changes nothing.
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Status Transaction::commit() {
  COCOON_CHECK(database_->run("COMMIT"));
  database_ = nullptr;
  return ok();
}

}  // namespace cocoon::store
