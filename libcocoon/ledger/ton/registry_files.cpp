#include "ledger/ton/registry_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/limits.h"

namespace cocoon::ledger {
namespace {

/// A cache holds a snapshot and another registry.
constexpr std::size_t kMostBytes = 2 * limits::kMaxRegistrySnapshotBytes;

Error unwritable(const std::string& path) {
  return Error(ErrorKind::io, "registry_file_unwritable",
               path + " cannot be written: " + std::strerror(errno));
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::optional<Bytes>> read_registry_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in && errno == ENOENT) return std::optional<Bytes>();
  Bytes bytes;
  char piece[16 * 1024];
  while (in && bytes.size() <= kMostBytes) {
    in.read(piece, sizeof piece);
    append(bytes, as_bytes({piece, static_cast<std::size_t>(in.gcount())}));
  }
  if (!in.eof() || bytes.size() > kMostBytes) {
    return Error(ErrorKind::io, "registry_file_unreadable",
                 path + " cannot be read, or has more than 4 MiB");
  }
  return std::optional(std::move(bytes));
}

Status write_registry_file(const std::string& path, ByteView bytes) {
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return unwritable(draft);
  const bool whole = write_all(fd, bytes) && ::fsync(fd) == 0;
  Status status = whole ? ok() : Status(unwritable(draft));
  ::close(fd);
  if (status && ::rename(draft.c_str(), path.c_str()) != 0) status = unwritable(path);
  if (!status) ::unlink(draft.c_str());
  return status;
}

}  // namespace cocoon::ledger
