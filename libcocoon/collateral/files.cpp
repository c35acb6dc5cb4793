#include "collateral/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "collateral/held.h"

namespace cocoon::collateral {
namespace {

Error unwritable(const std::string& path) {
  return Error(ErrorKind::io, "collateral_unwritable",
               path + " cannot be written: " + std::strerror(errno));
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Error(ErrorKind::io, "collateral_unwritable", std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

}  // namespace

std::string file_of(const std::string& folder, const Platform& platform) {
  return folder + "/" + name_of(platform) + ".json";
}

Result<attest::CollateralText> read_collateral(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in && errno == ENOENT) {
    return Error(ErrorKind::not_found, "collateral_no_file", "there is no " + path);
  }
  std::string text;
  char piece[16 * 1024];
  while (in && text.size() <= limits::kMaxCollateralFileBytes) {
    in.read(piece, sizeof piece);
    text.append(piece, static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof() || text.size() > limits::kMaxCollateralFileBytes) {
    return Error(ErrorKind::io, "collateral_unreadable",
                 path + " cannot be read, or has more than 6 MiB");
  }
  auto parsed = attest::CollateralText::from_json(text);
  return parsed ? std::move(parsed) : std::move(parsed).error().within(path);
}

Status write_collateral(const std::string& path, const std::string& json) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return unwritable(folder);
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return unwritable(draft);
  const bool whole = write_all(fd, json + '\n') && ::fsync(fd) == 0;
  Status status = whole ? ok() : Status(unwritable(draft));
  ::close(fd);
  if (status && ::rename(draft.c_str(), path.c_str()) != 0) status = unwritable(path);
  if (!status) ::unlink(draft.c_str());
  return status;
}

}  // namespace cocoon::collateral
