#include "node/account_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "crypto/system_random.h"

namespace cocoon::node {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 4096;

Error unusable(const std::string& path, const std::string& why) {
  return Error(ErrorKind::io, "account_key_unusable", path + ": " + why);
}

std::string system_error() {
  return std::strerror(errno);
}

/// Closes what open() gave.
struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Status make_directory(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed || ::access(path.c_str(), W_OK | X_OK) != 0) {
    return Error(ErrorKind::io, "state_dir_unusable",
                 "cannot use the state directory " + path + ": " +
                     (failed ? failed.message() : system_error()));
  }
  return ok();
}

Result<crypto::SigningKey> read_key(const std::string& path, int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return unusable(path, system_error());
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return unusable(path, "others may read it; run chmod 600 on it, and consider the key known");
  }
  crypto::SecretBytes text(kMaxKeyFileBytes);
  const ssize_t got = ::read(fd, text.writable().data(), text.size());
  if (got <= 0) return unusable(path, got == 0 ? "it is empty" : system_error());
  auto key =
      crypto::SigningKey::from_pem(as_text(text.view().first(static_cast<std::size_t>(got))));
  if (!key) return unusable(path, key.error().detail());
  return key;
}

/// Writes beside the final name and renames, so that a crash leaves no half key.
Result<crypto::SigningKey> create_key(const std::string& path) {
  crypto::SystemRandom random;
  crypto::SigningKey key = crypto::SigningKey::generate(random);
  COCOON_TRY(const crypto::SecretBytes pem, key.to_pem());
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  File file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.fd < 0) return unusable(temporary, system_error());
  const ByteView bytes = pem.view();
  if (::write(file.fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      ::fsync(file.fd) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = system_error();
    ::unlink(temporary.c_str());
    return unusable(path, why);
  }
  return key;
}

}  // namespace

std::string account_key_path(const std::string& state_dir) {
  return state_dir + "/account.key";
}

Result<crypto::SigningKey> load_key(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return unusable(path, system_error());
  return read_key(path, file.fd);
}

Result<crypto::SigningKey> load_or_create_key(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd >= 0) return read_key(path, file.fd);
  if (errno != ENOENT) return unusable(path, system_error());
  return create_key(path);
}

Result<crypto::SigningKey> load_or_create_account_key(const std::string& state_dir) {
  const bool existed = std::filesystem::exists(state_dir);
  COCOON_CHECK(make_directory(state_dir));
  if (!existed) ::chmod(state_dir.c_str(), 0700);
  return load_or_create_key(account_key_path(state_dir));
}

}  // namespace cocoon::node
