#include "common/read_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace cocoon::app {

Result<std::string> read_file(const std::string& path, std::size_t most) {
  constexpr std::size_t kChunk = 64 * 1024;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string data;
  // A folder opens, and fails only here.
  while (file && data.size() <= most) {
    const std::size_t had = data.size();
    data.resize(had + std::min(kChunk, most + 1 - had));
    file.read(data.data() + had, static_cast<std::streamsize>(data.size() - had));
    data.resize(had + static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    return Error(
        ErrorKind::io, "file_unreadable",
        path + " cannot be read: " + std::generic_category().message(errno == 0 ? EIO : errno));
  }
  if (data.size() > most) {
    return Error(ErrorKind::too_large, "file_too_large",
                 path + " has more than " + std::to_string(most) +
                     " bytes, the most that is read of its kind");
  }
  return data;
}

}  // namespace cocoon::app
